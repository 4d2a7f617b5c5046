"""The stage on which everything happens: networks, people, and the rest of the world."""

from __future__ import annotations

from random import Random

from responder.simulate.network import Internet
from responder.simulate.outside import Outside
from responder.simulate.people import People
from responder.simulate.person import Person, Stay
from responder.simulate.plan import Plan

VPN_SHARE, TRIP_SHARE = 0.015, 0.03
"""How many people always come through a VPN or a cloud, and how many are abroad for some days."""


class Scene:
    """Everything of a world but what happens in it; the same for the same plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.internet = Internet()
        self.people = People(plan, self.internet, self.random("people"))
        self.outside = Outside(plan.mailboxes, self.random("outside"))
        self._travels(self.random("travels"))

    def random(self, what: str) -> Random:
        """Chance of its own for each purpose, so that more of the one leaves the others as they are."""
        return Random(f"{self.plan.seed}:{what}")

    def book(self, person: Person) -> list[str]:
        """Whom a person writes to: people outside, colleagues, a few from elsewhere in the house."""
        if not person.book:
            random, known = self.random(f"book:{person.number}"), self.people.colleagues(person.department)
            near = random.sample(known, min(len(known), 3 + int(random.expovariate(0.2))))
            far = random.sample(self.people.everybody, 4)
            inside = [one.mail for one in near + far if one is not person]
            outside = random.sample(self.outside.people, 6 + min(int(random.expovariate(0.06)), 120))
            person.book = list(dict.fromkeys(inside + outside))
            random.shuffle(person.book)
        return person.book

    def _travels(self, random: Random) -> None:
        plan, net = self.plan, self.internet
        for person in self.people.everybody:
            if person.kind == "service":
                continue
            chance = random.random()
            if chance < VPN_SHARE:
                chain = random.choice(net.cloud + net.vpn)
                person.stays.append(Stay(0.0, plan.end, tuple(random.sample(chain, 2))))
            elif chance < VPN_SHARE + TRIP_SHARE:
                begin = plan.at(random.randrange(plan.days), random.uniform(6, 20))
                there = random.randrange(len(net.roaming))
                hotel = (net.roaming[there], net.abroad[2 * there], net.academic[there])
                person.stays.append(Stay(begin, begin + random.uniform(1, 6) * 86400, hotel))
