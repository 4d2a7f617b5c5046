"""An ordinary day: people read, write, mistype, and are where they usually are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from responder.simulate.act import Failed, Login, Mail, To
from responder.simulate.chance import COUNTS, NIGHT, OFFICE, STUDENTS, poisson, size
from responder.simulate.due import Due
from responder.simulate.log import Log
from responder.simulate.outside import ordinary
from responder.simulate.person import Person
from responder.simulate.plan import DOMAIN
from responder.simulate.scene import Scene

HOURS = range(24)
AT_WEEKENDS = {"student": 0.6, "staff": 0.12, "shared": 0.1, "service": 0.7}


class Life:
    """What everybody does who does nothing special."""

    def __init__(self, scene: Scene, log: Log) -> None:
        self._scene, self._log = scene, log
        self._random = scene.random("life")

    def day(self, number: int) -> Iterator[Due]:
        """What everybody does on a day, in no order."""
        weekend, plan = self._scene.plan.weekend(number), self._scene.plan
        for person in self._scene.people.everybody:
            if person.since > plan.midnights[number]:
                continue
            share = AT_WEEKENDS[person.kind] if weekend else 1.0
            for mean, act in ((person.sends, self._write), (person.reads, self._read)):
                for _ in range(poisson(mean * share, self._random)):
                    hour = self._when(person, self._random)
                    yield plan.at(number, hour), partial(act, person, hour, weekend)

    def _when(self, person: Person, random: Random) -> float:
        """An hour of the day."""
        if person.late and random.random() < person.late:
            hours: tuple[float, ...] = NIGHT
        else:
            hours = STUDENTS if person.kind == "student" else OFFICE
        return random.choices(HOURS, cum_weights=hours)[0] + random.random()

    def _write(self, person: Person, hour: float, weekend: bool, at: float) -> None:
        random, log = self._random, self._log
        place = person.place(at, hour, weekend, random)
        webmail = random.random() < person.webmail
        if webmail:
            log.run(Login(at, person, place, "webmail"))
            at += random.uniform(20, 600)
        log.run(Mail(at, person, place, self._to(person, random), size(random), webmail))

    def _read(self, person: Person, hour: float, weekend: bool, at: float) -> None:
        random, log = self._random, self._log
        place = person.place(at, hour, weekend, random)
        service = "webmail" if random.random() < person.webmail else "imap"
        if random.random() < 0.008:
            for _ in range(random.randrange(1, 4)):
                log.run(Failed(at, person.uid, place, service))
                at += 12
        log.run(Login(at, person, place, service))

    def _to(self, person: Person, random: Random) -> list[To]:
        book = self._scene.book(person)
        if person.kind == "staff" and random.random() < 0.01:
            return [(f"department-{person.department}@{DOMAIN}", "sent")]
        count = random.choices(*COUNTS)[0]
        found: dict[str, str] = {}
        for _ in range(count):
            if random.random() < 0.88:
                place = random.random()
                address = book[int(len(book) * place * place)]
            else:
                address = self._scene.outside.stranger(random)
            if address.endswith(f"@{DOMAIN}"):
                found[address] = "sent"
            else:
                found[address] = "unknown" if random.random() < 0.008 else ordinary(random)
        return list(found.items())
