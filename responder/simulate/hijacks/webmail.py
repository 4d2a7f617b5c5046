"""By hand, or by a script, through webmail."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("webmail")
def webmail(story: Story) -> Iterator[Act]:
    """Logs in to webmail and pastes pieces of a list into it; the servers see their own webmail host."""
    random = story.random
    provider = story.hideout()
    place, begin = provider.place(random), story.at(story.day(), random.uniform(1, 20))
    for _ in range(random.randrange(3)):
        yield story.failed(begin - 30, place, "webmail")
    yield story.login(begin, place, "webmail")
    to = story.strangers(random.randrange(100, 1200), random.uniform(0.03, 0.25), 0.06)
    messages = list(story.batches(to, 5, random.choice((15, 40, 90))))
    yield from story.sent(
        begin + 90, random.uniform(1800, 9000), messages, [place], random.randrange(2000, 30000), True
    )
