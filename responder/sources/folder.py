"""A folder that stands for the log files in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from responder.sources.lines import Problem
from responder.sources.packed import PACKED, plain

TRUTH = ("truth.jsonl", "malicious.jsonl")
"""What tells the answers of a simulated world, which nobody who judges its logs may know."""

NUMBERED = re.compile(r"^(?P<base>.+)\.(?P<number>\d{1,5})$")
"""``mail.log.1``: the higher, the older."""

DATED = re.compile(
    r"^(?P<base>.+?)[-._](?P<date>(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[-_.T]?\d{2,6}|-\d{10})?)(?P<end>\.[A-Za-z]+)?$"
)
"""``maillog-20251123``, ``mail-2025-11-23.log``: the later, the younger."""


def in_order(paths: Iterable[Path], problems: list[Problem]) -> list[Path]:
    """The files that ``paths`` stand for: each folder's in the order in which they were written.

    Only what lies in the folder itself. Of the same file in two compressions one is taken, the plain one if there
    is one. What is passed over is told of in ``problems``.
    """
    found: list[Path] = []
    for path in paths:
        if str(path) == "-" or not path.is_dir():
            found.append(path)
            continue
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            problems.append(Problem(str(path), 0, f"cannot be read: {error.strerror or error}"))
            continue
        files = [entry for entry in entries if _wanted(entry, problems)]
        if not files:
            problems.append(Problem(str(path), 0, "is a folder without log files"))
        found += sorted(_once(files, problems), key=_place)
    return found


def _wanted(path: Path, problems: list[Problem]) -> bool:
    if path.name.startswith("."):
        message = "is hidden; passed over"
    elif path.name in TRUTH:
        message = "is the truth of a simulated world; passed over"
    elif path.is_dir():
        message = "is a folder in a folder; passed over"
    elif not path.is_file():  # a pipe would be waited on for ever
        message = "is no regular file; passed over"
    elif not os.access(path, os.R_OK):
        message = "cannot be read: Permission denied"
    else:
        return True
    problems.append(Problem(str(path), 0, message))
    return False


def _once(files: list[Path], problems: list[Problem]) -> list[Path]:
    """Without further compressions of the same file: while it is compressed, both are there."""
    kept: dict[str, Path] = {}
    for path in sorted(files, key=lambda each: (each.suffix in PACKED, each.name)):
        name = plain(path).name
        if name in kept:
            problems.append(Problem(str(path), 0, f"is {kept[name].name} once more; passed over"))
        else:
            kept[name] = path
    return list(kept.values())


def _place(path: Path) -> tuple[str, int, int, str]:
    """The series by its name, then dated copies by their date, numbered ones from the highest, the live file."""
    name = plain(path).name
    if match := DATED.match(name):
        return match["base"] + (match["end"] or ""), 0, 0, re.sub(r"\D", "", match["date"])
    if match := NUMBERED.match(name):
        return match["base"], 1, -int(match["number"]), ""
    return name, 2, 0, ""
