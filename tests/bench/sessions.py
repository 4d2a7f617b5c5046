"""Sessions that overlap, written to a log in the order of their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from pathlib import Path

from .mail_day import Row

Sessions = Iterable[tuple[float, list[Row]]]
"""Each session's start, and all of its rows; by start, before which none of its rows is."""


def write(path: Path, sessions: Sessions, line: Callable[[Row], str]) -> None:
    """Write the rows of all sessions to ``path``, each as its ``line``."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{line(row)}\n" for row in in_order(sessions))


def in_order(sessions: Sessions) -> Iterator[Row]:
    """The rows by time; those of the same time as they came."""
    waiting: list[tuple[float, int, Row]] = []
    number = 0
    for at, rows in sessions:
        while waiting and waiting[0][0] < at:
            yield heappop(waiting)[2]
        for row in rows:
            number += 1
            heappush(waiting, (row[0], number, row))
    while waiting:
        yield heappop(waiting)[2]
