"""Postfix's door: who comes in with a message, with or without a login, and who does not."""

from __future__ import annotations

from random import Random

from responder.simulate.act import Mail, To
from responder.simulate.envelope import Accepted, Envelope, Recipient
from responder.simulate.host import TLS, TLS_MORE, Host
from responder.simulate.network import Place
from responder.simulate.people import People
from responder.simulate.plan import DOMAIN
from responder.simulate.queue import Queue
from responder.simulate.rows import Rows

HERE = Place("localhost", "127.0.0.1")
SMTPD, SUBMISSION = "smtpd", "submission/smtpd"


class Door:
    """Writes sessions, and hands what they bring to the queue."""

    def __init__(self, rows: Rows, people: People, queue: Queue, random: Random) -> None:
        self._rows, self._people, self._queue, self._random = rows, people, queue, random

    def submitted(self, host: Host, mail: Mail) -> Accepted:
        """A message of an account; through webmail it comes from the machine itself."""
        at, person, add = mail.at, mail.person, self._rows.add
        smtpd, who = host.head(SUBMISSION, 40), _named(HERE if mail.webmail else mail.place)
        add((at, f"{smtpd}connect from {who}"))
        tls, (taken, active) = int(not mail.webmail), self._moments(at)
        if tls:
            add(
                (
                    at + 0.3 * (taken - at),
                    f"{smtpd}Anonymous TLS connection established from {who}: {TLS} {TLS_MORE}",
                )
            )
        queue_id = host.queue_id(taken)
        login = f"sasl_method={mail.method}, sasl_username={person.login}"
        add((taken, f"{smtpd}{queue_id}: client={who}, {login}"))
        one = Envelope(
            person.mail, mail.size, self.resolved(mail.to), dict(mail.to), self._message_id(at, person.mail)
        )
        delivered, unknown = self._queue.take(host, active, queue_id, one)
        count = len(mail.to)
        commands = f"ehlo={1 + tls}{' starttls=1' * tls} auth=1 mail=1 rcpt={count} data=1 quit=1"
        add((active + 0.02, f"{smtpd}disconnect from {who} {commands} commands={5 + 2 * tls + count}"))
        return Accepted(host.name, queue_id, active, len(one.recipients), delivered, unknown)

    def transferred(
        self,
        host: Host,
        at: float,
        client: Place,
        sender: str,
        recipients: tuple[Recipient, ...],
        size: int,
        fates: dict[str, str],
    ) -> None:
        """A message that comes without a login."""
        smtpd, who, count = host.head(SMTPD, 30), _named(client), len(recipients)
        taken, active = self._moments(at)
        queue_id = host.queue_id(taken)
        self._rows.add((at, f"{smtpd}connect from {who}"))
        self._rows.add((taken, f"{smtpd}{queue_id}: client={who}"))
        one = Envelope(sender, size, recipients, fates, self._message_id(at, sender))
        self._queue.take(host, active, queue_id, one)
        commands = f"ehlo=1 mail=1 rcpt={count} data=1 quit=1 commands={count + 4}"
        self._rows.add((active + 0.02, f"{smtpd}disconnect from {who} {commands}"))

    def refused(self, host: Host, at: float, client: Place, sender: str, to: str, why: str) -> None:
        """A stranger that is sent away."""
        smtpd, who = host.head(SMTPD, 30), _named(client)
        helo = client.name if client.name != "unknown" else "localhost"
        envelope = f"from=<{sender}> to=<{to}> proto=ESMTP helo=<{helo}>"
        self._rows.add((at, f"{smtpd}connect from {who}"))
        self._rows.add((at + 0.4, f"{smtpd}NOQUEUE: reject: RCPT from {who}: {why}; {envelope}"))
        commands = "ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"
        self._rows.add((at + 0.5, f"{smtpd}disconnect from {who} {commands}"))

    def failed(self, host: Host, at: float, client: Place, name: str) -> None:
        """A wrong password."""
        smtpd, who = host.head(SUBMISSION, 40), _named(client)
        why = f"SASL LOGIN authentication failed: (reason unavailable), sasl_username={name}"
        self._rows.add((at, f"{smtpd}connect from {who}"))
        self._rows.add((at + 1.1, f"{smtpd}warning: {who}: {why}"))
        self._rows.add((at + 1.3, f"{smtpd}disconnect from {who} ehlo=1 auth=0/1 quit=1 commands=2/3"))

    def resolved(self, to: list[To]) -> tuple[Recipient, ...]:
        """Where mail to these goes, aliases and forwards of the site followed."""
        found: list[Recipient] = []
        for address, _ in to:
            inside = address.endswith(f"@{DOMAIN}")
            found += self._people.final(address) if inside else ((address, ""),)
        return tuple(found)

    def _moments(self, at: float) -> tuple[float, float]:
        """When a message of a session that begins then gets its queue id, and when it is in the queue."""
        taken = at + 0.08 + self._random.random() * 0.5
        return taken, taken + 0.02 + self._random.random() * 0.2

    def _message_id(self, at: float, sender: str) -> str:
        return f"{int(at * 1000):x}.{self._random.getrandbits(40):010x}@{sender.partition('@')[2] or DOMAIN}"


def _named(place: Place) -> str:
    return f"{place.name}[{place.ip}]"
