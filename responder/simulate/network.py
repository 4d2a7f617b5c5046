"""The world's networks: providers of 42 countries, in address ranges that are nobody's.

IPv4 is of 240.0.0.0/4 (reserved) and, for the campus, of 198.18.0.0/16 (RFC 2544); IPv6 is of 2001:db8::/32. The
countries are codes that ISO 3166 leaves to its users, the numbers of autonomous systems private ones (RFC 6996).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

HOME = "XA"
ABROAD = tuple(
    [f"X{letter}" for letter in "BCDEFGHIJKLMNOPQRSTUVWXYZ"]
    + [f"Q{letter}" for letter in "MNOPQRSTUVWXYZ"]
    + ["AA", "ZZ"]
)
CAMPUS_ASN = 64512


class Place(NamedTuple):
    """Where somebody is seen: the address, and the name that it resolves to or ``unknown``."""

    name: str
    ip: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A network of one country: 65,536 addresses beginning with ``block``, at some providers also ``v6`` ones."""

    name: str
    kind: str
    country: str
    asn: int
    block: str
    v6: str = ""

    def place(self, random: Random) -> Place:
        """Any address of it."""
        one, two = random.randrange(256), random.randrange(1, 255)
        if self.v6 and random.random() < 0.3:
            ip = f"{self.v6}:{one:x}::{random.randrange(1, 65536):x}"
            return Place("unknown", ip)
        return self.named(f"{self.block}.{one}.{two}")

    def named(self, ip: str) -> Place:
        """An address with its name; machines for hire often have none."""
        if self.kind in ("hosting", "vpn") and int(ip.rpartition(".")[2]) % 3:
            return Place("unknown", ip)
        return Place(f"{self.kind[:3]}-{ip.replace('.', '-')}.{self.name}.example", ip)

    def networks(self) -> list[str]:
        """Its ranges."""
        return [f"{self.block}.0.0/16", *([f"{self.v6}::/48"] if self.v6 else [])]


class Internet:
    """Every provider, by kind and country."""

    def __init__(self) -> None:
        self._blocks = 0
        self._asn = CAMPUS_ASN
        self.campus = Provider("campus", "campus", HOME, CAMPUS_ASN, "198.18")
        self.residential = [self._new(f"fibre{n}", "residential", HOME) for n in range(1, 5)]
        self.mobile = [self._new(f"mobile{n}", "mobile", HOME) for n in range(1, 4)]
        self.abroad: list[Provider] = []
        self.roaming: list[Provider] = []
        self.hosting: list[Provider] = [self._new("hosting-xa", "hosting", HOME)]
        self.academic: list[Provider] = []
        for country in ABROAD:
            name = country.lower()
            self.abroad += [self._new(f"isp{n}-{name}", "residential", country) for n in (1, 2)]
            self.roaming.append(self._new(f"mobile-{name}", "mobile", country))
            self.hosting.append(self._new(f"hosting-{name}", "hosting", country))
            self.academic.append(self._new(f"university-{name}", "academic", country))
        self.cloud = [self._chain(f"cloud{n}", "cloud", (HOME, "XB", "XC", "XD")) for n in range(1, 4)]
        self.vpn = [self._chain(f"vpn{n}", "vpn", (HOME, "XB", "XE", "XF", "QM")) for n in (1, 2)]

    def everybody(self) -> Iterable[Provider]:
        """All providers, the campus first."""
        yield self.campus
        yield from self.residential + self.mobile
        yield from self.abroad + self.roaming + self.hosting + self.academic
        for chain in self.cloud + self.vpn:
            yield from chain

    def rows(self) -> list[tuple[str, str, int, str]]:
        """Network, country, number and name of the autonomous system, for the geo database."""
        return [
            (network, one.country, one.asn, f"{one.name} (invented)")
            for one in self.everybody()
            for network in one.networks()
        ]

    def _new(self, name: str, kind: str, country: str, asn: int = 0) -> Provider:
        number = self._blocks
        self._blocks += 1
        self._asn += not asn
        v6 = f"2001:db8:{number:x}" if kind == "residential" else ""
        return Provider(name, kind, country, asn or self._asn, f"{240 + number // 256}.{number % 256}", v6)

    def _chain(self, name: str, kind: str, countries: tuple[str, ...]) -> list[Provider]:
        first = self._new(name, kind, countries[0])
        return [first, *(self._new(name, kind, country, first.asn) for country in countries[1:])]
