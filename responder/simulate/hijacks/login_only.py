"""Somebody who only reads."""

from __future__ import annotations

from collections.abc import Iterator

from responder.simulate.act import Act
from responder.simulate.story import Story, hijack


@hijack("login_only", no_send=True)
def login_only(story: Story) -> Iterator[Act]:
    """Reads the mailbox for days from networks that are not the owner's, and never sends."""
    random, plan = story.random, story.scene.plan
    provider = story.hideout()
    begin = story.at(story.day(2), random.uniform(0, 20))
    end = min(begin + random.uniform(0.3, 6) * 86400, plan.end - 3600)
    yield story.login(begin, provider.place(random), random.choice(("imap", "webmail", "pop3")))
    yield from story.looks_around(begin, end, random.randrange(3, 60), provider)
    if random.random() < 0.4:
        yield from story.looks_around(begin, end, random.randrange(2, 20), random.choice(story.net.hosting))
