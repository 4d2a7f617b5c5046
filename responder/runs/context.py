"""What a step's text is filled in with, and the filling in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from responder.actions.action import Action
from responder.errors import BadInput, BadInputs, ResponderError, SystemUnreachable
from responder.playbooks import template
from responder.playbooks.message import pick
from responder.playbooks.names import CASE, OWNER, SITE
from responder.playbooks.playbook import Playbook
from responder.playbooks.step import Step
from responder.runs.run import Direction, Run
from responder.site.yaml import Document, Written

_NEVER_RUN: dict[str, Any] = {"state": None, "reason": None, "outputs": {}}


def names(run: Run, playbook: Playbook, now: datetime) -> dict[str, Any]:
    """The names that templates can read, as plain data; an owner who is not known is not among them."""
    facts = run.facts
    steps = {step.id: dict(_NEVER_RUN) for step in playbook.steps}
    for (direction, step), row in run.rows.items():
        if direction is Direction.DO:
            steps[step] = {"state": str(row.state), "reason": row.reason, "outputs": dict(row.outputs or {})}
    found: dict[str, Any] = {
        "case": {name: facts["case"].get(name) for name in CASE},
        "site": {name: facts["site"][name] for name in SITE},
        "run": {"id": run.id, "reference": run.reference},
        "steps": steps,
        "now": f"{now:%Y-%m-%d %H:%M} UTC",
    }
    if facts.get("owner"):
        found["owner"] = {name: facts["owner"].get(name) for name in OWNER}
    return found


def check_owner(run: Run, step: Step) -> None:
    """Raises what kept the owner from being known when the step needs the owner."""
    if "owner" in step.roots and not run.facts.get("owner"):
        missing = run.facts.get("owner_missing") or {"reason": "not looked up yet", "again": True}
        if missing["again"]:
            reason = str(missing["reason"]).removeprefix("directory: ")
            raise SystemUnreachable("directory", f"the owner is not known: {reason}")
        raise ResponderError(f"the owner is not known: {missing['reason']}")


def filled(
    step: Step, action: Action[Any], playbook: Playbook, known: Mapping[str, Any], language: str
) -> Written:
    """The step's parameters with every template filled in; raises BadInput when they do not fit."""
    values = {name: _fill(value, known, name) for name, value in step.parameters.items()}
    if step.message is not None:
        wanted = known.get("owner", {}).get("language") or language
        texts = pick(dict(playbook.messages[step.message]), wanted, language)
        for name, file in step.parts.items():
            values[name] = _fill(texts[file], known, file, always=True)
    return _validated(action, values)


def _validated(action: Action[Any], values: dict[str, Any]) -> Written:
    try:
        return Document("parameters", "", values, {}).read(action.Parameters)
    except BadInputs as error:  # the values may be private: only what is wrong with them is told
        raise BadInput("; ".join(_without_value(each.message) for each in error.problems)) from None


def _without_value(message: str) -> str:
    return message.partition(", not ")[0]


def _fill(value: Any, known: Mapping[str, Any], name: str, *, always: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _fill(each, known, name) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, known, name) for each in value]
    if not always and not template.is_template(value):
        return value
    try:
        return template.render(value, known)
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}") from None
