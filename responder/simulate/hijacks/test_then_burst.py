"""A test first, then silence, then all of it."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack

LONGEST = 60.0
"""Hours of silence at most."""


@hijack("test_then_burst")
def test_then_burst(story: Story) -> Iterator[Act]:
    """One to four messages to a mailbox of the intruder's, hours of silence, and a burst, mostly from elsewhere."""
    random, plan = story.random, story.scene.plan
    first, provider = story.at(story.day(3), random.uniform(0, 16)), story.hideout()
    drop = story.scene.outside.stranger(random, random.choice(story.scene.outside.domains[:4]))
    for number in range(random.randrange(1, 5)):
        yield story.mail(first + number * 40, [(drop, "sent")], provider.place(random), size=story.size(1500))
    latest = plan.end - 3 * 3600
    burst = min(first + 1800 + random.uniform(1.0, LONGEST) * 3600, latest)
    story.parameters["burst_start"] = plan.iso(burst)
    places = [story.hideout().place(random) for _ in range(random.choice((1, 2, 30)))]
    to = story.strangers(random.randrange(300, 2500), random.uniform(0.05, 0.3), 0.08)
    messages = list(story.batches(to, 1, random.choice((2, 10, 40))))
    yield from story.sent(burst, random.uniform(900, 7200), messages, places, random.randrange(1500, 40000))
