"""A little every day, after long reading."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("low_and_slow")
def low_and_slow(story: Story) -> Iterator[Act]:
    """Reads from the first day on, as far as the world goes back; then a dozen messages a day, to the end."""
    random, plan = story.random, story.scene.plan
    provider, dead = story.hideout(), random.uniform(0.0, 0.15)
    places = [provider.place(random) for _ in range(random.randrange(1, 4))]
    first = min(plan.warmup_days + random.randrange(3), plan.days - 1)
    yield from story.looks_around(plan.at(0, 1), plan.at(first, 5), 2 + first * 2, provider)
    for day in story.days_from(first):
        count = random.randrange(6, 30)
        messages = list(story.batches(story.strangers(count, dead, 0.03), 1, 3))
        yield from story.sent(story.at(day, random.uniform(6, 11)), 11 * 3600, messages, places)
