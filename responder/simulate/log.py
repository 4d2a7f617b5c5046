"""The central log of all machines: takes what people do, gives the lines of it by day."""

from __future__ import annotations

from random import Random

from responder.simulate.act import Act, Login, Mail, To
from responder.simulate.door import HERE, Door
from responder.simulate.envelope import Accepted
from responder.simulate.host import hosts
from responder.simulate.logins import Logins
from responder.simulate.network import Place
from responder.simulate.outside import Outside
from responder.simulate.people import People
from responder.simulate.plan import LISTS
from responder.simulate.queue import Queue
from responder.simulate.rows import Row, Rows


class Log:
    """Which machine does what."""

    def __init__(self, people: People, outside: Outside, end: float, random: Random) -> None:
        self.hosts = hosts(random)
        self._people, self._outside, self._random = people, outside, random
        self._rows = Rows()
        boxes = [self.hosts["imap1"], self.hosts["imap2"]]
        queue = Queue(self._rows, boxes, people, outside, end, random)
        self._door = Door(self._rows, people, queue, random)
        self._logins = Logins(self._rows, self.hosts["web1"], boxes, random)
        self._submission = [self.hosts[name] for name in ("smtp1", "smtp2", "smtp3")]
        self._mx = [self.hosts[name] for name in ("mx1", "mx2")]

    def until(self, end: float) -> list[Row]:
        """The lines before ``end`` that were not given yet, by time."""
        return self._rows.until(end)

    def run(self, act: Act) -> Accepted | None:
        """Write everything that follows from an act; of a message, what became of it."""
        if isinstance(act, Mail):
            host = self.hosts["web1"] if act.webmail else self._random.choice(self._submission)
            return self._door.submitted(host, act)
        if isinstance(act, Login):
            if act.service == "webmail":
                self._logins.webmail(act.at, act.person, act.place.ip)
            else:
                self._logins.mailbox(act.at, act.person.login, act.place.ip, act.service)
        elif act.service == "smtp":
            self._door.failed(self._random.choice(self._submission), act.at, act.place, act.name)
        else:
            self._logins.failed(act.at, act.name, act.place.ip, act.service)
        return None

    def inbound(self, at: float, sender: str, domain: str, to: str, size: int) -> None:
        """Mail that another site's server brings."""
        host, client = self._random.choice(self._mx), self._outside.server(domain)
        self._door.transferred(host, at, client, sender, self._people.final(to), size, {})

    def posting(self, at: float, name: str, to: list[To], size: int) -> None:
        """What the engine of the mailing lists sends."""
        sender = f"{name}-bounces@{LISTS}"
        lists, recipients = self.hosts["lists1"], self._door.resolved(to)
        self._door.transferred(lists, at, HERE, sender, recipients, size, dict(to))

    def auto_reply(self, at: float, to: str) -> None:
        """A vacation notice, which has no sender."""
        self._door.transferred(self._random.choice(self._mx), at, HERE, "", ((to, ""),), 1900, {})

    def statistics(self, at: float, stamp: str) -> None:
        """What Postfix says of itself now and then, so that a log is never silent for long."""
        for host in self._mx:
            said = f"statistics: max cache size {host.count % 40 + 2} at {stamp}"
            self._rows.add((at, f"{host.head('anvil')}{said}"))

    def refused(self, at: float, client: Place, sender: str, to: str, why: str) -> None:
        """A stranger that is sent away; ``why`` may name ``{to}`` and ``{ip}``."""
        self._door.refused(
            self._random.choice(self._mx), at, client, sender, to, why.format(to=to, ip=client.ip)
        )
