"""Writes docs/reference from the code; a test finds a page that is out of date.

``python docs/generate.py`` (or ``make docs``) writes the pages, each a pure function of the classes.
"""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from enum import EnumType
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from responder.actions import discover as actions
from responder.cli.app import app
from responder.decisions.policy import PolicyFile
from responder.detections.detection import Detection, load_detections
from responder.formats import formats
from responder.formats.mapped.mapping import Mapping, Paths, When
from responder.measures import measures
from responder.playbooks import names, template
from responder.playbooks.playbook import Head
from responder.playbooks.step import WrittenStep
from responder.site.config import ConfigFile
from responder.site.secret import Secret
from responder.site.shipped import shipped
from responder.systems import discover as adapters

REFERENCE = Path(__file__).resolve().parent / "reference"
HEAD = "<!-- Generated from the code by docs/generate.py; change the code, then run `make docs`. -->\n\n"

WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    Any: "any value",
    typing.get_args(Paths)[0]: "path of keys, or a list of them that are tried in turn",
    typing.get_args(When)[0]: "mapping of paths of keys, each to a value or a list of values",
}
LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
LENGTHS = {"min_length": "at least {} long", "max_length": "at most {} long"}
OWN_WORDS: dict[tuple[type[BaseModel], str], str] = {
    (Detection, "window"): "length of time such as 10m, 1h, 1d; from 1m to 7d"
}
"""Types that a validator reads in a form of its own."""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "measures.md": measures_page(),
        "detections.md": detections_page(),
        "actions.md": actions_page(),
        "systems.md": systems_page(),
        "configuration.md": configuration_page(),
        "commands.md": commands_page(),
    }


def measures_page() -> str:
    """What a detection can ask for."""
    rows = [
        (f"`{each.name}`", each.unit, each.about, f"{each.counts}" if each.counts else "")
        for each in sorted(measures().values(), key=lambda measure: measure.name)
    ]
    return _page(
        "Measures",
        "A measure is a number about one account in a sliding window. A detection's `when:` names them.",
        _table(("measure", "unit", "what it is", "bounded by the number of"), rows),
        "Each is a file of `responder/measures/` that has a `MEASURE`; a new file is a new measure. The last "
        "column tells by which events a backtest screens accounts: one with fewer of them than a rule asks "
        "for is not looked at closely.",
    )


def detections_page() -> str:
    """The shipped rules, and the keys of a rule."""
    rules = sorted(load_detections([shipped("detections")]).rules, key=lambda rule: rule.name)
    rows = [
        (
            f"`{rule.name}`",
            rule.title,
            str(rule.family),
            str(rule.severity),
            _duration(rule.window),
            "<br>".join(_condition(name, bounds) for name, bounds in rule.when.items()),
            "confirms" if rule.confirms else "opens a case",
            rule.because,
        )
        for rule in rules
    ]
    columns = ("detection", "title", "family", "severity", "window", "when, all of", "role", "because")
    return _page(
        "Detections",
        "These come with responder; one of your own with the same name replaces it.",
        _table(columns, rows),
        "## Keys of a detection",
        _keys(Detection, []),
    )


def actions_page() -> str:
    """What a playbook's step can name."""
    parts = [
        "What a step can do (`uses:`), with its parameters (`with:`). An action is there when the system "
        "that it needs is configured."
    ]
    for name, action in actions().items():
        facts = [
            ("needs", f"`systems: {action.needs}:`"),
            ("can be taken back", "yes" if action.reversible else "no"),
            ("outputs", ", ".join(f"`{each}`" for each in sorted({*action.outputs, "verified"}))),
        ]
        if action.message_parts:
            filled = ", ".join(f"`{key}` from `{file}`" for key, file in action.message_parts.items())
            facts.append(("`message: <folder>` fills in", filled))
        parts += [
            f"## {name}",
            _lead(action),
            _doc(action),
        ]
        parts += [_table(("", ""), facts), _doc(action.Parameters), _table(KEYS, _rows(action.Parameters))]
    roots = {"case": names.CASE, "owner": names.OWNER, "site": names.SITE, "run": names.RUN}
    known = [
        (f"`{root}`", ", ".join(f"`{root}.{leaf}`" for leaf in leaves)) for root, leaves in roots.items()
    ]
    known += [
        ("`steps`", "`steps.<id>.state`, `steps.<id>.reason`, `steps.<id>.outputs`"),
        ("`now`", "`now`"),
    ]
    parts += [
        "## What templates can read",
        _table(("group", "names"), known),
        "Filters: " + ", ".join(f"`{each}`" for each in template._FILTERS) + ". "
        "There is no access to Python objects, no call, no import, no arithmetic.",
    ]
    return _page("Actions", *parts)


def systems_page() -> str:
    """The adapters and their settings."""
    parts = [
        "What can stand under `systems:` in `responder.yaml`. Each entry is a port, `kind` names the adapter "
        "that fills it."
    ]
    for kind, adapter in sorted(adapters().items(), key=lambda item: (item[1].port, item[0])):
        parts += [f"## {adapter.port}: {kind}", _doc(importlib.import_module(adapter.__module__))]
        parts += [_doc(adapter.Settings), _table(KEYS, _rows(adapter.Settings))]
    return _page("Systems", *parts)


