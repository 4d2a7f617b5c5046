"""People who are somewhere else."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, lookalike


@lookalike("a journey through several countries within days")
def traveller(story: Story) -> Iterator[Act]:
    """Another country every day, with few messages and many logins."""
    random, first = story.random, story.day(4)
    for day, provider in zip(story.days_from(first), story.abroad(5), strict=False):
        begin = story.at(day, random.uniform(0, 8))
        story.stay(begin, begin + 86400, provider, random.choice(story.net.roaming))
        yield from story.looks_around(begin, begin + 80000, 10, provider)
        yield story.mail(begin + 40000, story.friends(2), provider.place(random))


@lookalike("a new phone, a new provider and a journey in the same week")
def new_phone_and_journey(story: Story) -> Iterator[Act]:
    """The password is mistyped on the new phone, then everything comes from elsewhere."""
    random, person, plan = story.random, story.person, story.scene.plan
    first = story.day(5)
    moved = story.at(first, 10)
    new = random.choice([each for each in story.net.residential if each is not person.home])
    carrier = random.choice([each for each in story.net.mobile if each is not person.carrier])
    for number in range(random.randrange(4, 15)):
        yield story.failed(moved + 20 * number, carrier.place(random), "imap")
    story.stay(moved, plan.end, new, carrier)
    away = moved + random.uniform(1, 3) * 86400
    there = story.abroad(1)[0]
    story.stay(away, away + 2.5 * 86400, there, random.choice(story.net.roaming))
    for at in story.times(away, 2 * 86400, random.randrange(10, 40)):
        yield story.mail(at, story.friends(random.choice((1, 3))), there.place(random))


@lookalike("a conference organised on the road: hundreds of participants written to from abroad", ("staff",))
def conference(story: Story) -> Iterator[Act]:
    """From another university's network and a hotel, some addresses dead, for days, at night too."""
    random, first = story.random, story.day(4)
    there = random.choice(story.net.academic)
    hotel = story.abroad(1)[0]
    begin = story.at(first, 6)
    story.stay(begin, begin + 4 * 86400, there, hotel)
    for day in list(story.days_from(first))[:4]:
        to = story.strangers(random.randrange(80, 320), random.uniform(0.05, 0.15), 0.02, False)
        at = story.at(day, random.uniform(7, 20))
        messages = list(story.batches(to, 1, random.choice((1, 5, 40))))
        yield from story.sent(
            at, random.uniform(1200, 9000), messages, [there.place(random), hotel.place(random)]
        )


@lookalike("a term at a university abroad, beginning after the warm-up", ("student",))
def term_abroad(story: Story) -> Iterator[Act]:
    """Everything comes from there, for good; a new flat and new friends are found by mail."""
    random, first = story.random, story.day(3)
    there = story.abroad(1)[0]
    story.stay(story.at(first, 5), story.scene.plan.end, there, random.choice(story.net.academic))
    for day in story.days_from(first):
        to = story.strangers(random.randrange(4, 25), 0.06)
        yield from story.sent(
            story.at(day, 9), 10 * 3600, list(story.batches(to, 1, 1)), [there.place(random)]
        )


@lookalike("a phone whose provider hands it over to another country's gateway and back within minutes")
def roaming_gateway(story: Story) -> Iterator[Act]:
    """Two countries at the same time, all day long."""
    random, first = story.random, story.day(3)
    gateways = [story.person.carrier, random.choice(story.net.roaming), random.choice(story.net.roaming)]
    for day in story.days_from(first):
        for at in story.times(story.at(day, 7), 15 * 3600, 14):
            yield story.login(at, random.choice(gateways).place(random))
        yield story.mail(story.at(day, 18), story.friends(2), random.choice(gateways).place(random))


@lookalike("a VPN that leaves in another country every day, with a mailing in between")
def vpn_user(story: Story) -> Iterator[Act]:
    """Machines for hire, which intruders use too."""
    random, first = story.random, story.day(5)
    chain = random.choice(story.net.vpn + story.net.cloud)
    story.stay(story.at(first, 0), story.scene.plan.end, *chain)
    to = story.strangers(random.randrange(50, 200), 0.08)
    at = story.at(first, random.uniform(8, 20))
    yield from story.sent(at, 5000, list(story.batches(to, 1, 4)), [one.place(random) for one in chain])


@lookalike("a full mailbox that its owner fetches from a new country")
def mailbox_fetched(story: Story) -> Iterator[Act]:
    """Hundreds of logins of POP3 and IMAP within hours, from a new program."""
    random = story.random
    there = story.abroad(1)[0]
    begin = story.at(story.day(2), random.uniform(6, 15))
    story.stay(begin, begin + 2 * 86400, there)
    place = there.place(random)
    for number in range(3):
        yield story.failed(begin + 15 * number, place, "imap")
    for at in story.times(begin + 60, 6 * 3600, random.randrange(100, 400)):
        yield story.login(at, place, random.choice(("imap", "pop3")))
    yield story.mail(begin + 7 * 3600, story.friends(40, 0.15), place)


@lookalike("everything at once: abroad, at night, on a cloud's network, a survey with dead addresses")
def survey_from_abroad(story: Story) -> Iterator[Act]:
    """A doctoral student in the field, who tells hundreds of strangers of a questionnaire."""
    random, first = story.random, story.day(2)
    there, cloud = story.abroad(1)[0], random.choice(random.choice(story.net.cloud))
    story.stay(story.at(first, 0), story.scene.plan.end, there, cloud)
    begin = story.at(first, random.uniform(0, 5))
    yield story.failed(begin - 40 if begin - 40 > story.at(0, 0) else begin, there.place(random), "imap")
    to = story.strangers(random.randrange(120, 350), random.uniform(0.15, 0.3), 0.04)
    messages = list(story.batches(to, 1, 2))
    yield from story.sent(begin, 3 * 3600, messages, [there.place(random), cloud.place(random)], 5200)


@lookalike("somebody who lives on the other side of a border")
def border_commuter(story: Story) -> Iterator[Act]:
    """One country by day and another by night, from the first day on, and both networks on the train."""
    random, plan = story.random, story.scene.plan
    home, phone = story.abroad(1)[0], random.choice(story.net.roaming)
    evening = home.place(random)
    for day in range(plan.days):
        for at in story.times(story.at(day, 8.5), 8 * 3600, 4):
            yield story.login(at, story.person.desk)
        for at in story.times(story.at(day, 18), 4 * 3600, 5):
            yield story.login(at, random.choice((evening, evening, phone.place(random))))
        count = random.randrange(1, 6)
        yield from story.sent(
            story.at(day, 19), 3 * 3600, [story.friends(2) for _ in range(count)], [evening]
        )
