"""Mail to colleagues, who trust it."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("internal_phishing")
def internal_phishing(story: Story) -> Iterator[Act]:
    """Hundreds of the site's own people, through webmail or not; none of the addresses is dead."""
    random = story.random
    begin, provider, webmail = (
        story.at(story.day(), random.uniform(5, 20)),
        story.hideout(),
        random.random() < 0.4,
    )
    place = provider.place(random)
    yield from story.prelude(begin, provider)
    if webmail:
        yield story.login(begin - 60, place, "webmail")
    to = story.inside(random.randrange(60, 900))
    messages = list(story.batches(to, 1, random.choice((1, 10, 60))))
    yield from story.sent(
        begin, random.uniform(600, 9000), messages, [place], random.randrange(2000, 40000), webmail
    )
