"""Checks a playbook step by step: actions, parameters, names, messages; finds everything, raises nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from responder.actions import discover
from responder.actions.action import Action
from responder.errors import BadInput, BadInputs, Place
from responder.playbooks import names, template
from responder.playbooks.message import Message, ReadMessage
from responder.playbooks.step import OnFailure, Step, WrittenStep
from responder.site.suggest import did_you_mean
from responder.site.yaml import Document, Path_


class Checker:
    """Goes through the steps in order; ``problems`` and ``messages`` grow as it does."""

    def __init__(
        self, document: Document, actions: Mapping[str, Action[Any]], read_message: ReadMessage, language: str
    ) -> None:
        self.problems: list[BadInput] = []
        self.messages: dict[str, Message] = {}
        self._document = document
        self._actions = actions
        self._read_message = read_message
        self._language = language
        steps = document.data.get("steps") if isinstance(document.data, dict) else None
        self._written: list[Any] = steps if isinstance(steps, list) else []
        self._ids = [str(each["id"]) for each in self._written if isinstance(each, dict) and "id" in each]
        self._earlier: dict[str, Iterable[str] | None] = {}
        self._roots: set[str] = set()

    def steps(self) -> list[Step | None]:
        """Every step in its order; None for one that has the wrong shape."""
        return [self._step(number) for number in range(len(self._written))]

    def _step(self, number: int) -> Step | None:
        here: Path_ = ("steps", number)
        try:
            written = self._document.read(WrittenStep, *here)
        except BadInputs as error:
            self.problems += error.problems
            if (written_anyway := _readable(self._written[number])) is None:
                return None
            written = written_anyway
        if written.id in self._earlier:
            self._wrong(f"step id '{written.id}' is used twice; each step needs its own", *here, "id")
        self._roots = set()
        action = self._action(written.uses, *here, "uses")
        message, parts = self._message(written, action, here)
        if action is not None:
            self._parameters(written, action, message, here)
        waits = self._when(written, here)
        step = Step(
            id=written.id,
            uses=written.uses,
            parameters={
                name: value for name, value in written.with_.items() if not (parts and name == "message")
            },
            when=written.when,
            on_failure=written.on_failure,
            message=message,
            parts=parts,
            roots=frozenset(self._roots),
            waits_for=waits,
        )
        self._earlier[written.id] = action.outputs if action is not None else None
        return step

    def _action(self, uses: str, *path: str | int) -> Action[Any] | type[Action[Any]] | None:
        if uses in self._actions:
            return self._actions[uses]
        shipped = discover()
        if uses in shipped:
            needs = shipped[uses].needs
            self._wrong(f"'{uses}' needs '{needs}:' under 'systems:' in the configuration; add it", *path)
            return shipped[uses]
        known = sorted({*self._actions, *shipped})
        near = did_you_mean(uses, known)
        if "did you mean" not in near and (same := [name for name in known if _verb(name) == _verb(uses)]):
            near = f"; did you mean '{same[0]}'?"
        self._wrong(f"no action '{uses}'{near}", *path)
        return None

    def _parameters(self, written: WrittenStep, action: Any, message: str | None, here: Path_) -> None:
        """Unknown, missing and wrong parameters; one with a template in it is checked when filled in."""
        values = {name: value for name, value in written.with_.items() if not (message and name == "message")}
        for name in action.message_parts if message else ():
            if name in values:
                self._wrong(f"with.{name}: 'message' fills it in; keep one", *here, "with", name)
        filled = values | dict.fromkeys(action.message_parts if message else (), "text")
        for path, value in _texts(values, (*here, "with")):
            self._template(value, self._document.place(*path), ".".join(str(part) for part in path[2:]))
        try:
            action.Parameters.model_validate(filled)
        except ValidationError as error:
            above = (*here, "with") if written.with_ else here
            for each in error.errors():
                if not template.is_template(each["input"]) or each["type"] == "extra_forbidden":
                    self.problems.append(self._document.problem(action.Parameters, above, each))

    def _message(
        self, written: WrittenStep, action: Any, here: Path_
    ) -> tuple[str | None, Mapping[str, str]]:
        """The message that a step names, with its texts checked in every language."""
        name = written.with_.get("message")
        if action is None or not action.message_parts or name is None:
            return None, {}
        path = (*here, "with", "message")
        try:
            message = self._read_message(str(name))
        except BadInput as error:
            self.problems.append(error if error.place else self._document.error(error.message, *path))
            return str(name), action.message_parts
        if self._language not in message:
            self._wrong(f"message '{name}' has no folder '{self._language}', the site's language", *path)
        for language, texts in message.items():
            for file in action.message_parts.values():
                if file not in texts:
                    self._wrong(f"message '{name}' lacks {language}/{file}", *path)
                else:
                    self._template(texts[file], Place(f"messages/{name}/{language}/{file}"), own_lines=True)
        self.messages[str(name)] = message
        return str(name), action.message_parts

    def _when(self, written: WrittenStep, here: Path_) -> frozenset[str]:
        """The steps that ``when`` asks about."""
        if written.when is None:
            return frozenset()
        found = self._template(written.when, self._document.place(*here, "when"), "when", expression=True)
        if found is not None and not found:
            self._wrong("when: uses no name, so it is always the same; leave it out", *here, "when")
        return frozenset(path[1] for path in found or () if path[0] == "steps" and len(path) > 1)

    def _template(
        self, text: str, place: Place, name: str = "", *, expression: bool = False, own_lines: bool = False
    ) -> list[tuple[str, ...]] | None:
        """The names that a text reads, None when it cannot be read; what is wrong goes to ``problems``.

        ``own_lines``: the text is the whole of ``place``'s file, so that its lines are the file's.
        """

        def wrong(message: str, line: int) -> None:
            at = Place(place.file, line) if own_lines else place
            self.problems.append(BadInput(f"{name}: {message}" if name else message, at))

        try:
            found = template.paths(text, expression=expression)
        except BadInput as error:
            wrong(error.message, error.place.line if error.place else 0)
            return None
        allowed = names.known(self._earlier)
        for line, path in found:
            self._roots.add(path[0])
            if problem := names.wrong(path, allowed, self._ids):
                wrong(problem, line)
        return [path for _, path in found]

    def _wrong(self, message: str, *path: str | int) -> None:
        self.problems.append(self._document.error(message, *path))


def _readable(entry: Any) -> WrittenStep | None:
    """What can be read of a step of the wrong shape, so that the rest of it is checked all the same."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("id", "uses")):
        return None
    values, when = entry.get("with"), entry.get("when")
    return WrittenStep.model_construct(
        id=entry["id"],
        uses=entry["uses"],
        with_=values if isinstance(values, dict) else {},
        when=when if isinstance(when, str) else None,
        on_failure=OnFailure.STOP,
    )


def _texts(value: Any, path: Path_) -> list[tuple[Path_, str]]:
    """Every template below a value, with its path."""
    if isinstance(value, dict):
        return [found for key, each in value.items() for found in _texts(each, (*path, key))]
    if isinstance(value, list):
        return [found for key, each in enumerate(value) for found in _texts(each, (*path, key))]
    return [(path, value)] if template.is_template(value) else []


def _verb(name: str) -> str:
    return name.rpartition(".")[2]
