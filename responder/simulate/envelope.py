"""A message on its way through the mail system."""

from __future__ import annotations

from dataclasses import dataclass

Recipient = tuple[str, str]
"""The address that mail goes to, and the one that the sender gave where that is another, else nothing."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """``fates`` says of addresses outside what becomes of the message (see ``act.FATES``); by default it arrives."""

    sender: str
    size: int
    recipients: tuple[Recipient, ...]
    fates: dict[str, str]
    message_id: str = ""

    def active(self, count: int) -> str:
        """What the queue manager says of it, with so many recipients left."""
        return f"from=<{self.sender}>, size={self.size}, nrcpt={count} (queue active)"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that was taken in, with what became of it before the end of the log."""

    host: str
    queue_id: str
    at: float
    recipients: int
    delivered: int
    unknown: int
