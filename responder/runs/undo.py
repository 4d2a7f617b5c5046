"""Takes a run back, its steps in reverse, each under the journal like the doing was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from responder.actions.action import Action, Done, Plan
from responder.clock import Clock
from responder.runs.carrier import Carrier
from responder.runs.journal import Journal
from responder.runs.run import Direction, Run, RunState, StepResult, StepRow, StepState

SETTLED = (StepState.DONE, StepState.SKIPPED, StepState.KEPT)
NOT_DONE = "nothing was done, so there is nothing to take back"
CANNOT = "cannot be taken back"
IN_DOUBT = (
    "it is not known whether this was done; look at the system, and take it back there by hand if it was"
)


class Undoer:
    """Goes through what was done; a step that is settled is left alone, so that twice is as once."""

    def __init__(
        self, journal: Journal, carrier: Carrier, clock: Clock, actions: Mapping[str, Action[Any]]
    ) -> None:
        self._journal = journal
        self._carrier = carrier
        self._clock = clock
        self._actions = actions

    def go_on(self, run: Run, *, again: bool) -> Run:
        """Takes back what is left; ``again``: also what failed before, whatever its time."""
        for row in _backwards(run):
            run = self._step(run, row, again=again)
        rows = [row for (direction, _), row in run.rows.items() if direction is Direction.UNDO]
        if any(row.pending for row in rows):
            return run
        settled = all(row.state in SETTLED for row in rows)
        return self._journal.turn(run, RunState.UNDONE if settled else RunState.INCOMPLETE)

    def _step(self, run: Run, did: StepRow, *, again: bool) -> Run:
        action = self._actions.get(did.action)
        if did.state in (StepState.INTENT, StepState.UNCERTAIN) and action is not None:
            run = self._find_out(run, did, action)
            did = run.rows[(Direction.DO, did.step)]
        row = run.rows.get((Direction.UNDO, did.step))
        if did.state in (StepState.SKIPPED, StepState.FAILED) or (row and row.state in SETTLED):
            return run
        if row and row.state is StepState.FAILED and not again and not self._due(row):
            return run
        blank = row or _blank(did, self._clock)
        if action is None:
            return self._carrier.end(
                run, blank, StepState.FAILED, f"no action '{did.action}' is configured any more"
            )
        if did.state is not StepState.DONE:
            return run if row else self._carrier.end(run, blank, StepState.UNCERTAIN, IN_DOUBT)
        return self._take_back(run, did, action, blank, begun=row is not None)

    def _take_back(self, run: Run, did: StepRow, action: Action[Any], row: StepRow, *, begun: bool) -> Run:
        parameters = action.Parameters.model_validate(dict(did.parameters or {}))
        plan = Plan.from_json(list(did.changes))
        undo = action.undo(Done(parameters, plan, did.outputs or {}, did.reference, run.undone_by or ""))
        if undo is None:
            return self._carrier.end(run, row, StepState.SKIPPED, CANNOT)
        if begun and row.state is StepState.INTENT:
            return self._carrier.resume(run, row, undo.action)
        if begun and row.state is StepState.UNCERTAIN and row.changes:
            return self._carrier.look_again(run, row, undo.action)
        return self._carrier.begin(run, replace(row, action=undo.action.name), undo.action, undo.parameters)

    def _find_out(self, run: Run, did: StepRow, action: Action[Any]) -> Run:
        """Whether a step that was begun and never settled was done; it is not begun again."""
        run = self._carrier.look_again(run, did, action)
        did = run.rows[(Direction.DO, did.step)]
        if did.state is StepState.INTENT:
            return self._carrier.settle(run, did, action)
        return run

    def _due(self, row: StepRow) -> bool:
        return row.retry_at is not None and row.retry_at <= self._clock.now()


def results(run: Run) -> list[StepResult]:
    """What came of taking back each step, the last first."""
    found = []
    for did in _backwards(run):
        row = run.rows.get((Direction.UNDO, did.step))
        state, reason = (row.state, row.reason) if row else (StepState.SKIPPED, NOT_DONE)
        outputs = dict(row.outputs or {}) if row else {}
        name = row.action if row else did.action
        found.append(StepResult(did.step, Direction.UNDO, name, state, reason, outputs))
    return found


def _backwards(run: Run) -> list[StepRow]:
    rows = [row for (direction, _), row in run.rows.items() if direction is Direction.DO]
    return sorted(rows, key=lambda row: row.position, reverse=True)


def _blank(did: StepRow, clock: Clock) -> StepRow:
    return StepRow(
        step=did.step,
        direction=Direction.UNDO,
        position=did.position,
        action=did.action,
        reference=f"{did.reference}-undo",
        intended_at=clock.now(),
    )
