"""Many accounts, of which none sends much."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("snowshoe", accounts=24)
def snowshoe(story: Story) -> Iterator[Act]:
    """One campaign over many accounts within a day: each sends some dozens, from an address of its own."""
    random = story.random
    day, around = story.day(2), random.randrange(2500, 20000)
    dead = random.uniform(0.05, 0.25)
    for person in story.people:
        provider = story.hideout(person)
        begin = story.at(day, random.uniform(6, 14))
        place = provider.place(random)
        if random.random() < 0.3:
            yield story.login(begin - 30, place, person=person)
        to = story.strangers(random.randrange(25, 110), dead, 0.04)
        messages = list(story.batches(to, 1, random.choice((1, 2, 4))))
        for at, batch in zip(story.times(begin, 8 * 3600, len(messages)), messages, strict=True):
            yield story.mail(at, batch, place, size=story.size(around), person=person)
