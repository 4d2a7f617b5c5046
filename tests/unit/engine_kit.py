"""A small world for tests of runs: a clock set by hand, a fake system, an engine on a fresh database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine as State
from sqlalchemy import insert

from responder.actions.action import Action, Change, Done, Look, Outputs, Plan, Seen, Undo
from responder.audit.trail import Trail
from responder.errors import BadInput, ChangedMeanwhile, OutcomeUnknown, SystemRefused, SystemUnreachable
from responder.playbooks.playbook import Playbook, parse
from responder.runs.engine import Engine
from responder.runs.switch import Switch
from responder.site.yaml import Written, load
from responder.state.database import open_state
from responder.state.tables import cases, decisions
from responder.systems.directory import Owner
from responder.systems.facts import SiteFacts

SITE = SiteFacts("Example University", "example.org", "+33 6 39 98 00 99", "en", "uni")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies here."""


class SetClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class World:
    """What the fake system holds; ``plan`` of trouble: how the next writes go wrong, in order."""

    effects: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    blind: bool = False  # looks cannot tell
    down: bool = False  # looks and plans find nobody there
    changed: bool = False  # somebody else has changed what was done

    def write(self, effect: str, reference: str, text: str = "") -> None:
        kind = self.trouble.pop(0) if self.trouble else ""
        if kind == "unreachable":
            raise SystemUnreachable("fake", "not there")
        if kind == "refused":
            raise SystemRefused("fake", "no")
        if kind == "changed":
            raise ChangedMeanwhile("fake: not as planned")
        if kind == "lost before":
            raise OutcomeUnknown("fake", "no answer")
        if kind == "crash before":
            raise Crash
        self.effects.append(effect)
        self.texts[reference] = text
        if kind == "lost after":
            raise OutcomeUnknown("fake", "no answer")
        if kind == "bug after":
            raise TypeError("a bug")
        if kind == "crash after":
            raise Crash


class NoteParameters(Written):
    text: str = "x"
    number: int = 0


class Note(Action[NoteParameters]):
    """Writes a note, once for each reference."""

    name: ClassVar[str] = "test.note"
    needs: ClassVar[str] = "fake"
    Parameters: ClassVar[type[Written]] = NoteParameters
    outputs: ClassVar[frozenset[str]] = frozenset({"note"})
    reversible: ClassVar[bool] = True

    def __init__(self, system: World) -> None:
        self.world = system

    def plan(self, parameters: NoteParameters) -> Plan:
        if self.world.down:
            raise SystemUnreachable("fake", "not there")
        if parameters.text == "nothing":
            return Plan((), "there is nothing to do")
        return Plan((Change("fake", "page", "note", None, parameters.text),))

    def apply(self, parameters: NoteParameters, plan: Plan, reference: str) -> Outputs:
        self.world.write(f"do {reference}", reference, parameters.text)
        return {"note": reference}

    def look(self, parameters: NoteParameters, plan: Plan, reference: str) -> Look:
        if self.world.down:
            raise SystemUnreachable("fake", "not there")
        if self.world.blind:
            return Look(Seen.UNKNOWN, detail="the fake tells nothing")
        there = f"do {reference}" in self.world.effects
        return Look(Seen.DONE, {"note": reference}) if there else Look(Seen.NOT_DONE)

    def undo(self, done: Done[NoteParameters]) -> Undo | None:
        if done.parameters.text == "for good":
            return None
        return Undo(Erase(self.world), EraseParameters(reference=done.reference))


class SlowNote(Note):
    """As a note, but what was sent may turn up half a minute late."""

    name: ClassVar[str] = "test.slow_note"
    settles: ClassVar[timedelta] = timedelta(seconds=30)


class EraseParameters(Written):
    reference: str


