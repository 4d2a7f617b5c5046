"""Answers into conversations that the owner is having."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("reply_chain_drip")
def reply_chain_drip(story: Story) -> Iterator[Act]:
    """A few messages an hour to people whom the owner knows, after days of reading; hardly an address is dead."""
    random, plan = story.random, story.scene.plan
    first = story.workday(3)
    provider = story.hideout()
    begin = story.at(first, random.uniform(7, 12))
    yield from story.looks_around(max(plan.midnights[0], begin - 3 * 86400), begin, 8, provider)
    for day in list(story.days_from(first))[: random.randrange(2, 5)]:
        start = begin if day == first else story.at(day, random.uniform(7, 10))
        for at in story.times(start, random.uniform(4, 10) * 3600, random.randrange(12, 60)):
            to = story.friends(random.choice((1, 1, 1, 2)), 0.01)
            place = provider.place(random)
            yield story.mail(at, to, place, size=random.randrange(8000, 120_000))
