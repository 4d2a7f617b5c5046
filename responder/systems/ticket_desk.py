"""The port to the ticket desk: open a ticket under our own reference, find it again, comment on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

_REFERENCE = re.compile(r"[a-z0-9-]{1,120}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of the desk; ``reference`` is ours, ``id`` and ``url`` are the desk's."""

    id: str
    url: str
    subject: str
    status: str
    reference: str


class TicketDesk(Protocol):
    """A ticket desk; every method raises SystemUnreachable or SystemRefused where it cannot do its work."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def queue(self) -> str:
        """Where tickets go unless told otherwise."""

    def open(self, *, subject: str, text: str, queue: str, reference: str) -> Ticket:
        """Opens a ticket, or returns the one that bears ``reference`` already.

        Raises OutcomeUnknown when the answer was lost: ask ``find`` before anything is repeated.
        """

    def find(self, reference: str) -> list[Ticket]:
        """The tickets in any state that bear ``reference``, oldest first."""

    def comment(self, ticket_id: str, text: str) -> None:
        """Adds a comment that the requestor does not see; raises OutcomeUnknown when the answer was lost."""

    def ping(self) -> None:
        """Returns when the desk answers, lets us in and has the queue and the reference field."""


def checked(reference: str) -> str:
    """``reference`` when it needs no quoting in any desk's query; raises ValueError."""
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f"reference {reference!r}: small letters, digits and hyphens only")
    return reference
