"""Lines and the events that they are, side by side, for every format: ``tests/cases/formats/<format>/*.yaml``.

Each file is a list of cases: ``name``, ``lines``, ``events`` in the order of their lines (each with the fields
that matter to the case; there are no others than those listed), and, where they matter, ``problems``,
``reference`` (an instant near the lines), ``zone``.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from reading import NOON, SITE, run_of
from ruamel.yaml import YAML

from responder.events.lives import join, nothing_open, with_open
from responder.formats import formats

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


@pytest.mark.parametrize(("format_", "case"), CASES)
def test_the_lines_are_the_events(format_, case):
    """With each field that the case names, no event more and no event less."""
    reference = datetime.fromisoformat(case["reference"]) if "reference" in case else NOON
    lines = run_of(*case["lines"], reference=reference, zone=case.get("zone", "UTC"))
    parsed = formats()[format_].parse(lines)
    found = with_open(join(parsed, "mail.log", SITE), nothing_open())[0].flat().rows(named=True)
    wanted = case["events"]
    named = [
        {name: shown(event[name]) for name in (wanted[place] if place < len(wanted) else event)}
        for place, event in enumerate(found)
    ]
    assert named == wanted
    assert [str(problem) for problem in parsed.problems] == case.get("problems", [])


@pytest.mark.parametrize("name", formats())
def test_every_format_has_cases(name):
    """A format that nobody wrote down lines for is a guess."""
    assert any(param.values[0] == name for param in CASES)


def test_no_case_is_of_a_format_that_does_not_exist():
    """A folder under another name would test nothing."""
    assert {folder.name for folder in FOLDER.iterdir()} <= set(formats())
