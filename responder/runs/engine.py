"""The engine: begins runs, goes on with them from wherever they are, takes them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy import Engine as State

from responder.actions.action import Action
from responder.audit.trail import Trail
from responder.clock import Clock
from responder.errors import BadInput, ResponderError, SystemUnreachable, WritingPaused
from responder.playbooks import playbook as playbooks
from responder.playbooks import template
from responder.playbooks.playbook import Playbook
from responder.playbooks.step import OnFailure, Step
from responder.runs import context
from responder.runs.carrier import Carrier
from responder.runs.claim import Claims
from responder.runs.journal import Journal
from responder.runs.run import Direction, Progress, Run, RunState, StepResult, StepRow, StepState, progress
from responder.runs.switch import Switch
from responder.runs.undo import Undoer, results
from responder.site.yaml import load as load_yaml
from responder.systems.directory import Directory
from responder.systems.facts import SiteFacts

log = structlog.get_logger()
_OVER = (RunState.DONE, RunState.STOPPED, RunState.UNDONE)


class Engine:
    """Runs playbooks under the journal; ``directory`` tells who owns the account, None where there is none.

    ``tries`` and ``pause`` bound how often and how soon a step that did nothing is tried again: as they
    stand, for more than four hours. ``patience``: how many seconds a person's undo or retry waits for a run
    that somebody else works on; a tick does not wait, it comes again.
    """

    def __init__(
        self,
        state: State,
        actions: Mapping[str, Action[Any]],
        directory: Directory | None,
        trail: Trail,
        clock: Clock,
        switch: Switch,
        site: SiteFacts,
        *,
        tries: int = 30,
        pause: timedelta = timedelta(minutes=1),
        patience: float = 10.0,
    ) -> None:
        self._actions = actions
        self._directory = directory
        self._clock = clock
        self._site = site
        self._journal = Journal(state, trail, clock, switch)
        self._carrier = Carrier(self._journal, clock, tries=tries, pause=pause)
        self._undoer = Undoer(self._journal, self._carrier, clock, actions)
        self._claims = Claims(state)
        self._patience = patience

    def start(
        self,
        connection: Connection,
        *,
        case_id: int,
        decision_id: int,
        playbook: Playbook,
        facts: Mapping[str, Any],
    ) -> int:
        """Inserts a run in the caller's transaction and returns its number; nothing is done yet.

        ``facts["case"]`` has ``account`` and what else templates read (id, opened_at, families, detections,
        summary), as plain JSON values. The run keeps them, the playbook's text and its messages to the end.
        """
        kept = {
            "case": {"id": case_id, **facts["case"]},
            "site": self._site.names(),
            "messages": dict(playbook.messages),
        }
        return self._journal.start(connection, case_id, decision_id, playbook, kept)

    def unfinished(self) -> list[int]:
        """The runs to call ``advance`` for, after a restart as well as at every tick."""
        return self._journal.unfinished()

    def advance(self, run_id: int) -> Progress:
        """Goes on with a run as far as it goes now.

        Steps that surely did nothing are tried again when their time has come; a step that was begun is
        looked up first; an uncertain one is looked up but never repeated. While the kill switch is on the run
        stays as it is. Raises NotFound, and BadInput when an action of the playbook is not configured now.
        """
        with self._claims.claim(run_id) as ours:
            run = self._journal.load(run_id)
            if not ours:
                return progress(run, busy=True)
            if run.state in _OVER:
                return progress(run)
            try:
                run = self._undoer.go_on(run, again=False) if run.undone_by else self._go_on(run)
            except WritingPaused as error:
                return progress(self._journal.load(run_id), paused=str(error))
            return progress(run)

    def retry(self, run_id: int, actor: str) -> Progress:
        """Tries the failed steps again, for a person who has mended what they failed of.

        Uncertain steps are not repeated. Raises NotFound, and ResponderError for a run that is being worked
        on or was taken back.
        """
        with self._claims.claim(run_id, self._patience) as ours:
            run = self._journal.load(run_id)
            if not ours or run.undone_by:
                why = "was taken back" if run.undone_by else "is being worked on; try again in a moment"
                raise ResponderError(f"run {run_id} {why}")
            failed = [row for row in run.rows.values() if row.state is StepState.FAILED]
            if failed:
                run = self._journal.turn(run, RunState.RUNNING, actor=actor)
            if failed and run.facts.get("owner_missing"):  # an owner who was not there may be by now
                run = self._journal.learn(run, "run:owner:again", {"owner_missing": None}, {})
            for row in failed:
                run = self._journal.put(run, replace(row, tries=0, retry_at=self._clock.now()))
        return self.advance(run_id)

    def undo(self, run_id: int, actor: str) -> list[StepResult]:
        """Takes a run back, the last step first; a second time changes nothing.

        What somebody changed since is ``kept``; what cannot be taken back is ``skipped``. Raises NotFound,
        WritingPaused, and ResponderError while somebody else works on the run.
        """
        with self._claims.claim(run_id, self._patience) as ours:
            run = self._journal.load(run_id)
            if not ours:
                raise ResponderError(f"run {run_id} is being worked on; try again in a moment")
            if run.state is not RunState.UNDONE:
                if run.state is not RunState.UNDOING:
                    run = self._journal.turn(run, RunState.UNDOING, undone_by=actor)
                run = self._undoer.go_on(run, again=True)
            return results(run)

    def _go_on(self, run: Run) -> Run:
        playbook = self._playbook(run)
        run = self._with_owner(run, playbook)
        for position, step in enumerate(playbook.steps):
            run = self._step(run, playbook, step, position)
            row = run.rows.get((Direction.DO, step.id))
            troubled = row is not None and row.state in (
                StepState.FAILED,
                StepState.UNCERTAIN,
                StepState.INTENT,
            )
            if step.on_failure is OnFailure.STOP and (row is None or troubled):
                break
        return self._journal.turn(run, _state(run, playbook))

    def _step(self, run: Run, playbook: Playbook, step: Step, position: int) -> Run:
        row = run.rows.get((Direction.DO, step.id))
        action = self._actions[step.uses]
        if row is None:
            return self._first(run, playbook, step, position)
        if row.state is StepState.INTENT:
            return self._carrier.resume(run, row, action)
        if row.state is StepState.UNCERTAIN:
            return self._carrier.look_again(run, row, action)
        if row.state is StepState.FAILED and row.retry_at is not None and row.retry_at <= self._clock.now():
            return self._begin(run, playbook, step, row)
        return run

    def _first(self, run: Run, playbook: Playbook, step: Step, position: int) -> Run:
        """A step that was never begun; it waits while one that its ``when`` asks about is not settled."""
        for other in step.waits_for:
            before = run.rows.get((Direction.DO, other))
            if before is None or before.pending:
                return run
        row = StepRow(
            step=step.id,
            direction=Direction.DO,
            position=position,
            action=step.uses,
            reference=run.reference_of(step.id),
            intended_at=self._clock.now(),
        )
        return self._begin(run, playbook, step, row)

    def _begin(self, run: Run, playbook: Playbook, step: Step, row: StepRow) -> Run:
        action = self._actions[step.uses]
        known = context.names(run, playbook, self._clock.now())
        try:
            context.check_owner(run, step)
            if step.when is not None and not template.holds(step.when, known):
                return self._carrier.end(run, row, StepState.SKIPPED, f"not so: {step.when}")
            parameters = context.filled(step, action, playbook, known, str(run.facts["site"]["language"]))
        except SystemUnreachable as error:
            return self._carrier.unreachable(run, replace(row, tries=row.tries + 1), error)
        except ResponderError as error:
            return self._carrier.end(run, row, StepState.FAILED, str(error))
        return self._carrier.begin(run, row, action, parameters)

    def _playbook(self, run: Run) -> Playbook:
        """The playbook as it was when the run began."""
        messages = run.facts["messages"]
        document = load_yaml(Path(f"run {run.id}"), run.text)

        def kept(name: str) -> Any:
            if name not in messages:
                raise BadInput(f"the run was begun without message '{name}'")
            return messages[name]

        return playbooks.parse(document, self._actions, kept, str(run.facts["site"]["language"]))

    def _with_owner(self, run: Run, playbook: Playbook) -> Run:
        """The run with the owner's facts, once they can be read and a step needs them."""
        missing = run.facts.get("owner_missing")
        needed = any("owner" in step.roots and _open(run, step) for step in playbook.steps)
        if not needed or run.facts.get("owner") or (missing and not missing["again"]):
            return run
        try:
            if self._directory is None:
                raise ResponderError("no directory is configured")
            owner = self._directory.owner(run.account)
        except ResponderError as error:
            found = {"reason": str(error), "again": isinstance(error, SystemUnreachable)}
            if found == missing:
                return run
            return self._journal.learn(run, "run:owner:missing", {"owner_missing": found}, found)
        detail: dict[str, Any] = {"entry_id": owner.entry_id, "language": owner.language}
        detail |= {"backup_address": owner.backup_address is not None, "mobile": owner.mobile is not None}
        return self._journal.learn(
            run, "run:owner:read", {"owner": asdict(owner), "owner_missing": None}, detail
        )


def _open(run: Run, step: Step) -> bool:
    """Whether the step may still be begun."""
    row = run.rows.get((Direction.DO, step.id))
    return row is None or row.retry_at is not None


def _state(run: Run, playbook: Playbook) -> RunState:
    """How the run stands now that every step had its turn."""
    rows = [run.rows.get((Direction.DO, step.id)) for step in playbook.steps]
    if any(row is not None and row.pending for row in rows):
        return RunState.INCOMPLETE
    bad = [row is not None and row.state in (StepState.FAILED, StepState.UNCERTAIN) for row in rows]
    if any(
        wrong and step.on_failure is OnFailure.STOP for wrong, step in zip(bad, playbook.steps, strict=True)
    ):
        return RunState.STOPPED
    return RunState.INCOMPLETE if any(bad) else RunState.DONE
