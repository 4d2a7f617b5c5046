"""Postfix's queue: from cleanup over every delivery to the removal of a message."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from responder.simulate.envelope import Envelope, Recipient
from responder.simulate.host import Host, full_name
from responder.simulate.outside import Outside
from responder.simulate.people import People
from responder.simulate.plan import DOMAIN
from responder.simulate.remote import LATER, attempt
from responder.simulate.rows import Rows

Counts = tuple[int, int]
"""Recipients who got a message before the end of the log, and addresses that there are not."""

RETRY = 290.0, 590.0
"""Seconds after which Postfix tries again for the first time; the pause doubles from then on."""
PATIENCE = 5000.0
"""Seconds after which a server that did not answer does."""


class Queue:
    """Writes what becomes of messages."""

    def __init__(
        self, rows: Rows, boxes: list[Host], people: People, outside: Outside, end: float, random: Random
    ) -> None:
        self._rows, self._boxes, self._people, self._outside = rows, boxes, people, outside
        self._end, self._random = end, random

    def take(self, host: Host, at: float, queue_id: str, one: Envelope) -> Counts:
        """A message that is in the queue from then on."""
        self._rows.add((at - 0.015, f"{host.head('cleanup', 8)}{queue_id}: message-id=<{one.message_id}>"))
        self._rows.add((at, f"{host.head('qmgr')}{queue_id}: {one.active(len(one.recipients))}"))
        deliver = self._filter if host.amavis else self._deliver
        return deliver(host, at + 0.003, queue_id, one)

    def _filter(self, host: Host, at: float, queue_id: str, one: Envelope) -> Counts:
        """The way through amavis, behind which the message has another id."""
        add, took = self._rows.add, 0.4 + self._random.random() * 2
        back, smtpd = at + took, host.head("smtpd", 10)
        second, count = host.queue_id(back), len(one.recipients)
        behind = replace(one, size=one.size + 480, recipients=tuple((to, "") for to, _ in one.recipients))
        add((back - 0.02, f"{smtpd}connect from localhost[127.0.0.1]"))
        add((back, f"{smtpd}{second}: client=localhost[127.0.0.1]"))
        add((back + 0.01, f"{host.head('cleanup', 8)}{second}: message-id=<{one.message_id}>"))
        add((back + 0.02, f"{host.head('qmgr')}{second}: {behind.active(count)}"))
        commands = f"ehlo=1 mail=1 rcpt={count} data=1 quit=1 commands={count + 4}"
        add((back + 0.03, f"{smtpd}disconnect from localhost[127.0.0.1] {commands}"))
        pid = host.pids["smtpd"] % 90_000 + 1000
        passed = f"Passed CLEAN {{RelayedOutbound}}, <{one.sender}> -> <{one.recipients[0][0]}>"
        number = f"({pid:05d}-{host.count % 90 + 1:02d})"
        add((back + 0.03, f"{host.name} amavis[{pid}]: {number} {passed}, Queue-ID: {queue_id}"))
        smtp = host.head("smtp", 20)
        answer = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second}"
        told = f"relay=127.0.0.1[127.0.0.1]:10024, delay={took:.2g}, delays=0.05/0.01/0.01/{took:.2g}"
        for recipient in one.recipients:
            line = f"{smtp}{queue_id}: {_to(recipient)}, {told}, dsn=2.0.0, status=sent ({answer})"
            add((back + 0.04, line))
        add((back + 0.05, f"{host.head('qmgr')}{queue_id}: removed"))
        return self._deliver(host, back + 0.06, second, behind)

    def _deliver(self, host: Host, at: float, queue_id: str, one: Envelope) -> Counts:
        random, add = self._random, self._rows.add
        end, delivered, unknown, bounced = at, 0, 0, False
        smtp, lmtp = f"{host.head('smtp', 60)}{queue_id}: ", f"{host.head('lmtp', 8)}{queue_id}: "
        later: list[tuple[Recipient, str]] = []
        for recipient in one.recipients:
            address, fate = recipient[0], "sent"
            if address.endswith(f"@{DOMAIN}"):
                took = 0.03 + random.random() * 0.2
                line = lmtp + self._stored(recipient, took)
            else:
                fate = one.fates.get(address, fate)
                took = 0.2 + random.random() * 2.5
                line = f"{smtp}{_to(recipient)}, {self._try(address, fate, took, took)}"
            add((at + took, line))
            end = max(end, at + took)
            if fate == "sent":
                delivered += at + took < self._end
            elif fate in LATER:
                later.append((recipient, fate))
            else:
                unknown, bounced = unknown + (fate == "unknown"), True
        if later:
            end, more = self._again(host, at, queue_id, one, later)
            delivered += more
        if bounced and one.sender:
            self._notify(host, end + 0.01, queue_id, one)
        add((end + 0.02, f"{host.head('qmgr')}{queue_id}: removed"))
        return delivered, unknown

    def _again(
        self, host: Host, at: float, queue_id: str, one: Envelope, later: list[tuple[Recipient, str]]
    ) -> tuple[float, int]:
        """Tries again until everybody has it; when the last one got it, and how many before the log's end."""
        random, add = self._random, self._rows.add
        end, delivered, waited = at, 0, random.uniform(*RETRY)
        while later:
            add((at + waited, f"{host.head('qmgr')}{queue_id}: {one.active(len(later))}"))
            still = []
            for recipient, fate in later:
                silent = fate == "timeout" and random.random() < 0.5 and waited < PATIENCE
                took = 30.0 if silent else 0.3 + random.random() * 2
                said = self._try(recipient[0], fate if silent else "sent", waited + took, took)
                done = at + waited + took
                add((done, f"{host.head('smtp', 60)}{queue_id}: {_to(recipient)}, {said}"))
                end = max(end, done)
                if silent:
                    still.append((recipient, fate))
                else:
                    delivered += done < self._end
            later, waited = still, waited * 2
        return end, delivered

    def _try(self, address: str, fate: str, delay: float, took: float) -> str:
        server = self._outside.server(address.rpartition("@")[2])
        return attempt(address, server, fate, delay, took, self._random)

    def _stored(self, recipient: Recipient, took: float) -> str:
        """A delivery into a mailbox of the site."""
        box = self._boxes[len(recipient[0]) % 2]
        return (
            f"{_to(recipient)}, relay={full_name(box)}[{box.ip}]:24, delay={took:.2g}, "
            f"delays=0.02/0.01/0.01/{took:.2g}, dsn=2.0.0, "
            f"status=sent (250 2.0.0 <{recipient[0]}> {self._random.getrandbits(40):x} Saved)"
        )

    def _notify(self, host: Host, at: float, queue_id: str, one: Envelope) -> None:
        """The notification of a bounce, a message of its own from nobody to the sender."""
        notice, add = host.queue_id(at), self._rows.add
        inside = one.sender.endswith(f"@{DOMAIN}")
        final = self._people.final(one.sender) if inside else ((f"lists@{DOMAIN}", one.sender),)
        back = Envelope("", one.size + 2200, final, {})
        add((at, f"{host.head('cleanup', 8)}{notice}: message-id=<{notice}.{int(at)}@{full_name(host)}>"))
        add((at + 0.001, f"{host.head('bounce', 3)}{queue_id}: sender non-delivery notification: {notice}"))
        add((at + 0.002, f"{host.head('qmgr')}{notice}: {back.active(1)}"))
        self._deliver(host, at + 0.003, notice, back)


def _to(recipient: Recipient) -> str:
    address, original = recipient
    return f"to=<{address}>, orig_to=<{original}>" if original else f"to=<{address}>"
