"""A burst from many countries at once."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("botnet_burst")
def botnet_burst(story: Story) -> Iterator[Act]:
    """Hundreds or thousands of recipients from dozens of networks within hours, many of them dead."""
    random = story.random
    begin = story.at(story.day(), random.uniform(0, 20))
    places = [random.choice(story.net.abroad).place(random) for _ in range(random.randrange(15, 120))]
    yield from story.prelude(begin, random.choice(story.net.abroad))
    to = story.strangers(random.randrange(500, 3000), random.uniform(0.1, 0.35), random.uniform(0.02, 0.2))
    messages = list(story.batches(to, 1, random.choice((1, 5, 20))))
    yield from story.sent(begin, random.uniform(1200, 10000), messages, places, random.randrange(1500, 30000))
