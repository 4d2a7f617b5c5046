"""What an action is: it looks and plans, makes its changes, and can tell afterwards whether they are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from responder.site.yaml import Written

P = TypeVar("P", bound=Written)
Outputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Before and after of one thing in one system, as plain JSON values.

    It goes to the audit trail, so ``target`` and the values name no person: an entry's id, a masked address.
    """

    system: str
    target: str
    what: str
    before: Any
    after: Any

    def as_json(self) -> dict[str, Any]:
        """The change as the journal keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that would be made; none means that there is nothing to do, and ``note`` says why."""

    changes: tuple[Change, ...]
    note: str = ""

    @classmethod
    def from_json(cls, changes: list[dict[str, Any]]) -> Plan:
        """The plan of changes that the journal kept."""
        return cls(tuple(Change(**each) for each in changes))


class Seen(StrEnum):
    """What a look at the system tells about an act; GIVEN_UP: it was taken and will never have its effect."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Look:
    """The answer to "is it done?", with what was read and a word about it."""

    seen: Seen
    outputs: Outputs = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Done(Generic[P]):
    """A step that was done, as its undoing needs it."""

    parameters: P
    plan: Plan
    outputs: Outputs
    reference: str
    actor: str  # who asked for the undoing


@dataclass(frozen=True, slots=True)
class Undo:
    """The action, with its parameters, that takes a step back."""

    action: Action[Any]
    parameters: Written


class Action(ABC, Generic[P]):
    """One thing that a step can do in one system; made with the adapter of the port that it ``needs``.

    ``plan`` and ``look`` only read. Each method raises the errors of the system that it talks to:
    SystemUnreachable (nothing was done), SystemRefused, OutcomeUnknown, AccountNotFound, AccountAmbiguous,
    ChangedMeanwhile.
    """

    name: ClassVar[str] = ""
    needs: ClassVar[str] = ""
    Parameters: ClassVar[type[Written]]
    outputs: ClassVar[frozenset[str]] = frozenset()
    """What later steps may ask for in ``steps.<id>.outputs``, besides ``verified``."""
    message_parts: ClassVar[Mapping[str, str]] = {}
    """Parameters that ``message: <folder>`` fills in, and from which file of the folder."""
    reversible: ClassVar[bool] = False
    in_playbooks: ClassVar[bool] = False
    settles: ClassVar[timedelta] = timedelta()
    """How long after an act whose answer was lost a look may still miss what it did."""

    @abstractmethod
    def __init__(self, system: Any) -> None: ...

    @abstractmethod
    def plan(self, parameters: P) -> Plan:
        """What would be changed; writes nothing."""

    @abstractmethod
    def apply(self, parameters: P, plan: Plan, reference: str) -> Outputs:
        """Makes the changes of ``plan`` and returns what the system answered."""

    @abstractmethod
    def look(self, parameters: P, plan: Plan, reference: str) -> Look:
        """Whether the changes are made: the read-back, and the first question after a crash."""

    def undo(self, done: Done[P]) -> Undo | None:
        """What takes a done step back; None when nothing can."""
        return None
