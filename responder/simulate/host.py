"""The machines of the mail system, each with its way to number messages and processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from responder.simulate.plan import DOMAIN

BASE52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"  # no vowels, so no words
TLS = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
TLS_MORE = "key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256"


@dataclass(slots=True)
class Host:
    """One machine; ``long_ids`` is Postfix's ``enable_long_queue_ids``, ``amavis`` a filter behind the queue."""

    name: str
    ip: str
    random: Random
    long_ids: bool = False
    webmail: bool = False
    amavis: bool = False
    count: int = 0
    pids: dict[str, int] = field(default_factory=dict)

    def head(self, program: str, processes: int = 1) -> str:
        """Host, program and process as they begin a line of Postfix."""
        first = self.pids.get(program)
        if first is None:
            first = self.pids[program] = self.random.randrange(900, 3_000_000)
        pid = first + int(self.random.random() * processes) if processes > 1 else first
        return f"{self.name} postfix/{program}[{pid}]: "

    def queue_id(self, at: float) -> str:
        """A new id, short (hexadecimal: microseconds and inode) or long (seconds, microseconds, inode)."""
        self.count += 1
        seconds = int(at)
        micros = int((at - seconds) * 1e6)
        if self.long_ids:
            inode = self.count % 12_000
            return f"{_base52(seconds, 6)}{_base52(micros, 4)}z{_base52(130_000 + inode, 4)}"
        return f"{micros:05X}{0x264600 + self.count % 65_521:X}"

    def described(self) -> dict[str, object]:
        """What ``world.json`` says of it."""
        ids = "long" if self.long_ids else "short"
        return {"ip": self.ip, "queue_ids": ids, "webmail": self.webmail, "amavis": self.amavis}


def hosts(random: Random) -> dict[str, Host]:
    """Three for handing in (one with the filter), webmail, lists, two that take mail from outside, two of mailboxes."""
    made = [
        Host("smtp1", "10.1.0.11", random),
        Host("smtp2", "10.1.0.12", random, long_ids=True),
        Host("smtp3", "10.1.0.13", random, long_ids=True, amavis=True),
        Host("web1", "10.1.0.21", random, webmail=True),
        Host("lists1", "10.1.0.31", random, long_ids=True),
        Host("mx1", "10.1.0.41", random),
        Host("mx2", "10.1.0.42", random, long_ids=True),
        Host("imap1", "10.1.0.51", random),
        Host("imap2", "10.1.0.52", random),
    ]
    return {host.name: host for host in made}


def full_name(host: Host) -> str:
    """The host's name in the world's domain."""
    return f"{host.name}.{DOMAIN}"


def _base52(number: int, width: int) -> str:
    made = ""
    for _ in range(width):
        number, digit = divmod(number, 52)
        made = BASE52[digit] + made
    return made
