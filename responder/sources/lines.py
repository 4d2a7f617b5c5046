"""Runs of whole lines, as the formats take them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from mmap import mmap
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

LONGEST = 64 * 1024
"""Bytes of the longest line that is read: syslog daemons cut at 1 to 8 KiB; anything longer is no log line."""


BLOCK = 1024 * 1024
"""Bytes that are looked through at once: they stay in a processor's cache."""

Buffer = bytes | mmap

Trouble = tuple[int, str]
"""The place of a line in a run of lines, from 0, and what was wrong with it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a source that could not be read: where, and what was done about it."""

    source: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.message}" if self.line else f"{self.source}: {self.message}"


def located(troubles: list[Trouble], source: str, first: int) -> tuple[Problem, ...]:
    """The troubles of lines of ``source`` whose first one has the number ``first``."""
    return tuple(Problem(source, first + row, message) for row, message in troubles)


@dataclass(frozen=True, slots=True)
class Lines:
    """Consecutive lines of one source.

    ``text`` holds each line with its line feed, as String; ``first`` is the number of its first line, from 1.
    ``reference`` is an instant near the lines' own times, which chooses the year of stamps without one;
    ``zone`` is the zone of stamps without one. ``keep_text``: parsed rows keep their line, as evidence.
    ``numbers``: the number of each line (UInt64), where one stands for several and they do not simply count on.
    ``before``: earlier lines that a format needs to understand these (see ``sources.before``). ``sieved``: which lines
    hold the format's sieve (Boolean), where that was looked for already.
    """

    source: str
    first: int
    text: pl.Series
    reference: datetime
    zone: ZoneInfo
    keep_text: bool = False
    problems: tuple[Problem, ...] = ()
    numbers: pl.Series | None = None
    before: pl.Series | None = None
    sieved: pl.Series | None = None

    def __len__(self) -> int:
        return len(self.text)

    def number(self, row: int) -> int:
        """The number in its source of the line at place ``row``, from 0."""
        return self.first + row if self.numbers is None else int(self.numbers[row])

    def piece(self, start: int, length: int) -> Lines:
        """So many of the lines, from the place ``start`` on; the problems are those of the first piece."""
        text, numbers, sieved = (
            None if each is None else each.slice(start, length)
            for each in (self.text, self.numbers, self.sieved)
        )
        assert text is not None
        problems = () if start else self.problems
        return replace(
            self, first=self.first + start, text=text, numbers=numbers, sieved=sieved, problems=problems
        )

    def told(self, rows: Iterable[int], message: str) -> list[Problem]:
        """A problem of each of the lines at the places ``rows``."""
        return [Problem(self.source, self.number(row), message) for row in rows]

    def numbered(self, rows: pl.Expr) -> pl.Expr:
        """The numbers in their source of the lines at the places ``rows``."""
        if self.numbers is None:
            return rows.cast(pl.UInt64) + self.first
        return pl.lit(self.numbers).gather(rows)


def cut(data: Buffer, length: int) -> tuple[pl.Series, list[Trouble]]:
    """The lines of ``data[:length]`` and what was wrong with them.

    Bytes that are not UTF-8 become U+FFFD; NUL bytes, which a truncated file leaves, are dropped; a line
    longer than LONGEST is emptied, so that the numbers of the others stay right.
    """
    troubles: list[Trouble] = []
    view = memoryview(data)[:length]
    array = np.frombuffer(view, np.uint8)
    if length and not _plain(array):
        view = memoryview(_mended(bytes(view), troubles))
        array = np.frombuffer(view, np.uint8)
    offsets = _after_line_feeds(array)
    arrow = pa.Array.from_buffers(
        pa.large_utf8(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(view)]
    )
    text = pl.Series("text", _Exported(arrow))
    long = np.flatnonzero(np.diff(offsets) > LONGEST)
    if len(long):
        for at in long.tolist():
            size = int(offsets[at + 1] - offsets[at]) - 1
            troubles.append((at, f"a line of {size} bytes, longer than {LONGEST}; passed over"))
        text = text.scatter(long, "\n")
    return text, troubles


def _after_line_feeds(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """0 and the place after each line feed; block by block, since fresh memory costs more than the work."""
    mask = np.empty(BLOCK, np.bool_)
    found = [np.zeros(1, np.int64)]
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        marked = np.equal(block, 10, out=mask[: len(block)])
        found.append(np.flatnonzero(marked) + (start + 1))
    return np.concatenate(found)


class _Exported:
    """An Arrow array, of which Polars is to see the one door that needs no more of pyarrow to be loaded."""

    def __init__(self, array: pa.Array) -> None:
        self.__arrow_c_array__ = array.__arrow_c_array__


def _mended(data: bytes, troubles: list[Trouble]) -> bytes:
    if b"\0" in data:
        row = data.count(b"\n", 0, data.index(b"\0"))
        troubles.append((row, "has NUL bytes (from here on); they were dropped"))
        data = data.replace(b"\0", b"")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start)
        troubles.append((row, "is not UTF-8 (from here on); the bytes were replaced by U+FFFD"))
        data = data.decode("utf-8", "replace").encode("utf-8")
    return data


def _plain(array: npt.NDArray[np.uint8]) -> bool:
    """Whether all bytes are ASCII other than NUL."""
    return bool(array.view(np.int8).min() > 0)
