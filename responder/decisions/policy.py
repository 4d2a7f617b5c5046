"""The policy: a YAML file that says what may be done to whom, and how often."""

from __future__ import annotations

import fnmatch
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from responder.confirmation.evidence import Confirmation
from responder.decisions.decision import Decision, Kind
from responder.detections.detection import Family, Severity
from responder.site.yaml import Document, Written, load


class Mode(StrEnum):
    """Whether decisions are carried out."""

    ACT = "act"
    ASK = "ask"
    WATCH = "watch"


class Rule(Written):
    """The decision for a case whose evidence is at least this."""

    decision: Kind
    families: int = Field(ge=1, le=len(Family))
    including: list[Family] = []
    severity: Severity = Severity.LOW

    def holds(self, confirmation: Confirmation) -> bool:
        """Whether the evidence is at least what the rule asks for."""
        families = confirmation.families
        return (
            len(families) >= self.families
            and set(self.including) <= set(families)
            and confirmation.severe(self.severity)
        )


class Protected(Written):
    """Accounts that are never touched without a person; ``*`` and ``?`` stand for any characters, any one."""

    accounts: list[str] = []


class Limits(Written):
    """How much may be done without a person."""

    containments_an_hour: int = Field(ge=0, le=10_000)


class Playbooks(Written):
    """The playbook of each decision; a decision without one goes to the queue."""

    contain: str
    hold: str | None = None


class PolicyFile(Written):
    """The keys of policy.yaml."""

    policy: str
    mode: Mode = Mode.ASK
    rules: list[Rule] = Field(min_length=1)
    protected: Protected = Protected()
    limits: Limits
    playbooks: Playbooks
    quiet_hours_to_close: int = Field(default=24, ge=1, le=24 * 28)


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy: its keys, where each stands, and the hash of its text."""

    keys: PolicyFile
    document: Document
    hash: str

    def decide(self, account: str, confirmation: Confirmation, contained_last_hour: int) -> Decision:
        """What to do about ``account``; purely from what is handed in."""
        proposed, reasons = self._proposed(confirmation)
        kind = proposed
        if kind is Kind.OBSERVE:
            return Decision(kind, proposed, tuple(reasons))
        if self.keys.mode is Mode.WATCH:
            reasons.append(f"{self._at('mode')}: mode is watch, nothing is carried out")
            return Decision(Kind.OBSERVE, proposed, tuple(reasons))
        for pattern in self.keys.protected.accounts:
            if fnmatch.fnmatchcase(account, pattern.lower()):
                reasons.append(
                    f"{self._at('protected')}: {account} is protected ({pattern}), a person decides"
                )
                kind = Kind.QUEUE
        if kind in (Kind.HOLD, Kind.CONTAIN):
            kind = self._restrained(kind, contained_last_hour, reasons)
        return Decision(kind, proposed, tuple(reasons))

    def _proposed(self, confirmation: Confirmation) -> tuple[Kind, list[str]]:
        families = ", ".join(confirmation.families) or "none"
        for position, rule in enumerate(self.keys.rules):
            if rule.holds(confirmation):
                return rule.decision, [f"{self._at('rules', position)}: evidence of {families}"]
        return Kind.OBSERVE, [f"{self._at('rules')}: no rule for evidence of {families}"]

    def _restrained(self, kind: Kind, contained_last_hour: int, reasons: list[str]) -> Kind:
        """The decision, or the queue where mode, limits or the lack of a playbook ask for a person."""
        if self.keys.mode is Mode.ASK:
            reasons.append(f"{self._at('mode')}: mode is ask, a person decides")
            return Kind.QUEUE
        if self.playbook(kind) is None:
            reasons.append(f"{self._at('playbooks')}: no playbook for {kind}, a person decides")
            return Kind.QUEUE
        most = self.keys.limits.containments_an_hour
        if contained_last_hour >= most:
            reasons.append(
                f"{self._at('limits', 'containments_an_hour')}: {contained_last_hour} in the last hour, "
                f"no more than {most} without a person"
            )
            return Kind.QUEUE
        return kind

    @property
    def quiet(self) -> timedelta:
        """How long after its last new evidence a case stays open."""
        return timedelta(hours=self.keys.quiet_hours_to_close)

    def playbook(self, kind: Kind) -> str | None:
        """The name of the playbook of a decision."""
        return {Kind.CONTAIN: self.keys.playbooks.contain, Kind.HOLD: self.keys.playbooks.hold}.get(kind)

    def _at(self, *path: str | int) -> str:
        place = self.document.place(*path)
        return f"{Path(place.file).name}:{place.line}"


def load_policy(file: Path) -> Policy:
    """Reads a policy; raises BadInputs with all problems."""
    document = load(file)
    return Policy(document.read(PolicyFile), document, hashlib.sha256(document.text.encode()).hexdigest())
