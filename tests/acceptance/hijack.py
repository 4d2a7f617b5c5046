"""A hijacked mailbox: what its thief does on a real Postfix, and the lines that this leaves in the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servers.postfix import Postfix

CLIENTS = ("203.0.113.17", "198.51.100.80")
RECIPIENTS, AT_ONCE = 300, 50
MESSAGES = RECIPIENTS // AT_ONCE
RECORDED = "amartel"
"""Whose mailbox is hijacked in the lines that ``as_account`` rewrites."""

QUEUE_ID = re.compile(r"(?<=\]: )([0-9A-F]{6,15})(?=: )")


def recipients() -> list[str]:
    """Three hundred recipients in as many domains, every other of which knows no such user."""
    return [f"someone{n}@{'bad' if n % 2 else 'shop'}{n}.example" for n in range(RECIPIENTS)]


def message(sender: str, *to: str, subject: str = "Your invoice") -> EmailMessage:
    """A short message."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), subject
    mail.set_content("Voilà.\n")
    return mail


def hijack(postfix: Postfix, uid: str, password: str) -> None:
    """Logs in from two places and sends to everybody; returns when the log has every outcome."""
    to, removed = recipients(), len(postfix.lines(r": removed$"))
    batches = [to[at : at + AT_ONCE] for at in range(0, len(to), AT_ONCE)]
    for number, client in enumerate(CLIENTS):
        with postfix.submit(uid, password, ip=client) as session:
            for batch in batches[number :: len(CLIENTS)]:
                session.send_message(message(f"{uid}@example.org", batch[0]), to_addrs=batch)
    postfix.wait_lines(r"to=<someone\d+@.* status=", RECIPIENTS, timeout=60)
    postfix.wait_lines(r": removed$", removed + 2 * len(batches), timeout=30)  # messages, and their bounces


def ordinary_day(postfix: Postfix, uid: str, password: str, number: int = 3) -> None:
    """Sends a few messages as people do."""
    with postfix.submit(uid, password, ip="192.0.2.5") as session:
        for each in range(number):
            session.send_message(message(f"{uid}@example.org", f"friend{each}@home.example", subject="Lunch"))
    postfix.wait_lines(r": removed$", number)


def as_account(lines: list[str], uid: str) -> list[str]:
    """The recorded lines as those of another account, in queue files of its own."""
    return list(_renamed(lines, uid))


def _renamed(lines: list[str], uid: str) -> Iterator[str]:
    mark = f"{sum(uid.encode()) % 256:02X}"
    for line in lines:
        yield QUEUE_ID.sub(lambda found: found[1] + mark, line).replace(RECORDED, uid)


def restamped(lines: list[str], now: datetime) -> list[str]:
    """The lines as if all of them were written at that moment."""
    return [f"{now:%b} {now.day:2d} {now:%H:%M:%S}{line[15:]}" for line in lines]