class Erase(Action[EraseParameters]):
    """Takes a note away."""

    name: ClassVar[str] = "test.erase"
    needs: ClassVar[str] = "fake"
    Parameters: ClassVar[type[Written]] = EraseParameters

    def __init__(self, system: World) -> None:
        self.world = system

    def plan(self, parameters: EraseParameters) -> Plan:
        if self.world.changed:
            raise ChangedMeanwhile("fake: the note was rewritten; it is left as it is")
        if self._gone(parameters):
            return Plan((), "somebody erased it already")
        return Plan((Change("fake", "page", "note", "note", None),))

    def apply(self, parameters: EraseParameters, plan: Plan, reference: str) -> Outputs:
        self.world.write(f"undo {parameters.reference}", reference)
        return {}

    def look(self, parameters: EraseParameters, plan: Plan, reference: str) -> Look:
        if self.world.blind:
            return Look(Seen.UNKNOWN)
        return Look(Seen.DONE if self._gone(parameters) else Seen.NOT_DONE)

    def _gone(self, parameters: EraseParameters) -> bool:
        return f"undo {parameters.reference}" in self.world.effects


class People:
    """A directory that knows one owner, or fails in the way that it is told."""

    name = "directory"

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.asked = 0
        self.person = Owner(
            "jroe", "uid=jroe,dc=example,dc=org", "e-1", "Jo Roe", "jo@example.net", "+33639980001", "fr"
        )

    def owner(self, account: str) -> Owner:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.person


class Kit:
    """An engine and everything around it; ``restart`` gives a new engine on the same database."""

    def __init__(self, path: Path | None = None) -> None:
        self.clock = SetClock()
        self.world = World()
        self.people = People()
        self.state: State = open_state(path)
        self.trail = Trail(self.clock, b"key")
        self.switch = Switch(self.state, self.trail, self.clock)
        self.actions: dict[str, Action[Any]] = {
            each.name: each for each in (Note(self.world), SlowNote(self.world))
        }
        self.engine = self.restart()

    def restart(self, patience: float = 0.0) -> Engine:
        self.engine = Engine(
            self.state,
            self.actions,
            self.people,  # type: ignore[arg-type]  # only what the engine asks of it
            self.trail,
            self.clock,
            self.switch,
            SITE,
            tries=3,
            pause=timedelta(minutes=1),
            patience=patience,
        )
        return self.engine

    def playbook(self, text: str, messages: Mapping[str, Any] | None = None) -> Playbook:
        return parse(load(Path("p.yaml"), text), self.actions, _reader(messages or {}), "en")

    def start(self, text: str, messages: Mapping[str, Any] | None = None, **case: Any) -> int:
        playbook = self.playbook(text, messages)
        with self.state.begin() as connection:
            opened = connection.execute(
                insert(cases).values(account=f"jroe{self.clock.now()}", opened_at=NOON, last_hit_at=NOON)
            )
            case_id = int(opened.inserted_primary_key[0])  # type: ignore[index]  # never None for an insert
            decided = connection.execute(
                insert(decisions).values(
                    case_id=case_id,
                    at=NOON,
                    kind="contain",
                    proposed="contain",
                    reasons=[],
                    policy="",
                    state="acted",
                    decided_by="policy",
                )
            )
            facts = {"account": "jroe", "summary": "300 mails", "families": ["volume"], **case}
            return self.engine.start(
                connection,
                case_id=case_id,
                decision_id=int(decided.inserted_primary_key[0]),  # type: ignore[index]  # as above
                playbook=playbook,
                facts={"case": facts},
            )

    def audit(self, tag: str = "") -> list[Any]:
        with self.state.begin() as connection:
            return [each for each in self.trail.read(connection) if each.tag.startswith(tag)]

    def tags(self) -> list[str]:
        return [each.tag for each in self.audit()]


def _reader(messages: Mapping[str, Any]) -> Any:
    def read(name: str) -> Any:
        if name not in messages:
            raise BadInput(f"there is no message '{name}'")
        return messages[name]

    return read


def steps(*entries: str) -> str:
    """A playbook of these steps, each in YAML's flow form."""
    return "playbook: p\ndescription: d\nsteps:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)
