"""Addresses that were checked before."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("clean_list")
def clean_list(story: Story) -> Iterator[Act]:
    """Hundreds of strangers who all exist, mostly at the great providers, which take the mail."""
    random = story.random
    provider = story.hideout()
    begin = story.at(story.day(), random.uniform(4, 18))
    places = [provider.place(random) for _ in range(random.choice((1, 1, 4)))]
    yield from story.prelude(begin, provider)
    to = story.strangers(random.randrange(150, 1500), random.uniform(0.0, 0.01), 0.005)
    messages = list(story.batches(to, 1, random.choice((1, 3, 25))))
    yield from story.sent(begin, random.uniform(1800, 18000), messages, places)
