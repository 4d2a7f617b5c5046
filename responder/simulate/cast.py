"""Who plays which part in a world: the hijacked, and those who only look so."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial

from responder.simulate.act import Act
from responder.simulate.due import Due
from responder.simulate.hijacks import styles
from responder.simulate.log import Log
from responder.simulate.lookalikes import lookalikes
from responder.simulate.person import Person
from responder.simulate.scene import Scene
from responder.simulate.story import Lookalike, Story, Style
from responder.simulate.truth import Hijack, Innocent

LAST = 1800.0
"""Seconds before the end after which nobody begins anything, so that the log tells every message's first try."""


class Cast:
    """The stories of a world: their acts by day, and the truth about them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._free = list(scene.people.everybody)
        scene.random("cast").shuffle(self._free)
        self.hijacks: list[Hijack] = []
        self.innocents: list[Innocent] = []
        self._days: list[list[tuple[Act, Hijack | None]]] = [[] for _ in range(scene.plan.days)]
        known = list(styles().values())
        for number in range(scene.plan.hijacks):
            self._hijack(number, known[number % len(known)])
        for again in range(max(1, scene.plan.mailboxes // 2000)):
            for one in lookalikes().values():
                self._innocent(again, one)

    def day(self, number: int, log: Log) -> Iterator[Due]:
        """The acts of a day, which are forgotten here; of an intruder's it is noted what became of them."""
        scheduled, self._days[number] = self._days[number], []
        for act, hijack in scheduled:
            yield act.at, partial(_run, log, act, hijack)

    def _take(self, kinds: Sequence[str]) -> Person:
        """Somebody who has no part yet, of one of the kinds where there is one left."""
        place = next((n for n, one in enumerate(self._free) if one.kind in kinds), 0)
        return self._free.pop(place)

    def _hijack(self, number: int, style: Style) -> None:
        plan = self._scene.plan
        random = self._scene.random(f"hijack:{number}")
        wanted = min(style.accounts, max(3, plan.mailboxes // 80)) if style.accounts > 1 else 1
        people = [self._take(style.kinds) for _ in range(wanted)]
        story = Story(self._scene, people, random)
        campaign = f"campaign-{number + 1}" if wanted > 1 else None
        of = {
            person.number: Hijack(
                f"h{len(self.hijacks) + place + 1:03d}",
                person,
                style.name,
                style.no_send,
                style.origin,
                campaign,
                story.parameters,
            )
            for place, person in enumerate(people)
        }
        self.hijacks += of.values()
        for act in style.tell(story):
            self._schedule(act, of[getattr(act, "person", people[0]).number])

    def _innocent(self, again: int, one: Lookalike) -> None:
        person = self._take(one.kinds)
        story = Story(self._scene, [person], self._scene.random(f"{one.kind}:{again}"))
        times = [act.at for act in one.tell(story) if self._schedule(act, None)]
        times += [at for stay in story.stays for at in (stay.begin, stay.end)]
        end = self._scene.plan.end - 1
        first, last = min(times, default=end), max(times, default=end)
        self.innocents.append(Innocent(person, one.kind, one.why, min(first, end), min(last, end)))

    def _schedule(self, act: Act, hijack: Hijack | None) -> bool:
        """Puts an act on its day; whether it is one of the world's."""
        plan = self._scene.plan
        if not plan.midnights[0] <= act.at < plan.end - LAST:
            return False
        self._days[bisect_right(plan.midnights, act.at) - 1].append((act, hijack))
        return True


def _run(log: Log, act: Act, hijack: Hijack | None, _at: float) -> None:
    accepted = log.run(act)
    if hijack:
        hijack.add(act, accepted)
