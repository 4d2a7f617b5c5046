"""Imports run one way: each part of the package knows only those before it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import responder

PACKAGE = Path(responder.__file__).parent

LAYERS = (
    "errors",
    "clock",
    "site",
    "state",
    "audit",
    "sources",
    "formats",
    "events",
    "measures",
    "detections",
    "confirmation",
    "decisions",
    "cases",
    "backtest",
    "systems",
    "actions",
    "playbooks",
    "runs",
    "approvals",
    "live",
    "reports",
    "bootstrap",
    "demo",
    "simulate",
    "cli",
)
"""The one list: each may import from itself and from what stands before it."""

ALONE = ("__init__", "__main__")
"""Modules at the top that are no part: the version, and what ``python -m responder`` runs."""


def imported(file: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "responder":
            found |= {f"responder.{alias.name}" for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    parts = (name.split(".") for name in found)
    return {names[1] for names in parts if names[0] == "responder" and len(names) > 1} | {
        name for name in found if name.startswith(".")
    }


def wrong_ways(package: Path) -> list[str]:
    """Every import that runs the wrong way, and every part that stands in no layer."""
    wrong = []
    for file in sorted(package.rglob("*.py")):
        where = file.relative_to(package)
        part = where.parts[0].removesuffix(".py")
        if part in ALONE:
            continue
        if part not in LAYERS:
            wrong.append(f"{where}: '{part}' stands in no layer")
            continue
        before = LAYERS[: LAYERS.index(part) + 1]
        wrong += [
            f"{where}: '{part}' imports '{name}'" for name in sorted(imported(file)) if name not in before
        ]
    return wrong


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package, in which things may be planted."""
    return Path(
        shutil.copytree(PACKAGE, tmp_path / "responder", ignore=shutil.ignore_patterns("__pycache__"))
    )


def test_imports_run_one_way():
    """A part that needs one after it is handed what it needs, or is in the wrong place."""
    assert wrong_ways(PACKAGE) == []


@pytest.mark.parametrize(
    "line",
    [
        "from responder.detections.hit import Hit",
        "import responder.detections.hit",
        "from responder import detections",
        "def late():\n    from responder.detections.hit import Hit",
    ],
)
def test_an_import_that_runs_the_wrong_way_is_found(copied, line):
    """However it is written, and inside a function too."""
    (copied / "events" / "planted.py").write_text(f"{line}\n", encoding="utf-8")
    assert wrong_ways(copied) == ["events/planted.py: 'events' imports 'detections'"]


def test_a_relative_import_is_found(copied):
    """It hides which part it means."""
    (copied / "events" / "planted.py").write_text("from ..detections import hit\n", encoding="utf-8")
    assert wrong_ways(copied) == ["events/planted.py: 'events' imports '..detections'"]


def test_a_part_that_stands_in_no_layer_is_found(copied):
    """Whoever adds one says where it belongs."""
    (copied / "novelty").mkdir()
    (copied / "novelty" / "__init__.py").write_text("", encoding="utf-8")
    (copied / "other.py").write_text("", encoding="utf-8")
    assert wrong_ways(copied) == [
        "novelty/__init__.py: 'novelty' stands in no layer",
        "other.py: 'other' stands in no layer",
    ]
