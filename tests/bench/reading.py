"""How fast a format's lines are read and joined to events, without the start of the process.

``python -m tests.bench.reading FORMAT FILE`` reads a file as ``responder`` does and prints the seconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

PROJECT = Path(__file__).resolve().parents[2]


def seconds(format_: str, log: Path, runs: int, tell: Callable[[str], None]) -> float:
    """The median of what ``runs`` processes took for all events of ``log``."""
    command = [sys.executable, "-m", "tests.bench.reading", format_, str(log)]
    found = []
    for number in range(runs):
        done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
        found.append(float(done.stdout))
        tell(f"{format_}: reading: run {number + 1}: {found[-1]:.2f} s")
    return median(found)


def lines_in(log: Path) -> int:
    """How many lines a file has."""
    with log.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def main(format_: str, log: str) -> None:
    """Reads the file once, and prints how long that took."""
    from responder.events.bulk import read_events
    from responder.events.domain import ready
    from responder.formats import format_named
    from responder.sources.lines import Problem

    ready()
    known, problems, events = format_named(format_), list[Problem](), 0
    began = time.perf_counter()
    for part in read_events([Path(log)], known, ZoneInfo("UTC"), None, problems):
        events += len(part.submissions) + len(part.deliveries) + len(part.logins)
    took = time.perf_counter() - began
    if problems or not events:
        raise SystemExit(f"{log}: {events} events, {len(problems)} problems: {problems[:1]}")
    print(took)


if __name__ == "__main__":
    main(*sys.argv[1:])
