"""Log files that are handed over whole: plain, compressed, or standard input."""

from __future__ import annotations

import math
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
from responder.sources.packed import HEAD, is_packed, open_packed, unpacked

CHUNK = 40 * 1024 * 1024
"""Bytes read at once: with fewer the cost of beginning each step shows, with more that of fresh memory."""

AT_ONCE = 100_000
"""Lines that hold a format's sieve on which work is done at once: with more that, too, takes much memory."""

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
    sieve: str = "",
) -> Iterator[Result]:
    """``work`` on the lines of each file, chunk by chunk, side by side, results in order.

    The lines' text is only there while ``work`` runs: their memory is used again. Lines of the pattern ``needed`` are
    carried on to those after them, through all files, as rotated ones follow one another; ``sieve`` is that of the
    format, if it has one. A file that cannot be read, or not to its end, is told of in ``problems``, and the others
    go on.
    """
    buffers: list[mmap] = []
    runs = _runs(paths, buffers, problems, progress, needed, sieve)
    with ThreadPoolExecutor(WORKERS) as pool:
        turn, waiting, more = _known(True), deque[Future[list[Result]]](), True
        while more or waiting:
            while more and len(waiting) <= WORKERS:
                mine, turn = turn, Future[bool]()
                waiting.append(pool.submit(_next, runs, mine, turn, zone, work, buffers))
            results = waiting.popleft().result()
            more = more and bool(results)
            yield from results


def _next(
    runs: Iterator[_Run],
    before: Future[bool],
    after: Future[bool],
    zone: ZoneInfo,
    work: Callable[[Lines], Result],
    buffers: list[mmap],
) -> list[Result]:
    """``work`` on the next of ``runs``, nothing where there is none: it is read right before, in turn."""
    run = None
    try:
        if before.result():
            run = next(runs, None)
    finally:
        after.set_result(run is not None)
    return _cut(run, zone, work, buffers) if run else []


def _runs(
    paths: Iterable[Path],
    buffers: list[mmap],
    problems: list[Problem],
    progress: Progress | None,
    needed: str,
    sieve: str,
) -> Iterator[_Run]:
    before = _known(nothing_before())
    for path in paths:
        first = _known(1)
        try:
            for buffer, length, reference in _chunks(path, buffers, progress):
                run = _Run(str(path), buffer, length, reference, first, before, needed, sieve)
                first, before = run.following, run.after
                yield run
        except SourceUnreadable as error:
            problems.append(Problem(str(path), 0, str(error).partition(": ")[2]))


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
    sieve: str
    following: Future[int] = field(default_factory=Future)
    after: Future[pl.Series] = field(default_factory=Future)


def _known(value: Known) -> Future[Known]:
    future: Future[Known] = Future()
    future.set_result(value)
    return future


def _cut(run: _Run, zone: ZoneInfo, work: Callable[[Lines], Result], buffers: list[mmap]) -> list[Result]:
    try:
        text, troubles = cut(run.buffer, run.length)
        first = run.first.result()
        run.following.set_result(first + len(text))
        found = located(troubles, run.source, first)
        lines = unwrap(Lines(run.source, first, text, run.reference, zone, problems=found), run.sieve)
        if run.needed:
            lines = replace(lines, before=run.before.result())
        run.after.set_result(carried(lines, run.needed))
    except BaseException as error:
        for promised in (run.following, run.after):
            if not promised.done():
                promised.set_exception(error)
        raise
    try:
        return [work(piece) for piece in _pieces(lines)]
    finally:
        buffers.append(run.buffer)


def _pieces(lines: Lines) -> list[Lines]:
    many = 0 if lines.sieved is None or lines.before is not None else int(lines.sieved.sum())
    pieces = math.ceil(many / AT_ONCE)
    if pieces <= 1:
        return [lines]
    step = math.ceil(len(lines) / pieces)
    return [lines.piece(start, step) for start in range(0, len(lines), step)]


def _chunks(
    path: Path, buffers: list[mmap], progress: Progress | None
) -> Iterator[tuple[mmap, int, datetime]]:
    """Whole lines of a file: the buffer that holds them, how many bytes, a time nearby."""
    carry = b""
    with _opened(path) as (file, reference):
        size = _even(path)
        while True:
            buffer = buffers.pop() if buffers else _memory(CHUNK)
            if len(carry) + size >= len(buffer):
                buffer = _memory(size + 2 * len(carry))
            buffer[: len(carry)] = carry
            read = _read(file, path, memoryview(buffer)[len(carry) : len(carry) + size])
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


def _even(path: Path) -> int:
    """Bytes to read at once, so that the last round has work for all; how long a packed file is nobody knows."""
    size = path.stat().st_size if path.is_file() and not is_packed(path) else 0
    rounds = math.ceil(size / (CHUNK * WORKERS))
    return math.ceil(size / (rounds * WORKERS)) if size > CHUNK // 2 else CHUNK


def _memory(size: int) -> mmap:
    """That many bytes and some for what is carried over; not a bytearray, which would be written full of zeros."""
    memory = mmap(-1, size + LONGEST)
    if (large := getattr(mmap_module, "MADV_HUGEPAGE", None)) is not None:
        memory.madvise(large)  # fewer, larger pages are quicker to come by
    return memory


def _read(file: BinaryIO, path: Path, buffer: memoryview) -> int:
    try:
        return cast(int, file.readinto(buffer))  # type: ignore[attr-defined]
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
