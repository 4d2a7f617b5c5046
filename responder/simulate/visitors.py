"""What comes from outside, and what nobody logs in for: mail, refusals, guessed passwords, mailing lists."""

from __future__ import annotations

from datetime import datetime

from responder.simulate.act import Failed
from responder.simulate.chance import size, words
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

    def day(self, number: int) -> None:
        """Write a day of them into the log."""
        mailboxes = self._scene.plan.mailboxes
        busy = 0.5 if self._scene.plan.weekend(number) else 1.0
        for _ in range(int(mailboxes * 0.9 * busy)):
            self._mail(number)
        for _ in range(int(mailboxes * 0.7)):
            self._refusal(number)
        for _ in range(3 + mailboxes // 400):
            self._posting(number)
        for _ in range(40 + mailboxes // 20):
            self._guess(number)
        self._statistics(number)

    def _statistics(self, day: int) -> None:
        plan = self._scene.plan
        for at in range(int(plan.midnights[day]) + 60, int(plan.midnights[day + 1]), EVERY):
            stamp = traditional(datetime.fromtimestamp(at, plan.zone))
            self._log.statistics(at, f"{stamp}:{at % 60:02d}")

    def _at(self, day: int, hour: float) -> float:
        return self._scene.plan.at(day, hour)

    def _mail(self, day: int) -> None:
        random = self._random
        at, sender = self._at(day, random.triangular(0, 23.9, 11)), random.choice(self._scene.outside.people)
        person = random.choice(self._scene.people.everybody)
        domain = sender.partition("@")[2]
        chance = random.random()
        to = person.alias if chance < 0.1 else person.mail
        self._log.inbound(at, "" if chance > 0.98 else sender, domain, to, size(random))
        if 0.5 < chance < 0.51:
            self._log.auto_reply(at + 3, sender)

    def _refusal(self, day: int) -> None:
        random = self._random
        sender = random.choice(self._scene.outside.people)
        client = (
            self._scene.outside.server(sender.partition("@")[2])
            if random.random() < 0.5
            else random.choice(self._scene.internet.abroad).place(random)
        )
        to = f"former.member{random.randrange(9999)}@example.org"
        self._log.refused(
            self._at(day, random.random() * 23.9),
            client,
            sender,
            to,
            random.choices(REFUSALS, (40, 45, 15))[0],
        )

    def _posting(self, day: int) -> None:
        random, people = self._random, self._scene.people.everybody
        inside = random.sample(people, min(len(people), random.randrange(10, 120)))
        outside = random.sample(self._scene.outside.people, random.randrange(2, 30))
        to = [(person.mail, "sent") for person in inside if not person.forwards]
        to += [(address, "unknown" if random.random() < 0.02 else ordinary(random)) for address in outside]
        self._log.posting(self._at(day, random.uniform(7, 22)), random.choice(LISTS), to, size(random))

    def _guess(self, day: int) -> None:
        random = self._random
        name = (
            random.choice(self._scene.people.everybody).uid
            if random.random() < 0.5
            else f"{random.choice(TRIED)}{random.choice(('', '', '1', '@example.org'))}"
        )
        service = random.choices(("smtp", "imap", "webmail"), (70, 25, 5))[0]
        at = self._at(day, random.random() * 23.9)
        for again in range(random.randrange(1, 4)):
            self._log.run(Failed(at + 4 * again, name, random.choice(self._bots), service))
