"""A large log of Dovecot through syslog: a day of two mail stores, drawn from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from . import sessions
from .mail_day import ACCOUNTS, BY_HOUR, SITE, Row
from .mail_log import DAY, MONTHS

HOSTS = ("store1", "store2")
KINDS = {"reading": 10, "delivery": 4, "failure": 1, "scan": 1}
"""How often: somebody reads his mail, a message is stored, a wrong password, a client that tries nothing."""


def write(path: Path, count: int, seed: int = 7) -> None:
    """Write a day with ``count`` sessions to ``path``; stamps are traditional, in UTC."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)

    def line(row: Row) -> str:
        at = midnight + timedelta(seconds=int(row[0]))
        return f"{MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S} {row[1]} dovecot: {row[2]}"

    sessions.write(path, _sessions(count, Random(seed)), line)


def _sessions(count: int, random: Random) -> Iterator[tuple[float, list[Row]]]:
    kinds = random.choices(list(KINDS), weights=KINDS.values(), k=count)
    hours = random.choices(range(24), weights=BY_HOUR, k=count)
    makers = {"reading": _reading, "delivery": _delivery, "failure": _failure, "scan": _scan}
    for at, kind in sorted(
        (hour * 3600 + random.random() * 3599, kind) for hour, kind in zip(hours, kinds, strict=True)
    ):
        yield at, makers[kind](at, random)


def _reading(at: float, random: Random) -> list[Row]:
    account, pid = random.randrange(ACCOUNTS), random.randrange(2000, 99999)
    name, host = _name(account), HOSTS[account % 2]
    address, session = f"198.18.{account >> 8}.{account & 255}", _session(random)
    sent, got = random.randrange(100, 9000), random.randrange(500, 900_000)
    return [
        (
            at,
            host,
            f"imap-login: Login: user=<{name}>, method=PLAIN, rip={address}, lip=192.0.2.20, mpid={pid}, TLS, "
            f"session=<{session}>",
        ),
        (
            at + random.expovariate(1 / 300),
            host,
            f"imap({name})<{pid}><{session}>: Disconnected: Logged out in={sent} out={got} deleted=0 expunged=0 "
            "trashed=0 hdr_count=3 hdr_bytes=2010 body_count=1 body_bytes=5120",
        ),
    ]


def _delivery(at: float, random: Random) -> list[Row]:
    account, pid = random.randrange(ACCOUNTS), random.randrange(2000, 99999)
    name, host = _name(account), HOSTS[account % 2]
    stored = f"lmtp({name})<{pid}><{_session(random)}>: msgid=<{random.getrandbits(48):x}@site.example>"
    return [
        (at, host, f"lmtp({pid}): Connect from local"),
        (at + 0.05, host, f"{stored}: saved mail to INBOX"),
        (at + 0.06, host, f"lmtp({pid}): Disconnect from local: Logged out (state=READY)"),
    ]


def _failure(at: float, random: Random) -> list[Row]:
    name, address = _name(random.randrange(ACCOUNTS)), f"203.0.113.{random.randrange(1, 255)}"
    host, session, attempts = random.choice(HOSTS), _session(random), random.choice((1, 1, 1, 2, 3))
    return [
        (
            at,
            host,
            "auth-worker(4711): conn unix:auth-worker (pid=9,uid=1): auth-worker<4>: "
            f"sql({name},{address},<{session}>): Password mismatch",
        ),
        (
            at + 2.0,
            host,
            f"imap-login: Disconnected: Connection closed (auth failed, {attempts} attempts in 2 secs): user=<{name}>, "
            f"method=PLAIN, rip={address}, lip=192.0.2.20, TLS, session=<{session}>",
        ),
    ]


def _scan(at: float, random: Random) -> list[Row]:
    address = f"198.51.100.{random.randrange(1, 255)}"
    return [
        (
            at,
            random.choice(HOSTS),
            "pop3-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, "
            f"rip={address}, lip=192.0.2.20, TLS handshaking: Connection closed, session=<{_session(random)}>",
        )
    ]


def _name(account: int) -> str:
    return f"u{account:05d}@{SITE}" if account % 10 == 0 else f"u{account:05d}"


def _session(random: Random) -> str:
    return f"{random.getrandbits(60):015x}A"
