"""A person says yes or no to a queued decision, once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from responder.audit.trail import Trail
from responder.cases.book import close_case
from responder.clock import Clock
from responder.errors import NotFound, ResponderError
from responder.state.tables import cases, decisions


def approve(
    connection: Connection, trail: Trail, clock: Clock, decision_id: int, person: str, comment: str
) -> int:
    """Takes the yes, and returns the decision's case; the caller starts the run in the same transaction.

    Raises NotFound, and ResponderError when it was answered already.
    """
    row = _take(connection, clock, decision_id, "approved", person, comment)
    _record(connection, trail, row, person, "approve", comment)
    return int(row.case_id)


def deny(
    connection: Connection, trail: Trail, clock: Clock, decision_id: int, person: str, comment: str
) -> int:
    """Takes the no and closes the case: what was seen until now counts against the account no longer.

    Raises as ``approve``.
    """
    row = _take(connection, clock, decision_id, "denied", person, comment)
    _record(connection, trail, row, person, "deny", comment)
    close_case(connection, trail, person, row.case_id, row.account, clock.now(), "denied")
    return int(row.case_id)


def _take(
    connection: Connection, clock: Clock, decision_id: int, answer: str, person: str, comment: str
) -> Any:
    row = connection.execute(
        select(decisions, cases.c.account)
        .join(cases, cases.c.id == decisions.c.case_id)
        .where(decisions.c.id == decision_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no decision {decision_id}; 'responder cases' shows those that wait")
    if row.state != "waiting":
        by = f" by {row.answered_by}" if row.answered_by else ""
        raise ResponderError(f"decision {decision_id} does not wait for an answer: it is {row.state}{by}")
    connection.execute(
        decisions.update()
        .where(decisions.c.id == decision_id)
        .values(state=answer, answered_by=person, answered_at=clock.now(), comment=comment or None)
    )
    return row


def _record(connection: Connection, trail: Trail, row: Any, person: str, verb: str, comment: str) -> None:
    trail.record(
        connection,
        person,
        f"person:decision:{verb}",
        account=row.account,
        case_id=row.case_id,
        decision_id=row.id,
        detail={"comment": comment} if comment else {},
    )
