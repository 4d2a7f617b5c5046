"""Cases in memory, for a backtest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from responder.cases.case import Case
from responder.decisions.decision import Decision, Kind
from responder.detections.hit import Hit


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision that would have been made: about whom, when, on which hits."""

    account: str
    at: datetime
    decision: Decision
    hits: tuple[Hit, ...]


@dataclass(slots=True)
class MemoryBook:
    """A book that is forgotten afterwards; ``verdicts`` holds what was decided, in order."""

    verdicts: list[Verdict] = field(default_factory=list)
    _open: dict[str, Case] = field(default_factory=dict)
    _count: int = 0

    def find(self, account: str) -> Case | None:
        """The open case of an account, or None."""
        return self._open.get(account)

    def open(self, hit: Hit) -> Case:
        """Opens a case with its first hit."""
        self._count += 1
        case = Case(self._count, hit.account, hit.at, hit.at, (hit,), None)
        self._open[hit.account] = case
        return case

    def add(self, case: Case, hit: Hit) -> Case:
        """Adds a hit."""
        return self._keep(replace(case, hits=(*case.hits, hit), last_hit_at=max(case.last_hit_at, hit.at)))

    def close(self, case: Case, at: datetime, outcome: str, missing: tuple[str, ...] = ()) -> None:
        """Closes a case."""
        del self._open[case.account]

    def contained_since(self, since: datetime) -> int:
        """How many accounts would have been contained since then."""
        return sum(v.decision.kind is Kind.CONTAIN and v.at > since for v in self.verdicts)

    def decide(self, case: Case, at: datetime, decision: Decision) -> None:
        """Keeps a verdict."""
        self._keep(replace(case, proposed=decision.proposed))
        self.verdicts.append(Verdict(case.account, at, decision, case.hits))

    def _keep(self, case: Case) -> Case:
        self._open[case.account] = case
        return case
