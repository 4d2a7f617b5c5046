"""Lines and the events that they are, side by side, for every format: ``tests/cases/formats/<format>/*.yaml``.

Each file is a list of cases: ``name``, ``lines``, ``events`` in the order of their lines (each with the fields
that matter to the case; there are no others than those listed), and, where they matter, ``problems``,
``reference`` (an instant near the lines), ``zone``. Those of ``mapped`` have a ``mapping``, or are of the documented
example.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from reading import NOON, SITE, run_of
from ruamel.yaml import YAML

from responder.events.lives import join, nothing_open, with_open
from responder.formats import format_named, formats
from responder.formats.format import Format

EXAMPLE = Path(__file__).parents[2] / "docs/how-to/postfix-ecs.yaml"
FOLDER = Path(__file__).parent / "formats"
CASES = [
    pytest.param(folder.name, case, id=f"{folder.name}: {case['name']}")
    for folder in sorted(FOLDER.iterdir())
    for file in sorted(folder.glob("*.yaml"))
    for case in YAML(typ="safe").load(file)
]


def shown(value: Any) -> Any:
    """A value as a case writes it."""
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value


@pytest.fixture
def read_as(format_: str, case: dict[str, Any], tmp_path: Path) -> Format:
    """The format of a case."""
    if format_ != "mapped":
        return formats()[format_]
    file = EXAMPLE
    if "mapping" in case:
        file = tmp_path / "mapping.yaml"
        file.write_text(case["mapping"], encoding="utf-8")
    return format_named(f"mapped:{file}")


@pytest.mark.parametrize(("format_", "case"), CASES)
def test_the_lines_are_the_events(read_as, case):
    """With each field that the case names, no event more and no event less."""
    reference = datetime.fromisoformat(case["reference"]) if "reference" in case else NOON
    lines = run_of(*case["lines"], reference=reference, zone=case.get("zone", "UTC"))
    parsed = read_as.parse(lines)
    found = with_open(join(parsed, "mail.log", SITE), nothing_open())[0].flat().rows(named=True)
    wanted = case["events"]
    named = [
        {name: shown(event[name]) for name in (wanted[place] if place < len(wanted) else event)}
        for place, event in enumerate(found)
    ]
    assert named == wanted
    assert [str(problem) for problem in parsed.problems] == case.get("problems", [])


@pytest.mark.parametrize("name", [*formats(), "mapped"])
def test_every_format_has_cases(name):
    """A format that nobody wrote down lines for is a guess."""
    assert any(param.values[0] == name for param in CASES)


def test_no_case_is_of_a_format_that_does_not_exist():
    """A folder under another name would test nothing."""
    assert {folder.name for folder in FOLDER.iterdir()} <= {*formats(), "mapped"}
