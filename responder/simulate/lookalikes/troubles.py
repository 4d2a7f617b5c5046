"""Things that go wrong without an intruder."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, lookalike


@lookalike("a forgotten password: a dozen failures, then a success from a new phone")
def forgotten_password(story: Story) -> Iterator[Act]:
    """All from one network, then mail as ever."""
    random = story.random
    begin = story.at(story.day(), random.uniform(7, 21))
    place = story.person.carrier.place(random)
    for number in range(random.randrange(8, 40)):
        yield story.failed(begin + 11 * number, place, random.choice(("imap", "smtp")))
    yield story.login(begin + 600, place)
    yield from story.sent(begin + 700, 3600, [story.friends(2) for _ in range(5)], [place])


@lookalike("guessed at by a botnet for days, never in; the owner writes as ever")
def guessed_at(story: Story) -> Iterator[Act]:
    """Hundreds of failures from everywhere, next to the owner's own logins."""
    random, first = story.random, story.day(3)
    bots = [random.choice(story.net.abroad + story.net.hosting).place(random) for _ in range(60)]
    for day in list(story.days_from(first))[:4]:
        for at in story.times(story.at(day, 0), 23.9 * 3600, random.randrange(60, 300)):
            yield story.failed(at, random.choice(bots), random.choice(("smtp", "imap")))
        at = story.at(day, random.uniform(9, 19))
        yield story.login(at, story.usual(at))
        yield from story.sent(at + 60, 7000, [story.friends(1) for _ in range(6)], [story.usual(at)])


@lookalike("an old phone with an old password that tries every few minutes")
def old_phone(story: Story) -> Iterator[Act]:
    """Failures from the owner's own network for days, while other devices are in."""
    random, first = story.random, story.day(3)
    place = story.person.home.place(random)
    for day in list(story.days_from(first))[:3]:
        for number in range(90):
            yield story.failed(story.at(day, 7 + number / 6), place, "imap")
        yield story.login(story.at(day, 12), story.usual(story.at(day, 12)))


@lookalike("a mail program that sends the same message again and again")
def resend_loop(story: Story) -> Iterator[Act]:
    """Hundreds of copies to the same few recipients within an hour."""
    random = story.random
    begin = story.at(story.workday(), random.uniform(8, 17))
    to = story.friends(random.randrange(2, 9)) + story.inside(2)
    yield from story.sent(begin, 4000, [to] * random.randrange(60, 250), [story.usual(begin)], 61_000)


@lookalike("jokes with pictures that others' filters refuse as spam")
def refused_as_spam(story: Story) -> Iterator[Act]:
    """Some dozens of friends, half of whose servers say no."""
    random = story.random
    begin = story.at(story.day(), random.uniform(12, 22))
    to = [(address, random.choice(("spam", "sent"))) for address, _ in story.friends(60)]
    yield from story.sent(begin, 2000, list(story.batches(to, 3, 15)), [story.usual(begin, 20.0)], 800_000)


@lookalike("mailboxes that are full, and a provider that slows everybody down")
def slowed_down(story: Story) -> Iterator[Act]:
    """A club's circular of which half is deferred for hours."""
    random = story.random
    begin = story.at(story.day(), random.uniform(8, 17))
    to = story.strangers(random.randrange(60, 200), 0.02)
    to = [
        (address, random.choice(("limited", "full", "sent", "sent")) if fate == "sent" else fate)
        for address, fate in to
    ]
    yield from story.sent(begin, 1200, list(story.batches(to, 10, 40)), [story.usual(begin, 20.0)], 12_000)


@lookalike("somebody who works at night, and catches up with everything then")
def night_worker(story: Story) -> Iterator[Act]:
    """Dozens of answers between one and five, from home."""
    random, first = story.random, story.day(3)
    for day in list(story.days_from(first))[:3]:
        begin = story.at(day, 1)
        messages = [story.friends(random.choice((1, 2, 6)), 0.02) for _ in range(random.randrange(20, 60))]
        yield from story.sent(begin, 4 * 3600, messages, [story.usual(begin, 3.0)])
