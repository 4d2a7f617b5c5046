"""Log files that are handed over whole: plain, compressed, or standard input."""

from __future__ import annotations

import mmap as mmap_module
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BufferedReader
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from zoneinfo import ZoneInfo

import polars as pl

from responder.errors import SourceUnreadable
from responder.sources.before import carried, nothing_before
from responder.sources.carriers import unwrap
from responder.sources.lines import LONGEST, Lines, Problem, cut, located
from responder.sources.packed import HEAD, open_packed, unpacked

CHUNK = 32 * 1024 * 1024
"""Bytes read at once: with fewer the cost of beginning each step shows, with more that of fresh memory."""

WORKERS = 2

Result = TypeVar("Result")
Known = TypeVar("Known")
Progress = Callable[[int], None]


def read_given(
    paths: Iterable[Path],
    zone: ZoneInfo,
    work: Callable[[Lines], Result],
    problems: list[Problem],
    progress: Progress | None = None,
    needed: str = "",
) -> Iterator[Result]:
    """``work`` on the lines of each file, chunk by chunk, side by side, results in order.

    The lines' text is only there while ``work`` runs: their memory is used again. Lines of the pattern ``needed`` are
    carried on to those after them, through all files, as rotated ones follow one another. A file that cannot be
    read, or not to its end, is told of in ``problems``, and the others go on.
    """
    before = _known(nothing_before())
    buffers: list[mmap] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for path in paths:
            first = _known(1)
            try:
                for buffer, length, reference in _chunks(path, buffers, progress):
                    run = _Run(str(path), buffer, length, reference, first, before, needed)
                    first, before = run.following, run.after
                    waiting.append(pool.submit(_cut, run, zone, work, buffers))
                    while len(waiting) > WORKERS + 1:
                        yield waiting.popleft().result()
            except SourceUnreadable as error:
                problems.append(Problem(str(path), 0, str(error).partition(": ")[2]))
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True, slots=True)
class _Run:
    """One chunk of a file; ``first`` and ``following`` are the numbers of its first line and of the next chunk's.

    ``before`` and ``after`` are the lines that are carried on to it and from it. Chunks are begun in order, so what is
    waited for was begun before.
    """

    source: str
    buffer: mmap
    length: int
    reference: datetime
    first: Future[int]
    before: Future[pl.Series]
    needed: str
    following: Future[int] = field(default_factory=Future)
    after: Future[pl.Series] = field(default_factory=Future)


def _known(value: Known) -> Future[Known]:
    future: Future[Known] = Future()
    future.set_result(value)
    return future


def _cut(run: _Run, zone: ZoneInfo, work: Callable[[Lines], Result], buffers: list[mmap]) -> Result:
    try:
        text, troubles = cut(run.buffer, run.length)
        first = run.first.result()
        run.following.set_result(first + len(text))
        found = located(troubles, run.source, first)
        lines = unwrap(Lines(run.source, first, text, run.reference, zone, problems=found))
        if run.needed:
            lines = replace(lines, before=run.before.result())
        run.after.set_result(carried(lines, run.needed))
    except BaseException as error:
        for promised in (run.following, run.after):
            if not promised.done():
                promised.set_exception(error)
        raise
    try:
        return work(lines)
    finally:
        buffers.append(run.buffer)


def _chunks(
    path: Path, buffers: list[mmap], progress: Progress | None
) -> Iterator[tuple[mmap, int, datetime]]:
    """Whole lines of a file: the buffer that holds them, how many bytes, a time nearby."""
    carry = b""
    with _opened(path) as (file, reference):
        while True:
            buffer = buffers.pop() if buffers else _memory(CHUNK)
            if len(carry) + CHUNK >= len(buffer):
                buffer = _memory(CHUNK + 2 * len(carry))
            buffer[: len(carry)] = carry
            read = _read(file, path, buffer, len(carry))
            length = len(carry) + read
            if not read:
                if carry:  # the last line has no end
                    buffer[length : length + 1] = b"\n"
                    yield buffer, length + 1, reference
                return
            if progress:
                progress(read)
            end = buffer.rfind(b"\n", 0, length) + 1
            carry = bytes(memoryview(buffer)[end:length])
            if not end:
                buffers.append(buffer)
                continue
            yield buffer, end, reference


def _memory(size: int) -> mmap:
    """That many bytes and some for what is carried over; not a bytearray, which would be written full of zeros."""
    memory = mmap(-1, size + LONGEST)
    if (large := getattr(mmap_module, "MADV_HUGEPAGE", None)) is not None:
        memory.madvise(large)  # fewer, larger pages are quicker to come by
    return memory


def _read(file: BinaryIO, path: Path, buffer: mmap, start: int) -> int:
    try:
        return cast(int, file.readinto(memoryview(buffer)[start : start + CHUNK]))  # type: ignore[attr-defined]
    except OSError as error:
        raise SourceUnreadable(path, f"{error}; what came before was read") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, datetime]]:
    """The file's bytes, uncompressed, and the time of its last line or so: when it was last written to."""
    if str(path) == "-":
        yield _standard_input(), datetime.now(UTC)
        return
    try:
        file = open_packed(path)
    except OSError as error:
        raise SourceUnreadable(path, error.strerror or str(error)) from error
    with file:
        yield file, datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _standard_input() -> BinaryIO:
    """Unpacked if it is packed."""
    file = sys.stdin.buffer
    return unpacked(file, file.peek(HEAD)) if isinstance(file, BufferedReader) else file
