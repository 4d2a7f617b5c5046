"""What somebody does with the mail system: a message handed in, a login, a failed one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responder.simulate.network import Place

if TYPE_CHECKING:
    from responder.simulate.person import Person

To = tuple[str, str]
"""A recipient's address and what becomes of the mail: one of ``FATES``."""

FATES = ("sent", "unknown", "spam", "full", "greylisted", "timeout", "limited", "nohost")
"""To some of them it arrives only later (see ``remote.LATER``), to others never."""


@dataclass(slots=True)
class Mail:
    """A message that an account hands in; through ``webmail`` its user sits at ``place``."""

    at: float
    person: Person
    place: Place
    to: list[To]
    size: int
    webmail: bool = False
    method: str = "PLAIN"


@dataclass(slots=True)
class Login:
    """A successful login: ``service`` is imap, pop3 or webmail."""

    at: float
    person: Person
    place: Place
    service: str = "imap"


@dataclass(slots=True)
class Failed:
    """A failed login of whatever name: ``service`` is smtp, imap or webmail."""

    at: float
    name: str
    place: Place
    service: str = "smtp"


Act = Mail | Login | Failed
