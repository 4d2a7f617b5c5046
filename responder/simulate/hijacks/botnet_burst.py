"""A burst from many countries at once."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("botnet_burst")
def botnet_burst(story: Story) -> Iterator[Act]:
    """Thousands of recipients from dozens of networks within an hour or two, a quarter of them dead."""
    random = story.random
    begin = story.at(story.day(), random.uniform(0, 20))
    places = [random.choice(story.net.abroad).place(random) for _ in range(random.randrange(15, 120))]
    to = story.strangers(random.randrange(800, 3500), random.uniform(0.1, 0.35), random.uniform(0.02, 0.2))
    messages = list(story.batches(to, 1, random.choice((1, 5, 20))))
    yield from story.sent(begin, random.uniform(1200, 7200), messages, places, random.randrange(1500, 30000))
