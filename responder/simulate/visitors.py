"""What comes from outside, and what nobody logs in for: mail, refusals, guessed passwords, mailing lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from responder.simulate.act import Failed
from responder.simulate.chance import size, words
from responder.simulate.due import Due
from responder.simulate.log import Log
from responder.simulate.outside import ordinary
from responder.simulate.scene import Scene
from responder.simulate.stamps import traditional

REFUSALS = (
    "550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table",
    "554 5.7.1 Service unavailable; Client host [{ip}] blocked using dnsbl.example",
    "450 4.2.0 <{to}>: Recipient address rejected: Greylisted",
)
EVERY = 600
"""Seconds between the statistics that Postfix writes of itself."""
TRIED = words("admin info test root support sales backup scanner postmaster office user mail")
FORGED = (
    "' or 1=1 --",
    "nobody, sasl_username={uid}",
    "nobody, method=PLAIN, rip=10.1.0.51, lip=10.1.0.51",
    "{uid}>, method=PLAIN, rip=198.18.16.2, lip=10.1.0.51, mpid=1, TLS, session=<x",
)
"""Names that are meant to look like something else in a log."""
LISTS = words("students staff research sport library choir alumni first-year")


class Visitors:
    """The strangers of each day."""

    def __init__(self, scene: Scene, log: Log) -> None:
        self._scene, self._log = scene, log
        self._random = scene.random("visitors")
        net = scene.internet
        self._bots = [
            self._random.choice(net.abroad + net.hosting).place(self._random)
            for _ in range(40 + scene.plan.mailboxes // 100)
        ]

    def day(self, number: int) -> Iterator[Due]:
        """What comes from outside on a day, in no order."""
        plan, random = self._scene.plan, self._random
        mailboxes = plan.mailboxes
        for _ in range(int(mailboxes * (0.45 if plan.weekend(number) else 0.9))):
            yield plan.at(number, random.triangular(0, 23.9, 11)), self._mail
        for _ in range(int(mailboxes * 0.7)):
            yield plan.at(number, random.random() * 23.9), self._refusal
        for _ in range(3 + mailboxes // 400):
            yield plan.at(number, random.uniform(7, 22)), self._posting
        for _ in range(40 + mailboxes // 20):
            yield plan.at(number, random.random() * 23.9), self._guess
        for at in range(int(plan.midnights[number]) + 60, int(plan.midnights[number + 1]), EVERY):
            yield at, self._statistics

    def _statistics(self, at: float) -> None:
        moment = datetime.fromtimestamp(at, self._scene.plan.zone)
        self._log.statistics(at, f"{traditional(moment)}:{moment:%S}")

    def _mail(self, at: float) -> None:
        random = self._random
        sender = random.choice(self._scene.outside.people)
        person = random.choice(self._scene.people.everybody)
        domain = sender.partition("@")[2]
        chance = random.random()
        to = person.alias if chance < 0.1 else person.mail
        self._log.inbound(at, "" if chance > 0.98 else sender, domain, to, size(random))
        if 0.5 < chance < 0.51:
            self._log.auto_reply(at + 3, sender)

    def _refusal(self, at: float) -> None:
        random = self._random
        sender = random.choice(self._scene.outside.people)
        client = (
            self._scene.outside.server(sender.partition("@")[2])
            if random.random() < 0.5
            else random.choice(self._scene.internet.abroad).place(random)
        )
        to = f"former.member{random.randrange(9999)}@example.org"
        why = random.choices(REFUSALS, (40, 45, 15))[0]
        self._log.refused(at, client, sender, to, why)

    def _posting(self, at: float) -> None:
        random, people = self._random, self._scene.people.everybody
        inside = random.sample(people, min(len(people), random.randrange(10, 120)))
        outside = random.sample(self._scene.outside.people, random.randrange(2, 30))
        to = [(person.mail, "sent") for person in inside if not person.forwards]
        to += [(address, "unknown" if random.random() < 0.02 else ordinary(random)) for address in outside]
        self._log.posting(at, random.choice(LISTS), to, size(random))

    def _guess(self, at: float) -> None:
        random = self._random
        uid, chance = random.choice(self._scene.people.everybody).uid, random.random()
        if chance < 0.5:
            name = uid
        elif chance < 0.98:
            name = f"{random.choice(TRIED)}{random.choice(('', '', '1', '@example.org'))}"
        else:
            name = random.choice(FORGED).format(uid=uid)
        service = random.choices(("smtp", "imap", "webmail"), (70, 25, 5))[0]
        for again in range(random.randrange(1, 4)):
            self._log.run(Failed(at + 4 * again, name, random.choice(self._bots), service))
