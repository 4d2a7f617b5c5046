"""Malware on the owner's own machine."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("owner_machine", origin="machine")
def owner_machine(story: Story) -> Iterator[Act]:
    """Everything comes from where the owner is, while the machine is on; only the mail is not the owner's."""
    random, person = story.random, story.person
    at_home = person.kind == "student" or random.random() < 0.4
    person.stays.clear()
    person.keeps_address = True
    if person.at_home is None:
        person.at_home = person.home.place(random)
    place = person.at_home if at_home else person.desk
    first = story.workday(2)
    around = random.randrange(1500, 60000)
    for day in list(story.days_from(first))[: random.randrange(1, 3)]:
        begin = story.at(day, random.uniform(17, 19.5) if at_home else random.uniform(8, 13))
        to = story.strangers(random.randrange(150, 1200), random.uniform(0.05, 0.3), 0.08)
        known = story.friends(len(to) // 7, 0.05)
        to = to[len(known) :] + known
        random.shuffle(to)
        messages = list(story.batches(to, 1, random.choice((1, 1, 5, 20))))
        yield from story.sent(begin, random.uniform(2400, 14000), messages, [place], around)
