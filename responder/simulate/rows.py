"""The lines of the central log, written out of order and given out in order."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter

Row = tuple[float, str]
"""The instant in seconds, and the line without its stamp."""


class Rows:
    """Lines that are to be written; those of messages that are tried again are of later days."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self.add = self._rows.append

    def until(self, end: float) -> list[Row]:
        """The lines before ``end``, by time; they are forgotten here."""
        self._rows.sort(key=itemgetter(0))
        count = bisect_left(self._rows, end, key=itemgetter(0))
        due = self._rows[:count]
        del self._rows[:count]
        return due
