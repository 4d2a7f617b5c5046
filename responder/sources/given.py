"""Log files that are handed over whole: plain, compressed, or standard input."""

from __future__ import annotations

import gzip
import mmap as mmap_module
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from zoneinfo import ZoneInfo

from responder.errors import SourceUnreadable
from responder.sources.lines import LONGEST, LineCutter, Lines, Problem

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
            try:
                for desk, length, first, reference in _chunks(path, desks, progress):
                    waiting.append(pool.submit(_cut, desk, length, first, reference, path, zone, work, desks))
                    while len(waiting) > WORKERS + 1:
                        yield waiting.popleft().result()
            except SourceUnreadable as error:
                problems.append(Problem(str(path), 0, str(error).partition(": ")[2]))
        while waiting:
            yield waiting.popleft().result()


def _cut(
    desk: _Desk,
    length: int,
    first: int,
    reference: datetime,
    path: Path,
    zone: ZoneInfo,
    work: Callable[[Lines], Result],
    desks: list[_Desk],
) -> Result:
    text, found = desk.cutter.cut(desk.buffer, length, str(path), first)
    try:
        return work(Lines(str(path), first, text, reference, zone, problems=tuple(found)))
    finally:
        desks.append(desk)


def _chunks(
    path: Path, desks: list[_Desk], progress: Progress | None
) -> Iterator[tuple[_Desk, int, int, datetime]]:
    """Whole lines of a file: the desk that holds them, how many bytes, the first line's number, a time nearby."""
    first, carry = 1, b""
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
                    yield desk, length + 1, first, reference
                return
            if progress:
                progress(read)
            end = desk.buffer.rfind(b"\n", 0, length) + 1
            carry = bytes(memoryview(desk.buffer)[end:length])
            if not end:
                desks.append(desk)
                continue
            lines = desk.cutter.count(desk.buffer, end)
            yield desk, end, first, reference
            first += lines


def _memory(size: int) -> mmap:
    """That many bytes and some for what is carried over; not a bytearray, which would be written full of zeros."""
    memory = mmap(-1, size + LONGEST)
    if (large := getattr(mmap_module, "MADV_HUGEPAGE", None)) is not None:
        memory.madvise(large)  # fewer, larger pages are quicker to come by
    return memory


def _read(file: BinaryIO, path: Path, buffer: mmap, start: int) -> int:
    try:
        return cast(int, file.readinto(memoryview(buffer)[start : start + CHUNK]))  # type: ignore[attr-defined]
    except (OSError, EOFError, zlib.error) as error:
        raise SourceUnreadable(path, f"{error}; what came before was read") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, datetime]]:
    """The file's bytes, uncompressed, and the time of its last line or so: when it was last written to."""
    if str(path) == "-":
        yield sys.stdin.buffer, datetime.now(UTC)
        return
    try:
        raw = path.open("rb", buffering=0)
    except OSError as error:
        raise SourceUnreadable(path, error.strerror or str(error)) from error
    with raw:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
                yield cast(BinaryIO, unpacked), written
        else:
            yield cast(BinaryIO, raw), written
