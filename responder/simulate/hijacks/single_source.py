"""One machine for hire, and a list of addresses."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import ANYBODY, Story, hijack


@hijack("single_source", kinds=ANYBODY)
def single_source(story: Story) -> Iterator[Act]:
    """A script that sends a list in large pieces, from one address, as fast as it goes."""
    random = story.random
    begin, provider = story.at(story.day(), random.uniform(0, 21)), story.hideout()
    place = provider.place(random)
    yield from story.prelude(begin, provider)
    to = story.strangers(
        random.randrange(400, 3000), random.uniform(0.08, 0.3), random.uniform(0.02, 0.15), False
    )
    around = random.randrange(2000, 60000)
    at = begin
    for batch in story.batches(to, 5, random.choice((10, 50, 100))):
        yield story.mail(at, batch, place, size=story.size(around), method="LOGIN")
        at += random.uniform(2, 60)
