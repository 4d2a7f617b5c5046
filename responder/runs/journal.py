"""The journal: what a run means to do is written before it is done, and what came of it after.

Each write is one short transaction together with its audit record; none is open while a system is talked to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Engine, insert, or_, select, update

from responder.audit.trail import Trail
from responder.clock import Clock
from responder.errors import NotFound, ResponderError
from responder.playbooks.playbook import Playbook
from responder.runs.run import Direction, Run, RunState, StepRow, StepState
from responder.runs.switch import Switch
from responder.state.tables import runs, steps
from responder.systems.contact import scrub

ACTOR = "responder"
_ENDED = (RunState.DONE, RunState.INCOMPLETE, RunState.STOPPED, RunState.UNDONE)


class Journal:
    """Reads and writes runs; every write that lets something happen asks the kill switch first."""

    def __init__(self, state: Engine, trail: Trail, clock: Clock, switch: Switch) -> None:
        self._state = state
        self._trail = trail
        self._clock = clock
        self._switch = switch

    def start(
        self,
        connection: Connection,
        case_id: int,
        decision_id: int,
        playbook: Playbook,
        facts: Mapping[str, Any],
    ) -> int:
        """Inserts a run in the caller's transaction."""
        row = connection.execute(
            insert(runs).values(
                case_id=case_id,
                decision_id=decision_id,
                playbook=playbook.name,
                playbook_hash=playbook.hash,
                playbook_text=playbook.text,
                facts=dict(facts),
                state=RunState.RUNNING,
                started_at=self._clock.now(),
            )
        )
        assert row.inserted_primary_key is not None
        run_id = int(row.inserted_primary_key[0])
        self._trail.record(
            connection,
            ACTOR,
            "run:playbook:start",
            account=facts["case"]["account"],
            case_id=case_id,
            decision_id=decision_id,
            run_id=run_id,
            detail={"playbook": playbook.name, "sha256": playbook.hash},
        )
        return run_id

    def load(self, run_id: int) -> Run:
        """The run with its steps; raises NotFound."""
        with self._state.begin() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
            if row is None:
                raise NotFound(f"no run {run_id}")
            found = connection.execute(select(steps).where(steps.c.run_id == run_id)).mappings().all()
        rows = [_row(each) for each in found]
        return Run(
            id=row.id,
            case_id=row.case_id,
            decision_id=row.decision_id,
            playbook=row.playbook,
            text=row.playbook_text,
            facts=row.facts,
            state=RunState(row.state),
            undone_by=row.undone_by,
            rows={(each.direction, each.step): each for each in rows},
        )

    def unfinished(self) -> list[int]:
        """The runs about which responder has something left to do by itself."""
        waiting = select(steps.c.run_id).where(
            or_(steps.c.state == StepState.INTENT, steps.c.retry_at.is_not(None))
        )
        query = select(runs.c.id).where(
            or_(
                runs.c.state.in_((RunState.RUNNING, RunState.UNDOING)),
                (runs.c.state == RunState.INCOMPLETE) & runs.c.id.in_(waiting),
            )
        )
        with self._state.begin() as connection:
            return list(connection.execute(query.order_by(runs.c.id)).scalars())

    def put(self, run: Run, row: StepRow, *, writing: bool = False) -> Run:
        """Writes a step's row and its audit record; ``writing``: something is about to be done.

        Raises WritingPaused, and ResponderError when another process has changed the row since.
        """
        before = run.rows.get((row.direction, row.step))
        with self._state.begin() as connection:
            if writing:
                self._switch.check(connection)
            _store(connection, run.id, row, before)
            actor = run.undone_by if row.direction is Direction.UNDO and run.undone_by else ACTOR
            self._record(connection, run, f"run:step:{row.state}", _detail(row), actor)
        return replace(run, rows={**run.rows, (row.direction, row.step): row})

    def learn(self, run: Run, tag: str, facts: Mapping[str, Any], detail: dict[str, Any]) -> Run:
        """Adds facts to a run."""
        known = replace(run, facts={**run.facts, **facts})
        with self._state.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run.id).values(facts=dict(known.facts)))
            self._record(connection, known, tag, detail)
        return known

    def turn(
        self, run: Run, state: RunState, *, undone_by: str | None = None, actor: str | None = None
    ) -> Run:
        """Gives a run another state; does nothing when it has it already."""
        if state is run.state and undone_by is None:
            return run
        turned = replace(run, state=state, undone_by=undone_by or run.undone_by)
        with self._state.begin() as connection:
            if state is RunState.UNDOING:
                self._switch.check(connection)
            ended = self._clock.now() if state in _ENDED else None
            values = {"state": state, "undone_by": turned.undone_by, "ended_at": ended}
            connection.execute(update(runs).where(runs.c.id == run.id).values(**values))
            self._record(connection, turned, f"run:playbook:{state}", {}, actor or turned.undone_by or ACTOR)
        return turned

    def _record(
        self, connection: Connection, run: Run, tag: str, detail: dict[str, Any], actor: str = ACTOR
    ) -> None:
        self._trail.record(
            connection,
            actor,
            tag,
            account=run.account,
            case_id=run.case_id,
            decision_id=run.decision_id,
            run_id=run.id,
            detail=scrub(detail, run.private()),
        )


def _store(connection: Connection, run_id: int, row: StepRow, before: StepRow | None) -> None:
    """Inserts the row, or changes it if it still is as it was read: (run, step, direction) is there once."""
    values = asdict(row) | {
        "run_id": run_id,
        "parameters": dict(row.parameters or {}),
        "changes": list(row.changes),
        "outputs": dict(row.outputs or {}),
    }
    if before is None:
        connection.execute(insert(steps).values(**values))
        return
    changed = connection.execute(
        update(steps)
        .where(steps.c.run_id == run_id, steps.c.step == row.step, steps.c.direction == row.direction)
        .where(steps.c.state == before.state, steps.c.tries == before.tries)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise ResponderError(
            f"run {run_id}: another process has changed step '{row.step}'; look at the run again"
        )


def _row(found: Mapping[Any, Any]) -> StepRow:
    return StepRow(
        step=found["step"],
        direction=Direction(found["direction"]),
        position=found["position"],
        action=found["action"],
        reference=found["reference"],
        intended_at=found["intended_at"],
        state=StepState(found["state"]),
        parameters=found["parameters"],
        changes=tuple(found["changes"]),
        outputs=found["outputs"],
        reason=found["reason"],
        tries=found["tries"],
        retry_at=found["retry_at"],
        ended_at=found["ended_at"],
    )


def _detail(row: StepRow) -> dict[str, Any]:
    """What the audit keeps of a row: never its parameters, which hold addresses and whole texts."""
    detail: dict[str, Any] = {"step": row.step, "direction": str(row.direction), "action": row.action}
    detail |= {"reference": row.reference, "try": row.tries}
    if row.state is StepState.INTENT:
        detail["changes"] = list(row.changes)
    if row.outputs:
        detail["outputs"] = dict(row.outputs)
    if row.reason:
        detail["reason"] = row.reason
    if row.retry_at:
        detail["again_at"] = row.retry_at.isoformat()
    return detail
