"""Mailboxes that are not like the others."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, lookalike


@lookalike("a newcomer without any history, who begins with a mail to everybody")
def newcomer(story: Story) -> Iterator[Act]:
    """Nothing is known before the first day, on which the address is told to friends and strangers."""
    random, first = story.random, story.day(2)
    begin = story.at(first, random.uniform(9, 17))
    story.person.since = story.scene.plan.midnights[first]
    place = story.usual(begin)
    for at in story.times(begin, 3600, 5):
        yield story.login(at, place)
    to = story.strangers(random.randrange(40, 160), random.uniform(0.05, 0.2))
    yield from story.sent(begin + 600, 5 * 3600, list(story.batches(to, 1, 10)), [place])


@lookalike("a help desk whose tickets answer strangers all day", ("service",))
def ticket_system(story: Story) -> Iterator[Act]:
    """Every day of the world, some hundreds of messages, few dead addresses."""
    random = story.random
    for day in range(story.scene.plan.days):
        to = story.strangers(random.randrange(60, 350), 0.02)
        yield from story.sent(
            story.at(day, 7), 11 * 3600, list(story.batches(to, 1, 1)), [story.person.desk], 4000
        )


@lookalike("a scanner that sends what it scanned", ("service",))
def scanner(story: Story) -> Iterator[Act]:
    """Large messages to the site's own people, one recipient each, from one address."""
    random = story.random
    for day in range(story.scene.plan.days):
        to = story.inside(random.randrange(20, 120))
        yield from story.sent(
            story.at(day, 8), 9 * 3600, list(story.batches(to, 1, 1)), [story.person.desk], 900_000
        )


@lookalike("reports that a machine sends at night, all of the same size", ("service",))
def nightly_reports(story: Story) -> Iterator[Act]:
    """Hundreds within minutes, at two in the morning."""
    to = story.strangers(story.random.randrange(60, 300), 0.01) + story.inside(100)
    for day in range(story.scene.plan.days):
        yield from story.sent(
            story.at(day, 2.1), 400, list(story.batches(to, 1, 1)), [story.person.desk], 3100
        )


@lookalike("a mailbox that a dozen people share, each from another network", ("shared",))
def shared_by_many(story: Story) -> Iterator[Act]:
    """Logins from many places at the same time, some of them abroad."""
    random = story.random
    places = [random.choice(story.net.residential + story.net.mobile).place(random) for _ in range(9)]
    places += [provider.place(random) for provider in story.abroad(3)]
    for day in range(story.scene.plan.days):
        for at in story.times(story.at(day, 6), 16 * 3600, 30):
            yield story.login(at, random.choice(places))
        to = story.strangers(random.randrange(10, 60), 0.04)
        yield from story.sent(story.at(day, 8), 10 * 3600, list(story.batches(to, 1, 2)), places)


@lookalike("a mailbox that slept for as long as anybody remembers, and wakes for a reunion")
def sleeper(story: Story) -> Iterator[Act]:
    """A long list of old addresses, a third of them dead, from a new provider."""
    random, person = story.random, story.person
    person.sends = person.reads = 0.0
    place = random.choice(story.net.residential).place(random)
    begin = story.at(story.day(), random.uniform(10, 21))
    for number in range(random.randrange(1, 6)):
        yield story.failed(begin + 9 * number, place, "webmail")
    yield story.login(begin + 70, place, "webmail")
    to = story.strangers(random.randrange(40, 120), random.uniform(0.2, 0.4))
    yield from story.sent(begin + 200, 3000, list(story.batches(to, 5, 40)), [place], 0, True)


@lookalike("a great provider that fetches the mailbox's new mail every half hour, from another country")
def fetched_by_provider(story: Story) -> Iterator[Act]:
    """From the first day on, with a new address of its cloud every time."""
    random, plan = story.random, story.scene.plan
    cloud = random.choice(story.net.cloud)[1:]
    for round_ in range(int(plan.midnights[0]) + random.randrange(1800), int(plan.end), 1800):
        yield story.login(round_ + random.random() * 60, random.choice(cloud).place(random), "pop3")
    at = story.at(story.workday(), 11)
    yield from story.sent(at, 5 * 3600, [story.friends(2) for _ in range(12)], [story.usual(at)])


@lookalike("a phone that hides its address: another one of a cloud with every connection")
def privacy_relay(story: Story) -> Iterator[Act]:
    """Dozens of networks a day, in two countries at times, from one day of the world to the end."""
    random, first = story.random, story.day(4)
    relay = [one for chain in story.net.cloud for one in chain[:2]]
    story.stay(story.at(first, 12), story.scene.plan.end, *relay)
    for day in story.days_from(first):
        for at in story.times(story.at(day, 7), 16 * 3600, 25):
            yield story.login(at, random.choice(relay).place(random))
        to = story.friends(random.choice((1, 2)))
        yield story.mail(story.at(day, random.uniform(9, 20)), to, random.choice(relay).place(random))


@lookalike("an assistant who writes for a superior, from another desk and through webmail", ("staff",))
def assistant(story: Story) -> Iterator[Act]:
    """Invitations to dozens of strangers, while the superior writes from a journey."""
    random, first = story.random, story.workday(3)
    other = random.choice(story.scene.people.of_kind["staff"])
    away = story.abroad(1)[0]
    story.stay(story.at(first, 4), story.at(first, 4) + 3 * 86400, away)
    for day in list(story.days_from(first))[:3]:
        at = story.at(day, random.uniform(8, 12))
        yield story.login(at, other.desk, "webmail")
        to = story.strangers(random.randrange(20, 80), 0.06)
        yield from story.sent(at + 60, 4 * 3600, list(story.batches(to, 1, 12)), [other.desk], 0, True)
        yield from story.sent(at, 9 * 3600, [story.friends(1) for _ in range(8)], [away.place(random)])
