"""A case, as the judge sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from responder.decisions.decision import Decision, Kind
from responder.detections.hit import Hit


@dataclass(frozen=True, slots=True)
class Case:
    """An open case: its hits so far, one a detection, the time of the last, and what was last proposed."""

    id: int
    account: str
    opened_at: datetime
    last_hit_at: datetime
    hits: tuple[Hit, ...]
    proposed: Kind | None


class Book(Protocol):
    """Where cases are kept: the state database when live, memory in a backtest."""

    def find(self, account: str) -> Case | None: ...

    def open(self, hit: Hit) -> Case: ...

    def add(self, case: Case, hit: Hit) -> Case: ...

    def close(self, case: Case, at: datetime, outcome: str, missing: tuple[str, ...] = ()) -> None: ...

    def contained_since(self, since: datetime) -> int: ...

    def decide(self, case: Case, at: datetime, decision: Decision) -> None: ...
