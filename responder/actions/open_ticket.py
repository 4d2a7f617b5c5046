"""``ticket.open``: opens one ticket at the desk, under a reference by which it is found again."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from responder.actions.action import Action, Change, Done, Look, Outputs, Plan, Seen, Undo
from responder.site.yaml import Written
from responder.systems.ticket_desk import Ticket, TicketDesk


class TicketParameters(Written):
    """``subject`` and ``text`` of the ticket; ``queue`` where it is not the configured one."""

    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1)
    queue: str | None = None


class CommentParameters(Written):
    """The ticket and what to say on it; written by responder itself."""

    ticket: str
    text: str


class OpenTicket(Action[TicketParameters]):
    """Opens a ticket; undone by a comment that says so, since staff may have worked on it since."""

    name: ClassVar[str] = "ticket.open"
    needs: ClassVar[str] = "ticket_desk"
    Parameters: ClassVar[type[Written]] = TicketParameters
    outputs: ClassVar[frozenset[str]] = frozenset({"ticket", "url"})
    reversible: ClassVar[bool] = True
    in_playbooks: ClassVar[bool] = True
    settles: ClassVar[timedelta] = timedelta(seconds=30)

    def __init__(self, system: TicketDesk) -> None:
        self._desk = system

    def plan(self, parameters: TicketParameters) -> Plan:
        """One new ticket."""
        queue = parameters.queue or self._desk.queue
        return Plan((Change(self._desk.name, queue, "ticket", None, {"subject": parameters.subject}),))

    def apply(self, parameters: TicketParameters, plan: Plan, reference: str) -> Outputs:
        """Opens the ticket, or takes the one that bears the reference already."""
        queue = plan.changes[0].target
        return _outputs(
            self._desk.open(
                subject=parameters.subject, text=parameters.text, queue=queue, reference=reference
            )
        )

    def look(self, parameters: TicketParameters, plan: Plan, reference: str) -> Look:
        """Asks the desk for the reference."""
        found = self._desk.find(reference)
        return Look(Seen.DONE, _outputs(found[0])) if found else Look(Seen.NOT_DONE)

    def undo(self, done: Done[TicketParameters]) -> Undo | None:
        """A comment on the ticket; it stays open for whoever has it."""
        text = (
            f"{done.actor} takes this run back ({done.reference}). What it changed is put back as it was "
            "before, except where somebody has changed it since. This ticket is left open for you to close."
        )
        return Undo(
            CommentTicket(self._desk), CommentParameters(ticket=str(done.outputs["ticket"]), text=text)
        )


class CommentTicket(Action[CommentParameters]):
    """Adds a comment to a ticket of ours; the desk is not asked whether it is there."""

    name: ClassVar[str] = "ticket.comment"
    needs: ClassVar[str] = "ticket_desk"
    Parameters: ClassVar[type[Written]] = CommentParameters

    def __init__(self, system: TicketDesk) -> None:
        self._desk = system

    def plan(self, parameters: CommentParameters) -> Plan:
        """One comment."""
        return Plan((Change(self._desk.name, parameters.ticket, "comment", None, "the run is taken back"),))

    def apply(self, parameters: CommentParameters, plan: Plan, reference: str) -> Outputs:
        """Writes the comment."""
        self._desk.comment(parameters.ticket, parameters.text)
        return {}

    def look(self, parameters: CommentParameters, plan: Plan, reference: str) -> Look:
        """Cannot be told."""
        return Look(Seen.UNKNOWN, detail=f"read ticket {parameters.ticket} to see whether it has the comment")


def _outputs(ticket: Ticket) -> Outputs:
    return {"ticket": ticket.id, "url": ticket.url}
