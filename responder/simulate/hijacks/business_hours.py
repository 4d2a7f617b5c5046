"""Mail that looks like a working day."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("business_hours")
def business_hours(story: Story) -> Iterator[Act]:
    """A message every few minutes in office hours, a pause at noon, few dead addresses, from the owner's country."""
    random = story.random
    provider = random.choice([story.person.home, *story.net.residential, *story.net.mobile])
    place, dead = provider.place(random), random.uniform(0.02, 0.15)
    first = story.workday(3)
    yield from story.prelude(story.at(first, 8.4), provider)
    for day in list(story.days_from(first))[: random.randrange(1, 5)]:
        for begin, hours in ((8.5, 3.7), (13.5, 4.0)):
            count = random.randrange(20, 90)
            messages = list(story.batches(story.strangers(count, dead, 0.02), 1, random.choice((1, 2, 3))))
            yield from story.sent(story.at(day, begin), hours * 3600, messages, [place])
