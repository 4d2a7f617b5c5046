"""What stories about people are told with: hijacks and look-alikes use the same words, so neither stands out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from responder.simulate.act import Act, Failed, Login, Mail, To
from responder.simulate.chance import size
from responder.simulate.network import Place, Provider
from responder.simulate.person import Person, Stay
from responder.simulate.scene import Scene

PEOPLE = ("student", "staff")
ANYBODY = (*PEOPLE, "shared", "service")
Telling = Callable[["Story"], Iterator[Act]]


class Story:
    """The scene, the persons whom it is about, and chance of its own."""

    def __init__(self, scene: Scene, people: Sequence[Person], random: Random) -> None:
        self.scene, self.people, self.random = scene, people, random
        self.person = people[0]
        self.net = scene.internet
        self.parameters: dict[str, Any] = {}
        self.stays: list[Stay] = []

    def day(self, before_end: int = 1) -> int:
        """A day after the warm-up, at least ``before_end`` days before the end where there are so many."""
        plan = self.scene.plan
        return self.random.randrange(plan.warmup_days, max(plan.warmup_days + 1, plan.days + 1 - before_end))

    def workday(self, before_end: int = 1) -> int:
        """The same, no Saturday or Sunday where there is another day."""
        tries = (self.day(before_end) for _ in range(20))
        return next((day for day in tries if not self.scene.plan.weekend(day)), self.day(before_end))

    def days_from(self, day: int) -> range:
        """That day and those that follow."""
        return range(day, self.scene.plan.days)

    def at(self, day: int, hour: float) -> float:
        """An instant."""
        return self.scene.plan.at(day, hour)

    def mail(
        self,
        at: float,
        to: list[To],
        place: Place,
        *,
        size: int = 0,
        webmail: bool = False,
        method: str = "PLAIN",
        person: Person | None = None,
    ) -> Mail:
        """A message of the story's person; its size is any where none is given."""
        return Mail(at, person or self.person, place, to, size or self.size(), webmail, method)

    def login(self, at: float, place: Place, service: str = "imap", person: Person | None = None) -> Login:
        """A login of the story's person."""
        return Login(at, person or self.person, place, service)

    def size(self, around: int = 0) -> int:
        """The bytes of any message, or of one of a mailing whose texts vary a little."""
        return int(around * self.random.uniform(0.9, 1.12)) if around else size(self.random)

    def strangers(self, count: int, dead: float, spam: float = 0.02, popular: bool = True) -> list[To]:
        """Recipients whom the person never wrote to; ``popular``: mostly at the great providers."""
        return self.scene.outside.strangers(self.random, count, dead, spam, popular)

    def friends(self, count: int, dead: float = 0.0) -> list[To]:
        """Recipients of the person's own address book, the same again where it has too few."""
        book = [each for each in self.scene.book(self.person) if "@example.org" not in each]
        chosen = self.random.sample(book, min(count, len(book)))
        return [(each, "unknown" if self.random.random() < dead else "sent") for each in chosen]

    def inside(self, count: int, kind: str = "") -> list[To]:
        """People of the site, of a kind where one is named."""
        people = self.scene.people.of_kind[kind] if kind else self.scene.people.everybody
        chosen = self.random.sample(people, min(count, len(people)))
        return [(each.mail, "sent") for each in chosen if not each.forwards]

    def batches(self, to: list[To], least: int, most: int) -> Iterator[list[To]]:
        """The recipients in messages of between ``least`` and ``most``."""
        place = 0
        while place < len(to):
            count = self.random.randint(least, most)
            yield to[place : place + count]
            place += count

    def times(self, begin: float, seconds: float, count: int) -> list[float]:
        """``count`` instants within so many seconds, in order."""
        return sorted(begin + self.random.random() * seconds for _ in range(count))

    def sent(
        self,
        begin: float,
        seconds: float,
        messages: list[list[To]],
        places: Sequence[Place],
        around: int = 0,
        webmail: bool = False,
    ) -> Iterator[Mail]:
        """Messages within so many seconds, each from any of the places."""
        for at, to in zip(self.times(begin, seconds, len(messages)), messages, strict=True):
            place = self.random.choice(places)
            yield self.mail(at, to, place, size=self.size(around), webmail=webmail)

    def usual(self, at: float, hour: float = 14.0) -> Place:
        """Where the person is on an ordinary workday."""
        return self.person.place(at, hour, False, self.random)

    def stay(self, begin: float, end: float, *providers: Provider) -> None:
        """Everything that the person does in that time comes from there."""
        one = Stay(begin, end, providers)
        self.person.stays.insert(0, one)
        self.stays.append(one)

    def abroad(self, count: int) -> list[Provider]:
        """Ordinary providers of as many other countries."""
        return [
            self.net.abroad[2 * place + self.random.randrange(2)]
            for place in self.random.sample(range(len(self.net.roaming)), count)
        ]

    def hideout(self, person: Person | None = None) -> Provider:
        """The network that an intruder comes through: the owner's own, a neighbour's, a cloud's, a stranger's."""
        victim, random, net = person or self.person, self.random, self.net
        found: Provider = random.choices(
            (
                victim.home,
                random.choice(net.residential),
                random.choice(net.mobile),
                random.choice(random.choice(net.cloud)),
                random.choice(random.choice(net.vpn)),
                random.choice(net.abroad),
                random.choice(net.hosting),
            ),
            (15, 15, 5, 15, 10, 25, 15),
        )[0]
        self.parameters.setdefault("networks", []).append(f"{found.name} {found.country}")
        return found

    def failed(self, at: float, place: Place, service: str = "smtp", name: str = "") -> Failed:
        """A failed login with the person's name."""
        return Failed(at, name or self.person.uid, place, service)

    def prelude(self, begin: float, provider: Provider) -> Iterator[Act]:
        """What an intruder does before the mail, at times: nothing, or reading for hours or days."""
        if self.random.random() < 0.5:
            earlier = max(self.scene.plan.midnights[0], begin - self.random.choice((2, 12, 48, 120)) * 3600)
            yield from self.looks_around(earlier, begin, self.random.randrange(1, 12), provider)

    def looks_around(self, begin: float, end: float, count: int, provider: Provider) -> Iterator[Login]:
        """Logins of somebody who only reads."""
        for at in self.times(begin, end - begin, count):
            yield self.login(at, provider.place(self.random))


@dataclass(frozen=True)
class Style:
    """A style of hijack; ``accounts`` is how many a campaign takes at most, ``kinds`` whose mailbox it may be."""

    name: str
    origin: str
    tell: Telling
    kinds: tuple[str, ...]
    accounts: int
    no_send: bool


@dataclass(frozen=True)
class Lookalike:
    """Somebody innocent who looks guilty, and why."""

    kind: str
    why: str
    tell: Telling
    kinds: tuple[str, ...]


def hijack(
    name: str,
    *,
    origin: str = "credential",
    kinds: tuple[str, ...] = PEOPLE,
    accounts: int = 1,
    no_send: bool = False,
) -> Callable[[Telling], Style]:
    """Makes a style of a function that yields what the intruder does."""
    return lambda tell: Style(name, origin, tell, kinds, accounts, no_send)


def lookalike(why: str, kinds: tuple[str, ...] = PEOPLE) -> Callable[[Telling], Lookalike]:
    """Makes a look-alike, called as the function is, of one that yields what the person does."""
    return lambda tell: Lookalike(getattr(tell, "__name__", ""), why, tell, kinds)
