"""A password that was guessed."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import ANYBODY, Story, hijack


@hijack("guess_then_spam", kinds=ANYBODY)
def guess_then_spam(story: Story) -> Iterator[Act]:
    """Failures from many networks for hours, then one success, then mail from one of them or from elsewhere."""
    random, plan = story.random, story.scene.plan
    begin = story.at(story.day(), random.uniform(3, 20))
    bots = [random.choice(story.net.abroad + story.net.hosting).place(random) for _ in range(30)]
    service = random.choice(("smtp", "imap"))
    earliest = max(plan.midnights[0], begin - random.choice((1, 8, 40)) * 3600)
    for at in story.times(earliest, begin - earliest - 60, random.randrange(8, 400)):
        yield story.failed(at, random.choice(bots), service)
    yield story.login(begin, random.choice(bots))
    places = random.choice((bots[:1], bots, [story.hideout().place(random)]))
    to = story.strangers(random.randrange(200, 2000), random.uniform(0.1, 0.3), 0.1)
    messages = list(story.batches(to, 1, random.choice((1, 10, 30))))
    after = min(begin + random.choice((30, 3600, 6 * 3600)), plan.end - 3 * 3600)
    yield from story.sent(
        max(after, begin + 5), random.uniform(900, 7200), messages, places, random.randrange(1500, 30000)
    )
