"""The reference is what the code says, and everything public says what it is."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import responder

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = Path(responder.__file__).parent
REFERENCE = PROJECT / "docs" / "reference"

STUBS = {
    "cases/case.py": ("Book", "its docstring and the types say it; each book explains what is its own"),
    "clock.py": ("Clock", "the one method is what the class's docstring says"),
    "events/store.py": ("EventStore", "the verbs are explained where they are done, in DuckDBStore"),
}
"""Protocols whose methods need no docstring of their own, each with the reason; no other exception is made."""


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", PROJECT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = generator().pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_reference_is_up_to_date(name):
    """`make docs` writes it anew."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name]


def test_no_page_is_left_over():
    """What is no longer generated is taken away."""
    assert sorted(file.name for file in REFERENCE.iterdir()) == sorted(PAGES)


def undocumented(file: Path, where: str) -> Iterator[str]:
    """Public modules, classes, functions and methods without docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if not ast.get_docstring(tree):
        yield where
    excepted = STUBS.get(where, ("", ""))[0]
    yield from _below(tree.body, f"{where}: ", excepted)


def _below(body: list[ast.stmt], prefix: str, excepted: str) -> Iterator[str]:
    for node in body:
        if not isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef) and node.name != excepted:
            yield from _below(node.body, f"{prefix}{node.name}.", excepted)


def test_everything_public_has_a_docstring():
    """One sentence that an operator understands."""
    files = sorted(PACKAGE.rglob("*.py"))
    assert [each for file in files for each in undocumented(file, str(file.relative_to(PACKAGE)))] == []


def test_exceptions_are_protocols_that_are_there():
    """Only stubs may be excepted."""
    for where, (name, reason) in STUBS.items():
        tree = ast.parse((PACKAGE / where).read_text(encoding="utf-8"))
        found = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name]
        assert [ast.unparse(base) for base in found[0].bases] == ["Protocol"]
        assert reason


def test_an_undocumented_function_is_found(tmp_path):
    """The check itself can tell."""
    file = tmp_path / "planted.py"
    file.write_text(
        '"""A module."""\n\nclass Thing:\n    """One."""\n    def act(self): ...\n', encoding="utf-8"
    )
    assert list(undocumented(file, "planted.py")) == ["planted.py: Thing.act"]


def test_documents_name_reserved_hosts_only():
    """No host of a registry or of anybody else: the addresses of RFC 2606."""
    files = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("deploy/**/*")]
    files += [PROJECT / "Makefile", PROJECT / "constraints.txt"]
    found = {
        host
        for file in files
        if file.is_file()
        for host in re.findall(r"(?:https?|ldaps?)://([\w.-]+)", file.read_text(encoding="utf-8"))
    }
    assert {host for host in found if not re.search(r"(^|\.)example(\.org|\.net|\.com)?$", host)} == set()