def configuration_page() -> str:
    """responder.yaml, the policy and the shape of a playbook, key by key, and the shipped files."""
    known = ", ".join(f"`{name}` ({each.title})" for name, each in sorted(formats().items()))
    return _page(
        "Configuration",
        "`responder init` writes `responder.yaml`, `policy.yaml` and `site.key`; `responder check` says "
        "everything that is wrong with them at once. Unknown keys, keys given twice, anchors and tags are "
        "errors. Paths count from the folder of `responder.yaml`.",
        "## responder.yaml",
        _keys(ConfigFile, []),
        f"Log formats: {known}; `mapped:FILE`, alone or as the last of several, is a mapping for JSON lines.",
        "As it is shipped:",
        _file("responder.yaml"),
        "## policy.yaml",
        _keys(PolicyFile, []),
        "As it is shipped (`responder init` sets `mode: ask`):",
        _file("policy.yaml"),
        "## Playbooks",
        _keys(Head, []),
        "Each of `steps`:",
        _keys(WrittenStep, []),
        "## Mappings of JSON lines",
        _keys(Mapping, []),
    )


def commands_page() -> str:
    """Every command with its arguments and options."""
    group = typer.main.get_command(app)
    parts = [
        "Before any command:",
        _table(("option", "what it is"), [_option(each) for each in group.params]),
        "Exit codes: 0 done; 1 something is wrong, and is said; 2 wrong use; 70 a fault in responder.",
    ]
    for name, command in sorted(group.commands.items()):  # type: ignore[attr-defined]
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option"]
        usage = " ".join(["responder", name, *("[options]" if options else "",), *map(_shown, arguments)])
        rows = [(f"`{_shown(each)}`", each.help or "") for each in arguments] + [
            _option(each) for each in options
        ]
        parts += [f"## responder {name}", f"`{' '.join(usage.split())}`", str(command.help)]
        if rows:
            parts.append(_table(("", "what it is"), rows))
    return _page("Commands", *parts)


KEYS = ("key", "type", "default", "")


def _keys(model: type[BaseModel], seen: list[type[BaseModel]], path: str = "") -> str:
    """The keys of a model, and then those of each model that they hold."""
    seen.append(model)
    title = [f"### {path}"] if path else []
    parts = [*title, _doc(model), _table(KEYS, _rows(model))]
    for name, field in model.model_fields.items():
        below = f"{path}.{field.alias or name}" if path else field.alias or name
        parts += [_keys(each, seen, below) for each in _models(field.annotation) if each not in seen]
    return "\n\n".join(parts)


def _rows(model: type[BaseModel]) -> list[tuple[str, ...]]:
    return [
        (
            f"`{field.alias or name}`",
            OWN_WORDS.get((model, name)) or _type(field.annotation),
            _default(field),
            _limits(field),
        )
        for name, field in model.model_fields.items()
    ]


def _type(kind: Any) -> str:
    """A type in words."""
    if kind is Secret:
        return "secret: `{env: NAME}` or `{file: PATH}`"
    if kind in WORDS:
        return WORDS[kind]
    if isinstance(kind, EnumType):
        return "one of " + ", ".join(f"`{each.value}`" for each in kind)  # type: ignore[var-annotated]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in inner)
    if origin in (list, tuple):
        return f"list of: {_type(inner[0])}"
    if origin is dict:
        return f"mapping, each: {_type(inner[1])}"
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(each) for each in inner if each is not type(None)))
    return (
        "mapping"
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        else getattr(kind, "__name__", str(kind))
    )


def _models(kind: Any) -> Iterable[type[BaseModel]]:
    """The models inside a type, secrets left out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [] if kind is Secret else [kind]
    return [model for each in typing.get_args(kind) for model in _models(each)]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ([], {}, ()):
        return "none"
    if isinstance(value, BaseModel):
        return "as below"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {each}'.lower() for key, each in value.items())}}}`"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _limits(field: FieldInfo) -> str:
    found = []
    for each in field.metadata:
        found += [f"{words} {getattr(each, key)}" for key, words in LIMITS.items() if hasattr(each, key)]
        found += [
            words.format(getattr(each, key)) for key, words in LENGTHS.items() if getattr(each, key, None)
        ]
        if pattern := getattr(each, "pattern", None):
            found.append(f"`{pattern}`")
    return "; ".join(found)


def _condition(name: str, bounds: Any) -> str:
    given = [("at least", bounds.at_least), ("at most", bounds.at_most)]
    return f"`{name}` " + ", ".join(f"{words} {value:g}" for words, value in given if value is not None)


def _duration(seconds: int) -> str:
    return next(
        f"{seconds // size}{unit}"
        for unit, size in (("d", 86400), ("h", 3600), ("m", 60))
        if not seconds % size
    )


def _shown(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    word += "..." if argument.nargs == -1 else ""
    return str(word if argument.required else f"[{word}]")


def _option(option: Any) -> tuple[str, str]:
    flags = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
    default = option.default
    shown = (
        f" Default: `{default}`."
        if isinstance(default, str | int) and default not in ("", False, True)
        else ""
    )
    needed = " Must be given." if option.required else ""
    variable = f" Environment: `{option.envvar}`." if option.envvar else ""
    return flags, f"{option.help or 'Print the version.'}{needed}{shown}{variable}"


def _doc(thing: Any) -> str:
    return " ".join(inspect.cleandoc(thing.__doc__ or "").replace("``", "`").split("\n")).replace(
        "  ", "\n\n"
    )


def _lead(action: Any) -> str:
    """The first line of an action's file, from the verb on."""
    words = _doc(importlib.import_module(action.__module__)).partition(": ")[2]
    return words[:1].upper() + words[1:]


def _file(name: str) -> str:
    return f"```yaml\n{shipped(name).read_text(encoding='utf-8').rstrip()}\n```"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _page(title: str, *parts: str) -> str:
    return HEAD + "\n\n".join((f"# {title}", *(part for part in parts if part))) + "\n"


def main(say: Callable[[str], object] = print) -> None:
    """Writes every page that changed."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        file = REFERENCE / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            say(f"{file.name} written")


if __name__ == "__main__":
    main()
