"""Mail as it goes through a server: sessions, the messages in them, and how each recipient fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    """How one recipient fares; ``fate`` is sent, deferred (and sent later), unknown or spam."""

    to: str
    relay: str
    fate: str = "sent"
    seconds: float = 0.5
    program: str = "smtp"


@dataclass(frozen=True)
class Message:
    """A message handed in; ``after`` is seconds since its session began."""

    after: float
    sender: str
    message_id: str
    size: int
    deliveries: Sequence[Delivery]


@dataclass(frozen=True)
class Session:
    """An SMTP session; ``login`` is empty for other servers' mail, ``failed`` are the refused logins."""

    at: float
    host: str
    client: str
    messages: Sequence[Message] = ()
    login: str = ""
    method: str = "PLAIN"
    failed: Sequence[str] = ()
    refused: Sequence[str] = ()

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return max((message.after for message in self.messages), default=0.0) + len(self.failed) * 2.0 + 0.6
