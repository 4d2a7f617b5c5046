"""Carries out one action under the journal: plan, intent, act, read back; and picks it up after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from responder.actions.action import Action, Look, Plan, Seen
from responder.clock import Clock
from responder.errors import (
    ChangedMeanwhile,
    OutcomeUnknown,
    ResponderError,
    SystemUnreachable,
)
from responder.runs.journal import Journal
from responder.runs.run import Direction, Run, StepRow, StepState
from responder.site.yaml import Written

log = structlog.get_logger()
_LONGEST = 10  # times the first pause


class Carrier:
    """``tries``: how often a step is begun at most; ``pause``: the time before the second try.

    Each further pause is twice the one before, up to ten times the first: an outage may last for hours.
    """

    def __init__(self, journal: Journal, clock: Clock, *, tries: int, pause: timedelta) -> None:
        self._journal = journal
        self._clock = clock
        self._tries = tries
        self._pause = pause

    def begin(self, run: Run, row: StepRow, action: Action[Any], parameters: Written) -> Run:
        """A step that has not been begun, or surely did nothing: plans it, writes the intent, acts."""
        row = replace(row, tries=row.tries + 1, retry_at=None, reason=None, ended_at=None)
        row = replace(row, parameters=parameters.model_dump(mode="json"), intended_at=self._clock.now())
        try:
            plan = action.plan(parameters)
        except ChangedMeanwhile as error:
            return self._changed(run, row, error)
        except (SystemUnreachable, OutcomeUnknown) as error:  # planning only reads
            return self.unreachable(run, row, error)
        except ResponderError as error:
            return self.end(run, row, StepState.FAILED, str(error))
        except Exception as error:  # an action of somebody else's making must not hold up the steps after it
            log.exception("action failed while it planned", action=row.action, run=run.id)
            return self.end(run, row, StepState.FAILED, _unexpected(error))
        if not plan.changes:
            return self.end(run, row, StepState.SKIPPED, plan.note)
        row = replace(row, state=StepState.INTENT, changes=tuple(each.as_json() for each in plan.changes))
        return self._act(self._journal.put(run, row, writing=True), row, action, parameters, plan)

    def resume(self, run: Run, row: StepRow, action: Action[Any]) -> Run:
        """A step that was begun: looks whether it was done before anything is repeated."""
        if row.retry_at is not None and row.retry_at > self._clock.now():
            return run
        look = self._look(row, action)
        if look is None:
            return self._cannot_look(run, row)
        if look.seen is Seen.DONE:
            return self._done(run, row, look.outputs, verified=True)
        if look.seen is Seen.NOT_DONE:
            return self._not_done(run, row, action)
        return self._doubtful(run, row, look)

    def look_again(self, run: Run, row: StepRow, action: Action[Any]) -> Run:
        """An uncertain step: done after all when a look says so; never repeated."""
        look = self._look(row, action)
        return self._done(run, row, look.outputs, verified=True) if look and look.seen is Seen.DONE else run

    def settle(self, run: Run, row: StepRow, action: Action[Any]) -> Run:
        """A step that was begun and must not go on: failed when it surely was not done, else uncertain."""
        look = self._look(row, action)
        settled = self._clock.now() >= row.intended_at + action.settles
        if look is not None and look.seen is Seen.NOT_DONE and settled:
            return self.end(
                run, row, StepState.FAILED, "it was begun, and not done before the run was taken back"
            )
        return self.end(run, row, StepState.UNCERTAIN, "it was begun when the run was taken back")

    def end(self, run: Run, row: StepRow, state: StepState, reason: str | None) -> Run:
        """Writes how a step ended."""
        level = log.warning if state in (StepState.FAILED, StepState.UNCERTAIN, StepState.KEPT) else log.info
        level("step", run=run.id, step=row.step, direction=str(row.direction), state=str(state))
        return self._journal.put(
            run, replace(row, state=state, reason=reason or None, retry_at=None, ended_at=self._clock.now())
        )

    def unreachable(self, run: Run, row: StepRow, error: ResponderError) -> Run:
        """Nothing was done: failed, to be tried again while tries are left."""
        if row.tries >= self._tries:
            return self.end(run, row, StepState.FAILED, f"{error}; given up after {row.tries} tries")
        pause = self._pause_after(row)
        if isinstance(error, SystemUnreachable) and error.retry_after is not None:
            pause = max(pause, timedelta(seconds=error.retry_after))
        retry_at = self._clock.now() + pause
        log.warning("step to be tried again", run=run.id, step=row.step, tries=row.tries)
        return self._journal.put(
            run, replace(row, state=StepState.FAILED, reason=str(error), retry_at=retry_at)
        )

    def _act(self, run: Run, row: StepRow, action: Action[Any], parameters: Written, plan: Plan) -> Run:
        try:
            outputs = action.apply(parameters, plan, row.reference)
        except OutcomeUnknown as error:
            return self._lost(run, row, action, str(error))
        except SystemUnreachable as error:
            return self.unreachable(run, row, error)
        except ChangedMeanwhile as error:
            return self._changed(run, row, error)
        except ResponderError as error:
            return self.end(run, row, StepState.FAILED, str(error))
        except Exception as error:  # as above; it may have been done
            log.exception("action failed while it acted", action=row.action, run=run.id)
            return self._lost(run, row, action, _unexpected(error))
        return self._read_back(run, replace(row, outputs=dict(outputs)), action)

    def _read_back(self, run: Run, row: StepRow, action: Action[Any]) -> Run:
        """The system said yes; what it shows now decides whether that is believed."""
        try:
            look = self._ask(row, action)
        except ResponderError as error:
            look = Look(Seen.UNKNOWN, detail=str(error))
        if look.seen is Seen.GIVEN_UP:
            return self._doubtful(run, row, look)
        if look.seen is Seen.NOT_DONE and not action.settles:
            reason = f"it was accepted but has no effect: {look.detail}".rstrip(": ")
            return self.end(run, row, StepState.FAILED, reason)
        return self._done(run, row, look.outputs, verified=look.seen is Seen.DONE)

    def _lost(self, run: Run, row: StepRow, action: Action[Any], reason: str) -> Run:
        """The answer was lost: looks at once, and where that does not tell, later or not at all."""
        look = self._look(row, action)
        if look is not None and look.seen is Seen.DONE:
            return self._done(run, row, look.outputs, verified=True)
        if look is not None and look.seen is not Seen.NOT_DONE:
            return self._doubtful(run, row, look, f"{reason}; ")
        wait = action.settles if look is not None else self._pause
        return self._journal.put(run, replace(row, reason=reason, retry_at=row.intended_at + wait))

    def _doubtful(self, run: Run, row: StepRow, look: Look, reason: str = "") -> Run:
        """Taken and given up by the system, or not to be told."""
        state = StepState.FAILED if look.seen is Seen.GIVEN_UP else StepState.UNCERTAIN
        detail = look.detail or "it cannot be told whether it was done"
        row = replace(row, outputs={**(row.outputs or {}), **look.outputs})
        return self.end(run, row, state, reason + detail)

    def _not_done(self, run: Run, row: StepRow, action: Action[Any]) -> Run:
        """Begun, and surely not done: acts, once what was sent can no longer turn up late."""
        now, settled = self._clock.now(), row.intended_at + action.settles
        if now < settled:
            return run if row.retry_at == settled else self._journal.put(run, replace(row, retry_at=settled))
        if row.tries >= self._tries:
            return self.end(run, row, StepState.FAILED, f"not done after {row.tries} tries")
        row = replace(row, tries=row.tries + 1, intended_at=now, retry_at=None, reason=None)
        parameters = action.Parameters.model_validate(dict(row.parameters or {}))
        plan = Plan.from_json(list(row.changes))
        return self._act(self._journal.put(run, row, writing=True), row, action, parameters, plan)

    def _cannot_look(self, run: Run, row: StepRow) -> Run:
        if row.tries >= self._tries:
            reason = "the system could not be asked whether it was done; look there by hand"
            return self.end(run, row, StepState.UNCERTAIN, reason)
        later = self._clock.now() + self._pause_after(row)
        return self._journal.put(run, replace(row, tries=row.tries + 1, retry_at=later))

    def _pause_after(self, row: StepRow) -> timedelta:
        times: int = min(2 ** max(row.tries - 1, 0), _LONGEST)
        return self._pause * times

    def _changed(self, run: Run, row: StepRow, error: ChangedMeanwhile) -> Run:
        """Doing is planned anew on what is there now; taking back leaves it to whoever changed it."""
        if row.direction is Direction.UNDO:
            return self.end(run, row, StepState.KEPT, str(error))
        return self.unreachable(run, row, error)

    def _done(self, run: Run, row: StepRow, outputs: Mapping[str, Any], *, verified: bool) -> Run:
        row = replace(row, outputs={**(row.outputs or {}), **outputs, "verified": verified})
        return self.end(run, row, StepState.DONE, None)

    def _look(self, row: StepRow, action: Action[Any]) -> Look | None:
        """What a look tells; None when the system cannot be asked now."""
        try:
            return self._ask(row, action)
        except (SystemUnreachable, OutcomeUnknown) as error:
            log.warning("cannot look", step=row.step, error=type(error).__name__)
            return None
        except ResponderError as error:
            return Look(Seen.UNKNOWN, detail=str(error))

    def _ask(self, row: StepRow, action: Action[Any]) -> Look:
        parameters = action.Parameters.model_validate(dict(row.parameters or {}))
        try:
            return action.look(parameters, Plan.from_json(list(row.changes)), row.reference)
        except ResponderError:
            raise
        except Exception as error:  # as above
            log.exception("action failed while it looked", action=row.action, step=row.step)
            return Look(Seen.UNKNOWN, detail=_unexpected(error))


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}; see the log"
