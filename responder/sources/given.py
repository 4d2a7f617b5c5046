"""Log files that are handed over whole: plain, compressed, or standard input."""

from __future__ import annotations

import mmap as mmap_module
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from zoneinfo import ZoneInfo

from responder.errors import SourceUnreadable
from responder.sources.carriers import unwrap
from responder.sources.lines import LONGEST, LineCutter, Lines, Problem, located
from responder.sources.packed import HEAD, open_packed, unpacked

CHUNK = 32 * 1024 * 1024
"""Bytes read at once: with fewer the cost of beginning each step shows, with more that of fresh memory."""

WORKERS = 2

Result = TypeVar("Result")
Progress = Callable[[int], None]


@dataclass(slots=True)
class _Desk:
    """A buffer and a cutter, used by one chunk at a time and then by another."""

    buffer: mmap = field(default_factory=lambda: _memory(CHUNK))
    cutter: LineCutter = field(default_factory=LineCutter)


def read_given(
    paths: Iterable[Path],
    zone: ZoneInfo,
    work: Callable[[Lines], Result],
    problems: list[Problem],
    progress: Progress | None = None,
) -> Iterator[Result]:
    """``work`` on the lines of each file, chunk by chunk, side by side, results in order.

    The lines' text is only there while ``work`` runs: their memory is used again. A file that cannot be read,
    or not to its end, is told of in ``problems``, and the others go on.
    """
    desks: list[_Desk] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for path in paths:
            first = _known(1)
            try:
                for desk, length, reference in _chunks(path, desks, progress):
                    following: Future[int] = Future()
                    run = _Run(str(path), desk, length, reference, first, following)
                    first = following
                    waiting.append(pool.submit(_cut, run, zone, work, desks))
                    while len(waiting) > WORKERS + 1:
                        yield waiting.popleft().result()
            except SourceUnreadable as error:
                problems.append(Problem(str(path), 0, str(error).partition(": ")[2]))
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True, slots=True)
class _Run:
    """One chunk of a file; ``first`` and ``following`` are the numbers of its first line and of the next chunk's.

    Chunks are begun in order, so what is waited for was begun before.
    """

    source: str
    desk: _Desk
    length: int
    reference: datetime
    first: Future[int]
    following: Future[int]


def _known(number: int) -> Future[int]:
    future: Future[int] = Future()
    future.set_result(number)
    return future


def _cut(run: _Run, zone: ZoneInfo, work: Callable[[Lines], Result], desks: list[_Desk]) -> Result:
    try:
        text, troubles = run.desk.cutter.cut(run.desk.buffer, run.length)
        first = run.first.result()
        run.following.set_result(first + len(text))
    except BaseException as error:
        run.following.set_exception(error)
        raise
    try:
        found = located(troubles, run.source, first)
        return work(unwrap(Lines(run.source, first, text, run.reference, zone, problems=found)))
    finally:
        desks.append(run.desk)


def _chunks(
    path: Path, desks: list[_Desk], progress: Progress | None
) -> Iterator[tuple[_Desk, int, datetime]]:
    """Whole lines of a file: the desk that holds them, how many bytes, a time nearby."""
    carry = b""
    with _opened(path) as (file, reference):
        while True:
            desk = desks.pop() if desks else _Desk()
            if len(carry) + CHUNK >= len(desk.buffer):
                desk.buffer = _memory(CHUNK + 2 * len(carry))
            desk.buffer[: len(carry)] = carry
            read = _read(file, path, desk.buffer, len(carry))
            length = len(carry) + read
            if not read:
                if carry:  # the last line has no end
                    desk.buffer[length : length + 1] = b"\n"
                    yield desk, length + 1, reference
                return
            if progress:
                progress(read)
            end = desk.buffer.rfind(b"\n", 0, length) + 1
            carry = bytes(memoryview(desk.buffer)[end:length])
            if not end:
                desks.append(desk)
                continue
            yield desk, end, reference


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
