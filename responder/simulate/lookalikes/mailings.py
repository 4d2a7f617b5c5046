"""Many recipients for good reasons."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, lookalike


@lookalike("a survey for a thesis: hundreds of strangers, a quarter of the addresses dead", ("student",))
def survey(story: Story) -> Iterator[Act]:
    """One message each, within hours, from home."""
    random = story.random
    begin = story.at(story.day(), random.uniform(9, 17))
    to = story.strangers(random.randrange(150, 400), random.uniform(0.2, 0.3))
    messages = list(story.batches(to, 1, random.choice((1, 1, 8))))
    yield from story.sent(
        begin, random.uniform(1800, 14000), messages, [story.usual(begin, 20.0)], random.randrange(2000, 9000)
    )
