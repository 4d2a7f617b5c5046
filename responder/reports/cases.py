"""Cases as they are listed and shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from responder.cases.book import CLOSED, read_case
from responder.confirmation.evidence import confirm
from responder.errors import NotFound
from responder.state.tables import audit, cases, decisions, runs, steps


def list_cases(connection: Connection, everything: bool) -> list[dict[str, Any]]:
    """A row a case with its newest decision and run; closed ones only when ``everything`` is asked for."""
    query = select(cases).order_by(cases.c.id)
    if not everything:
        query = query.where(cases.c.closed_at.is_(None))
    return [_row(connection, row) for row in connection.execute(query).all()]


def _row(connection: Connection, row: Any) -> dict[str, Any]:
    case = read_case(connection, row.id)
    assert case is not None
    decision = connection.execute(
        select(decisions).where(decisions.c.case_id == row.id).order_by(decisions.c.id.desc()).limit(1)
    ).first()
    run = connection.execute(
        select(runs).where(runs.c.case_id == row.id).order_by(runs.c.id.desc()).limit(1)
    ).first()
    return {
        "case": row.id,
        "account": row.account,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "outcome": row.outcome,
        "families": list(confirm(list(case.hits)).families),
        "detections": [hit.detection for hit in case.hits],
        "decision": decision.kind if decision else None,
        "decision_id": decision.id if decision else None,
        "state": decision.state if decision else None,
        "run": run.id if run else None,
        "run_state": run.state if run else None,
    }


def show_case(connection: Connection, case_id: int) -> dict[str, Any]:
    """Everything about one case; raises NotFound."""
    row = connection.execute(select(cases).where(cases.c.id == case_id)).first()
    case = read_case(connection, case_id)
    if row is None or case is None:
        raise NotFound(f"there is no case {case_id}; 'responder cases --all' lists them")
    return {
        **_row(connection, row),
        "missing": _missing(connection, case_id),
        "evidence": [
            {
                "family": each.family,
                "detection": each.detection,
                "severity": each.severity,
                "supports": each.supports,
                "words": each.words,
                "figures": each.figures,
                "lines": list(each.lines),
                "at": hit.at,
            }
            for each, hit in zip(confirm(list(case.hits)).evidence, case.hits, strict=True)
        ],
        "decisions": _all(
            connection, select(decisions).where(decisions.c.case_id == case_id).order_by(decisions.c.id)
        ),
        "runs": [
            {
                "id": run.id,
                "playbook": run.playbook,
                "playbook_hash": run.playbook_hash,
                "state": run.state,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "undone_by": run.undone_by,
                "steps": _all(
                    connection,
                    select(
                        *(steps.c[name] for name in STEP),
                    )
                    .where(steps.c.run_id == run.id)
                    .order_by(steps.c.id),
                ),
            }
            for run in connection.execute(
                select(runs).where(runs.c.case_id == case_id).order_by(runs.c.id)
            ).all()
        ],
    }


STEP = ("step", "direction", "action", "state", "changes", "outputs", "reason", "intended_at", "ended_at")


def _missing(connection: Connection, case_id: int) -> list[str]:
    """Which lines were missing in the time in which a case was found quiet."""
    closed = connection.execute(
        select(audit.c.detail).where(audit.c.case_id == case_id, audit.c.tag == CLOSED)
    ).scalar()
    return list(closed.get("missing", ())) if closed else []


def _all(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings().all()]
