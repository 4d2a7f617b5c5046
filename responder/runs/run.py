"""A run and its steps, as the journal has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from responder.systems.contact import mask_address, mask_number


class Direction(StrEnum):
    """Whether a step does or takes back."""

    DO = "do"
    UNDO = "undo"


class StepState(StrEnum):
    """How a step stands.

    ``intent``: begun, not known to be done; ``uncertain``: it cannot be told whether it was done;
    ``kept``: not taken back, because somebody changed it since.
    """

    INTENT = "intent"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    KEPT = "kept"


class RunState(StrEnum):
    """How a run stands.

    ``incomplete``: a step failed or is uncertain, or waits to be tried again; ``stopped``: a step failed
    after which the playbook does not go on.
    """

    RUNNING = "running"
    DONE = "done"
    INCOMPLETE = "incomplete"
    STOPPED = "stopped"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step in one direction; ``retry_at``: when to try or look again, None: not by itself."""

    step: str
    direction: Direction
    position: int
    action: str
    reference: str
    intended_at: datetime
    state: StepState = StepState.INTENT
    parameters: Mapping[str, Any] | None = None
    changes: tuple[dict[str, Any], ...] = ()
    outputs: Mapping[str, Any] | None = None
    reason: str | None = None
    tries: int = 0
    retry_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether responder itself has something left to do about it."""
        return self.state is StepState.INTENT or self.retry_at is not None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a playbook; ``rows`` by direction and step."""

    id: int
    case_id: int
    decision_id: int
    playbook: str
    text: str
    facts: Mapping[str, Any]
    state: RunState
    undone_by: str | None
    rows: Mapping[tuple[Direction, str], StepRow]

    @property
    def account(self) -> str:
        """The account that the case is about."""
        return str(self.facts["case"]["account"])

    @property
    def reference(self) -> str:
        """The run's own reference, ``[a-z0-9-]`` only."""
        return f"{self.facts['site']['prefix']}-{self.case_id}-{self.id}".lower()

    def reference_of(self, step: str) -> str:
        """A step's reference, ``[a-z0-9-]`` only."""
        return f"{self.reference}-{step}".replace("_", "-")

    def private(self) -> dict[str, str]:
        """What must not stand in an audit record, with the words that stand there instead."""
        owner = self.facts.get("owner") or {}
        words = {self.account: "(account)", self.account.partition("@")[0]: "(account)"}
        for key, shown in (("name", "(owner)"), ("dn", "(entry)")):
            if owner.get(key):
                words[str(owner[key])] = shown
        if address := owner.get("backup_address"):
            words[str(address)] = mask_address(str(address))
        if mobile := owner.get("mobile"):
            words[str(mobile)] = mask_number(str(mobile))
        return words


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended, and why where it did not simply get done."""

    step: str
    direction: Direction
    action: str
    state: StepState
    reason: str | None
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands after ``advance``.

    ``retry_at``: when to call again; ``paused``: what the kill switch says; ``busy``: somebody works on it.
    """

    run_id: int
    state: RunState
    steps: tuple[StepResult, ...]
    retry_at: datetime | None = None
    paused: str | None = None
    busy: bool = False


def result(row: StepRow) -> StepResult:
    """What a row tells to those outside."""
    return StepResult(row.step, row.direction, row.action, row.state, row.reason, dict(row.outputs or {}))


def progress(run: Run, *, paused: str | None = None, busy: bool = False) -> Progress:
    """How the run stands, the steps of the direction it goes in, in order."""
    direction = Direction.UNDO if run.undone_by else Direction.DO
    rows = sorted(
        (row for row in run.rows.values() if row.direction is direction), key=lambda row: row.position
    )
    again = [row.retry_at for row in rows if row.retry_at is not None]
    return Progress(run.id, run.state, tuple(map(result, rows)), min(again, default=None), paused, busy)
