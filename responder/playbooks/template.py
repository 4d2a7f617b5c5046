"""The text of a playbook: Jinja2 with almost nothing in it.

Only the playbook's own text is ever compiled. What is put into it (an account, a name, a log line) is data
and comes out as it went in, whatever it holds. A template can read the names that it is given, by key, and
nothing else: no attribute of a Python object, no call, no import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from responder.errors import BadInput, Place

_FILTERS = (
    "default",
    "first",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "sort",
    "trim",
    "upper",
    "unique",
)
_TESTS = ("defined", "none", "in", "==", "!=", "eq", "ne")
_LOOP = ("index", "first", "last")
_NODES = (
    *(
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Name,
        nodes.Const,
        nodes.Getattr,
        nodes.Getitem,
    ),
    *(nodes.If, nodes.CondExpr, nodes.For, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.List, nodes.Tuple, nodes.Keyword),
)


class _Missing(StrictUndefined):
    """A name without a value is an error wherever it is used."""

    @property
    def _undefined_message(self) -> str:
        return f"there is no {self._undefined_name}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Reads mappings by key and sequences by position; the rest of Python is not there."""

    intercepted_binops = frozenset()

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj[argument]  # raises, and says which name has no value
        if isinstance(obj, dict) and argument in obj:
            return obj[argument]
        if isinstance(obj, list | tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        return False


def _finalize(value: Any) -> Any:
    """What is written for a value: a list with commas; nothing that would be a surprise to read."""
    if value is None:
        raise BadInput("a value is empty")
    if isinstance(value, list | tuple):
        return ", ".join(str(_finalize(each)) for each in value)
    if not isinstance(value, str | int | float | Undefined):
        raise BadInput("a whole group of names was written; name one of them")
    return value


def _environment() -> _Sandbox:
    sandbox = _Sandbox(undefined=_Missing, autoescape=False, finalize=_finalize, keep_trailing_newline=False)
    sandbox.trim_blocks = sandbox.lstrip_blocks = True
    sandbox.globals.clear()
    sandbox.filters = {name: sandbox.filters[name] for name in _FILTERS}
    sandbox.tests = {name: sandbox.tests[name] for name in _TESTS}
    return sandbox


_SANDBOX = _environment()


def is_template(value: Any) -> bool:
    """Whether a value holds anything to fill in."""
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))


def render(text: str, names: Mapping[str, Any]) -> str:
    """The text with its names filled in; raises BadInput when one has no value."""
    return str(_attempt(lambda: _SANDBOX.from_string(text).render(names)))


def holds(expression: str, names: Mapping[str, Any]) -> bool:
    """Whether a ``when:`` holds; raises BadInput when one of its names has no value."""

    def evaluate() -> bool:
        return bool(_SANDBOX.compile_expression(expression, undefined_to_none=False)(**names))

    return bool(_attempt(evaluate))


def paths(text: str, *, expression: bool = False) -> list[tuple[int, tuple[str, ...]]]:
    """The names that a template or a ``when:`` reads, each with its line, as ``("owner", "name")``.

    Raises BadInput, its place's line that of the text, for what cannot be read or is not possible here.
    """
    try:
        tree = _expression(text) if expression else _SANDBOX.parse(text)
        if not expression:
            _SANDBOX.compile(text)
    except TemplateSyntaxError as error:
        raise _at(error.lineno, f"cannot be read: {error.message}") from None
    for node in _walk(tree):
        if not isinstance(node, _NODES):
            raise _at(node.lineno, f"{type(node).__name__.lower()} is not possible in a playbook")
    local = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    local |= {"loop"} if tree.find(nodes.For) else set()
    return [(line, path) for line, path in _read(tree) if path[0] not in local]


def _expression(text: str) -> nodes.Node:
    _SANDBOX.compile_expression(text)
    return Parser(_SANDBOX, text, state="variable").parse_expression()


def _at(line: int, message: str) -> BadInput:
    return BadInput(message, Place("", line))


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _read(node: nodes.Node) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The longest chains of names below a node."""
    if (path := _chain(node)) is not None:
        yield node.lineno, path
        return
    for child in node.iter_child_nodes():
        yield from _read(child)


def _chain(node: nodes.Node) -> tuple[str, ...] | None:
    if isinstance(node, nodes.Name):
        return (node.name,) if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr) and (above := _chain(node.node)) is not None:
        return (*above, node.attr)
    if isinstance(node, nodes.Getitem) and (above := _chain(node.node)) is not None:
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return (*above, key) if isinstance(key, str) else None
    return None


def _attempt(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TemplateError as error:
        raise BadInput(error.message or type(error).__name__) from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise BadInput(str(error)) from None
