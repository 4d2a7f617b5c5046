"""Many recipients for good reasons."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, lookalike


@lookalike("a survey for a thesis: hundreds of strangers, a quarter of the addresses dead", ("student",))
def survey(story: Story) -> Iterator[Act]:
    """One message each, or some together, within hours, from home."""
    random = story.random
    begin = story.at(story.day(), random.uniform(9, 17))
    to = story.strangers(random.randrange(150, 400), random.uniform(0.2, 0.3))
    messages = list(story.batches(to, 1, random.choice((1, 1, 8))))
    place = story.usual(begin, 20.0)
    yield from story.sent(begin, random.uniform(1800, 14000), messages, [place], random.randrange(2000, 9000))


@lookalike("a mailing to strangers that is spread over days, a tenth of the addresses dead")
def mailing_over_days(story: Story) -> Iterator[Act]:
    """A mail merge that waits between messages, from the desk and in the evening from home."""
    random, first = story.random, story.workday(3)
    around = random.randrange(3000, 200_000)
    for day in list(story.days_from(first))[:4]:
        to = story.strangers(random.randrange(60, 220), 0.1)
        begin = story.at(day, random.uniform(8, 13))
        messages = list(story.batches(to, 1, 1))
        yield from story.sent(
            begin, 7 * 3600, messages, [story.usual(begin), story.usual(begin, 20.0)], around
        )


@lookalike("an invitation to hundreds of the site's own people in a few messages")
def internal_invitation(story: Story) -> Iterator[Act]:
    """Blind copies, by hand."""
    random = story.random
    begin = story.at(story.day(), random.uniform(8, 21))
    to = story.inside(random.randrange(100, 800))
    messages = list(story.batches(to, 40, 100))
    yield from story.sent(begin, 1800, messages, [story.usual(begin)], random.randrange(2000, 3_000_000))


@lookalike("marks of a course, one message for each student within minutes", ("staff",))
def marks_one_by_one(story: Story) -> Iterator[Act]:
    """A mail merge of a spreadsheet, all of nearly the same size."""
    random = story.random
    begin = story.at(story.workday(), random.uniform(9, 22))
    messages = list(story.batches(story.inside(random.randrange(60, 300), "student"), 1, 1))
    yield from story.sent(begin, random.uniform(200, 1500), messages, [story.usual(begin)], 2600)


@lookalike("an old list of alumni, a third of whose addresses are dead", ("staff", "shared"))
def alumni_mailing(story: Story) -> Iterator[Act]:
    """Once, in large pieces, with refusals as spam."""
    random = story.random
    begin = story.at(story.workday(), random.uniform(9, 15))
    to = story.strangers(random.randrange(200, 900), random.uniform(0.25, 0.4), 0.05)
    messages = list(story.batches(to, 20, 50))
    yield from story.sent(begin, random.uniform(600, 5000), messages, [story.usual(begin)], 48_000)


@lookalike("a new telephone number told to a whole address book, in one message")
def new_number(story: Story) -> Iterator[Act]:
    """Everybody ever written to, from the phone; some are long gone."""
    begin = story.at(story.day(), story.random.uniform(10, 22))
    yield story.mail(begin, story.friends(130, 0.2), story.person.carrier.place(story.random))


@lookalike("a newsletter every week, from a mailbox of an office", ("shared",))
def newsletter(story: Story) -> Iterator[Act]:
    """The same hundreds of subscribers, the warm-up included."""
    random, plan = story.random, story.scene.plan
    to = story.strangers(random.randrange(200, 1200), 0.03)
    for day in range(random.randrange(min(5, plan.days)), plan.days, 7):
        begin = story.at(day, random.uniform(8, 16))
        yield from story.sent(begin, 2400, list(story.batches(to, 20, 60)), [story.person.desk], 35_000)


@lookalike(
    "someone who looks for work: a different company with every message, a fifth of the addresses dead"
)
def job_seeker(story: Story) -> Iterator[Act]:
    """Dozens a day, with the same attachment, for days, often at night."""
    random, first = story.random, story.day(4)
    around = random.randrange(200_000, 2_000_000)
    for day in list(story.days_from(first))[:5]:
        to = story.strangers(random.randrange(15, 70), random.uniform(0.1, 0.25), 0.03, False)
        begin = story.at(day, random.uniform(8, 19))
        yield from story.sent(
            begin, 4 * 3600, list(story.batches(to, 1, 1)), [story.usual(begin, 20.0)], around
        )


@lookalike("an address for holidays asked of landlords, hundreds of strangers in one evening")
def house_hunt(story: Story) -> Iterator[Act]:
    """Nearly the same text to each, through webmail."""
    random = story.random
    begin = story.at(story.day(), random.uniform(16, 20))
    place = story.usual(begin, 21.0)
    yield story.login(begin - 30, place, "webmail")
    messages = list(story.batches(story.strangers(random.randrange(60, 160), 0.08, 0.02), 1, 1))
    yield from story.sent(begin, 3 * 3600, messages, [place], 2100, True)


@lookalike("an argument in which eighty people are answered, again and again")
def reply_to_all(story: Story) -> Iterator[Act]:
    """The same recipients a dozen times within an hour."""
    random = story.random
    begin = story.at(story.workday(), random.uniform(9, 18))
    to = story.inside(50) + story.friends(30)
    yield from story.sent(begin, 3600, [to] * random.randrange(6, 15), [story.usual(begin)])
