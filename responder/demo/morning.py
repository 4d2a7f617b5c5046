"""An ordinary morning of a small university's mail, as two servers log it, with one hijacked mailbox.

``python -m responder.demo.morning`` writes the log that is shipped beside this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from responder.demo.people import BYSTANDER, PEOPLE, SITE, VICTIM
from responder.demo.person import Person
from responder.demo.postfix import STORE, MailHost, stamp
from responder.demo.traffic import Delivery, Message, Session

__all__ = ["HIJACK_AT", "LASTS", "PEOPLE", "SHIPPED", "START", "morning"]

SHIPPED = Path(__file__).with_name("morning.log")
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LASTS = 3.5 * 3600.0  # seconds
HIJACK_AT = 2.4 * 3600.0
HIJACK_LASTS = 235.0
HIJACK_MESSAGES = 45
INTRUDERS = ("unknown[203.0.113.77]", "unknown[198.51.100.23]", "unknown[192.0.2.146]")
GUESSER = "unknown[198.51.100.66]"
LISTS = "lists.example.org[10.20.0.25]"
WEBMAIL = "localhost[127.0.0.1]"
HOSTS = ("mail1", "mail2")

# All names are made of these and end in .example, so each is a registrable domain of its own (RFC 2606).
FIRST = "amber birch cedar delta east fern grand harbour iris jade kings lake maple north oak pine"
LAST = (
    "bakery clinic college dental estate freight gallery hotel insure joinery kitchen legal motors nursery "
)
LAST += "optics press quarry realty studio travel union vets works yachts"
STRANGERS = [f"{first}-{last}.example" for first in FIRST.split() for last in LAST.split()]
OFTEN = ["bigmail.example"] * 6 + ["freepost.example"] * 3
USUAL = OFTEN + [f"{name}.example" for name in ("cnr-lab", "ville", "crous", "editions", "stages")]
USUAL += [f"univ-{name}.example" for name in ("nord", "sud", "est", "ouest", "mer")]
NAMES = "alex billie casey dana eli frances gael hanna ivan jo kim lou max nour oli pat robin sam".split()  # noqa: SIM905


def morning(start: datetime = START, seed: int = 20261124) -> Iterator[tuple[float, str]]:
    """Every line with its seconds after ``start``, in order; the same seed gives the same lines."""
    random = Random(seed)
    hosts = [
        MailHost(name, long_ids=place == 1, start=start, random=random) for place, name in enumerate(HOSTS)
    ]
    story = _Story(random, start)
    sessions = [*story.people(), *story.lists(), *story.inbound(), *story.guesses(), *story.hijack()]
    for session in sorted(sessions, key=lambda session: session.at):
        hosts[HOSTS.index(session.host)].run(session)
    lines = [line for host in hosts for line in host.lines]
    for at, text in sorted(lines, key=lambda line: line[0]):
        yield at, f"{stamp(start + timedelta(seconds=at))} {text}"


class _Story:
    """Who sends what to whom, and when."""

    def __init__(self, random: Random, start: datetime) -> None:
        self.random = random
        self.start = start

    def people(self) -> Iterator[Session]:
        """Everybody's own mail: none to six messages from campus, from home or through the webmail."""
        for number, person in enumerate(PEOPLE):
            campus = f"pc-{person.uid}.{SITE}[10.20.{1 + number % 7}.{20 + number}]"
            home = f"unknown[198.18.{number}.{40 + number}]"
            login = person.mail if number % 5 == 4 and person.uid != VICTIM else person.uid
            for _ in range(self._how_many(person)):
                webmail = self.random.random() < 0.25
                client = WEBMAIL if webmail else self.random.choice((campus, home))
                at = self.random.uniform(60.0, LASTS - 900.0)
                mistyped = (login,) if not webmail and self.random.random() < 0.02 else ()
                mail = self._mail(person.mail, self._deliveries(self.random.randrange(1, 4)))
                method = "LOGIN" if webmail else "PLAIN"
                host = HOSTS[number % 2]
                if mistyped:
                    yield Session(at - 30.0, host, client, failed=mistyped)
                yield Session(at, host, client, [mail], login, method)

    def _how_many(self, person: Person) -> int:
        if person.uid in (VICTIM, BYSTANDER):
            return 4
        return self.random.choice(
            (0, 1, 2, 2, 3, 4, 6) if person.employee_type == "staff" else (0, 0, 1, 1, 2, 3, 5)
        )

    def lists(self) -> Iterator[Session]:
        """The mailing-list engine, which needs no login and reaches many people at once."""
        for name in ("students", "staff", "library", "sport", "research"):
            at = self.random.uniform(600.0, LASTS - 1200.0)
            recipients = self.random.randrange(14, 26)
            mail = self._mail(f"{name}-bounces@lists.{SITE}", self._deliveries(recipients, inside=0.8))
            yield Session(at, HOSTS[0], LISTS, [mail])

    def inbound(self) -> Iterator[Session]:
        """Mail from outside, now and then for somebody who is not there."""
        for number in range(110):
            domain = self.random.choice(USUAL + STRANGERS[:20])
            client = f"mx1.{domain}[{_address(domain)}]"
            at = self.random.uniform(10.0, LASTS - 300.0)
            sender = f"{self.random.choice(NAMES)}@{domain}"
            if number % 12 == 5:
                yield Session(
                    at, HOSTS[number % 2], client, refused=[_no_such_user(sender, f"old.name{number}@{SITE}")]
                )
            else:
                yield Session(at, HOSTS[number % 2], client, [self._mail(sender, [self._inside()])])

    def guesses(self) -> Iterator[Session]:
        """A machine that tries passwords on a few accounts, the later victim's among them."""
        for number, person in enumerate([*PEOPLE[3:15:2], *(one for one in PEOPLE if one.uid == VICTIM)] * 2):
            at = 1500.0 + number * 97.0
            yield Session(at, HOSTS[number % 2], GUESSER, failed=(person.uid,) * self.random.randrange(1, 3))

    def hijack(self) -> Iterator[Session]:
        """The victim's password in other hands: three foreign networks in turn, hundreds of recipients."""
        domains = [domain for domain in STRANGERS if self.random.random() < 0.85]
        each = HIJACK_MESSAGES // len(INTRUDERS)
        for place, client in enumerate(INTRUDERS):
            mails = []
            for number in range(each):
                fates = [self._fate_of_spam() for _ in range(self.random.randrange(5, 9))]
                deliveries = [
                    self._outside(domains.pop(self.random.randrange(len(domains))), fate) for fate in fates
                ]
                after = number * HIJACK_LASTS / HIJACK_MESSAGES + self.random.uniform(0.0, 2.0)
                mails.append(self._mail(f"{VICTIM}@{SITE}", deliveries, after, 3412 + number))
            at = HIJACK_AT + place * HIJACK_LASTS / len(INTRUDERS)
            yield Session(at, HOSTS[place % 2], client, mails, VICTIM, "LOGIN")

    def _fate_of_spam(self) -> str:
        return self.random.choice(("unknown",) * 30 + ("spam",) * 8 + ("deferred",) * 2 + ("sent",) * 60)

    def _mail(self, sender: str, deliveries: list[Delivery], after: float = 0.0, size: int = 0) -> Message:
        message_id = f"{self.random.getrandbits(64):016x}@{sender.partition('@')[2]}"
        return Message(after, sender, message_id, size or self.random.randrange(900, 60_000), deliveries)

    def _deliveries(self, count: int, inside: float = 0.45) -> list[Delivery]:
        made: dict[str, Delivery] = {}
        while len(made) < count:
            one = self._inside() if self.random.random() < inside else self._usual()
            made[one.to] = one
        return list(made.values())

    def _usual(self) -> Delivery:
        chance = self.random.random()
        fate = "unknown" if chance < 0.02 else "deferred" if chance < 0.04 else "sent"
        return self._outside(self.random.choice(USUAL), fate)

    def _outside(self, domain: str, fate: str) -> Delivery:
        to = f"{self.random.choice(NAMES)}.{self.random.choice(NAMES)}@{domain}"
        seconds = self.random.uniform(0.2, 2.5)
        return Delivery(to, f"mx1.{domain}[{_address(domain)}]:25", fate, seconds)

    def _inside(self) -> Delivery:
        to = self.random.choice(PEOPLE).mail
        return Delivery(to, STORE, "sent", self.random.uniform(0.02, 0.1), "lmtp")


def _address(domain: str) -> str:
    """An address of the range for benchmarks (RFC 2544), the same for the same domain."""
    value = sum(place * ord(letter) for place, letter in enumerate(domain, start=7))
    return f"198.19.{value % 251}.{value // 251 % 251 + 1}"


def _no_such_user(sender: str, to: str) -> str:
    text = f"550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table"
    return f"{text}; from=<{sender}> to=<{to}> proto=ESMTP helo=<mx1.{sender.partition('@')[2]}>"


if __name__ == "__main__":
    SHIPPED.write_text("".join(f"{line}\n" for _, line in morning()), encoding="utf-8")
