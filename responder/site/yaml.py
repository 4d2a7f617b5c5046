"""YAML files as plain data that remembers where each value stands.

Only mappings, lists and scalars of YAML 1.2's core schema are read; a key given twice, an alias or a tag is
an error, since each has surprised somebody in a policy file.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from responder.errors import BadInput, BadInputs, Place
from responder.site.suggest import did_you_mean

KINDS = frozenset(("map", "seq", "str", "int", "float", "bool", "null", "timestamp"))
"""What YAML takes values for by itself; a time stays the text that it is."""

Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class Written(BaseModel):
    """The base of everything that is read from a file a person wrote: no unknown keys, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its data, and the place of each value by its path of keys and positions."""

    file: Path | str
    text: str
    data: Any
    places: dict[Path_, Place] = field(repr=False)

    def place(self, *path: str | int) -> Place:
        """The place of the value at ``path``, or of the nearest thing above it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file))

    def error(self, message: str, *path: str | int) -> BadInput:
        """A problem with the value at ``path``, with its place."""
        return BadInput(message, self.place(*path))

    def read(self, model: type[Model], *path: str | int) -> Model:
        """The value at ``path`` as ``model``; raises BadInputs with every problem and its place."""
        value = self.data
        for key in path:
            value = value[key]
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise BadInputs([self.problem(model, path, each) for each in error.errors()]) from None

    def problem(self, model: type[BaseModel], above: Path_, each: Any) -> BadInput:
        """One of pydantic's errors about the value at ``above``, with its place."""
        loc = each["loc"]
        path = _known(self.places, above, loc)
        name = ".".join(str(part) for part in (*above, *loc))
        if each["type"] == "extra_forbidden":
            known = _fields(model, loc[:-1])
            return self.error(f"{name}: unknown key{did_you_mean(str(loc[-1]), known)}", *path)
        if each["type"] == "missing":
            return self.error(f"{name}: is missing", *path)
        message = str(each["msg"]).removeprefix("Value error, ")
        hidden = isinstance(each["input"], dict | list) or "secret" in message
        shown = "" if hidden else f", not {each['input']!r}"
        return self.error(f"{name or 'file'}: {message[:1].lower()}{message[1:]}{shown}", *path)


def load(file: Path, text: str | None = None) -> Document:
    """Reads a YAML file; raises BadInput with file:line:column when it cannot be read."""
    if text is None:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"is not UTF-8 (byte {error.start}); save it as UTF-8", Place(file)) from None
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", Place(file)) from error
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise BadInput(f"is not YAML: {error.problem}", place) from None
    except YAMLError as error:
        raise BadInput(f"is not YAML: {error}", Place(file)) from None
    places: dict[Path_, Place] = {}
    data = _plain(yaml, node, file, (), places) if node is not None else {}
    return Document(file, text, data, places)


def _plain(yaml: YAML, node: Node, file: Path, path: Path_, places: dict[Path_, Place]) -> Any:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if getattr(node, "anchor", None):
        raise BadInput("anchors and aliases are not read; write the value out", place)
    places[path] = place
    kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if kind not in KINDS:
        raise BadInput("tags are not read; write the plain value", place)
    if isinstance(node, MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = Place(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                raise BadInput("a key must be a word", at)
            key = str(key_node.value)
            if key in result:
                raise BadInput(f"key '{key}' is given twice; keep one", at)
            result[key] = _plain(yaml, value_node, file, (*path, key), places)
            places[(*path, key)] = at
        return result
    if isinstance(node, SequenceNode):
        return [_plain(yaml, each, file, (*path, n), places) for n, each in enumerate(node.value)]
    if kind == "timestamp":
        return str(node.value)
    try:
        return yaml.constructor.construct_object(node)
    except (YAMLError, ValueError, KeyError, OverflowError):
        raise BadInput(f"is no {kind}", place) from None


def _known(places: dict[Path_, Place], above: Path_, loc: Path_) -> Path_:
    """The longest path below ``above`` that stands in the file, leaving out the names of union branches."""
    path = above
    for part in loc:
        if (*path, part) in places:
            path = (*path, part)
    return path


def _fields(model: Any, loc: Path_) -> list[str]:
    """The keys that are known at ``loc`` in ``model``; of a union, those of each kind."""
    models = _models(model)
    for part in loc:
        if isinstance(part, str):  # a field, or a key of a mapping of models
            infos = [
                info
                for each in models
                for name, info in each.model_fields.items()
                if part in (name, info.alias)
            ]
            models = [found for info in infos for found in _models(info.annotation)] or models
    return list(
        dict.fromkeys(info.alias or name for each in models for name, info in each.model_fields.items())
    )


def _models(kind: Any) -> list[type[BaseModel]]:
    """The models that values of a type may be, or hold."""
    if hasattr(kind, "model_fields"):
        return [kind]
    return [model for each in typing.get_args(kind) for model in _models(each)]
