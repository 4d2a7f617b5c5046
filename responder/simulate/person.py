"""Somebody, or something, with a mailbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from responder.simulate.network import Place, Provider

NEW_ADDRESS = 0.004
"""How often a provider has given a new address since the last time."""


@dataclass(frozen=True, slots=True)
class Stay:
    """From ``begin`` to ``end`` the person's mail comes from one of these networks."""

    begin: float
    end: float
    providers: tuple[Provider, ...]


@dataclass(slots=True, eq=False)
class Person:
    """A mailbox and its owner's habits; ``sends`` and ``reads`` are messages and logins of an ordinary workday."""

    number: int
    uid: str
    given: str
    surname: str
    mail: str
    alias: str
    kind: str
    department: int
    mobile: str
    backup: str
    login: str
    home: Provider
    carrier: Provider
    desk: Place
    sends: float
    reads: float
    webmail: float
    late: float
    forwards: bool = False
    protected: bool = False
    since: float = 0.0
    stays: list[Stay] = field(default_factory=list)
    book: list[str] = field(default_factory=list)
    at_home: Place | None = None
    keeps_address: bool = False

    def place(self, at: float, hour: float, weekend: bool, random: Random) -> Place:
        """Where a message or login comes from at that time: desk, home or phone, unless the person is away."""
        for stay in self.stays:
            if stay.begin <= at < stay.end:
                return random.choice(stay.providers).place(random)
        chance = random.random()
        office = 0.0 if weekend or not 8 <= hour < 18.5 else 0.8 if self.kind != "student" else 0.45
        if chance < office or self.kind == "service":
            return self.desk
        if random.random() < 0.3:
            return self.carrier.place(random)
        if self.at_home is None or (not self.keeps_address and random.random() < NEW_ADDRESS):
            self.at_home = self.home.place(random)
        return self.at_home
