"""A log file that is followed while it grows, through rotation by rename and by copy and truncation."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from responder.errors import SourceUnreadable
from responder.sources.carriers import unwrap
from responder.sources.fingerprint import ENOUGH, fingerprint
from responder.sources.lines import Lines, Problem, cut, located
from responder.sources.packed import open_packed, plain
from responder.sources.position import Position

BATCH = 8 * 1024 * 1024
ROTATED = 10
"""How many rotated neighbours are looked at for the rest of a file that went away, and what came after it."""


@dataclass(frozen=True, slots=True)
class Read:
    """Lines that were read, and the position to commit with what they say."""

    lines: Lines
    position: Position


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A file beside the log, perhaps a rotated one: its first bytes, or why it cannot be read."""

    path: Path
    head: bytes
    fault: OSError | None = None

    def open(self) -> BinaryIO:
        """The same file, unpacked; raises FileNotFoundError when another has its name by now."""
        file = open_packed(self.path)
        try:
            if _head(file) != self.head:
                raise FileNotFoundError(self.path)
        except BaseException:
            file.close()
            raise
        return file


class FollowedFile:
    """Reads what was added to a file since a position.

    A file is known by its first bytes, not by its inode (copy and truncation keeps the inode, and inodes are
    used again). When they differ, or the file is shorter than what was read of it, it was rotated: the rest of
    the old one is read from the rotated copy that begins with the same bytes, then any that was rotated after
    it, then the new one from its start. While the new one is missing or has no whole line, the old one may still
    be written to (a syslog daemon is told of the rotation after it): nothing is read until the new one has begun.

    Files may be renamed, compressed or truncated at any moment of it. What no longer stands as it was found is
    left to the next read, which goes on from the position that was committed last.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self.path, self._zone = path, zone
        self.source = str(path)

    def read(self, position: Position | None) -> Iterator[Read]:
        """What was added, batch by batch; raises SourceUnreadable. The caller commits each before the next."""
        try:
            with self.path.open("rb", buffering=0) as file:
                size, head = _state(file)
                if b"\n" not in head and len(head) < ENOUGH:
                    return
                if position is None:
                    position = self._beginning(head)
                elif _left(size, head, position):
                    yield from self._rest(head, position)
                    position = self._beginning(head)
                    yield self._told(position)
                elif position.fingerprint_length < len(head):
                    known = self._beginning(head)
                    position = replace(known, offset=position.offset, line=position.line)
                yield from self._tail(file, position)
        except FileNotFoundError:
            if position is None:
                raise SourceUnreadable(self.path, "there is no such file") from None
        except OSError as error:
            raise SourceUnreadable(self.path, error.strerror or str(error)) from error

    def _beginning(self, head: bytes) -> Position:
        return Position(self.source, fingerprint(head, len(head)), len(head), 0, 0)

    def _rotated(self, file: BinaryIO, position: Position) -> bool:
        return _left(*_state(file), position)

    def _rest(self, new: bytes, position: Position) -> Iterator[Read]:
        """The unread end of the file that ``position`` is in, and the files between it and the one that begins
        with ``new``; raises FileNotFoundError when they were renamed meanwhile."""
        neighbours = self._neighbours()
        copies = [number for number, each in enumerate(neighbours) if position.begins(each.head)]
        problem = self._lost(position)
        for number in reversed(copies):  # what somebody copied away earlier is not all of it
            try:
                for read in self._end(neighbours[number], position):
                    position = read.position
                    yield read
                break
            except FileNotFoundError:
                raise
            except OSError as error:
                problem = _broken(neighbours[number], error, position.line + 1)
        else:
            yield self._told(position, problem)
        if copies:
            series = {_series(neighbours[number].path) for number in copies}
            younger = [each for each in neighbours[copies[0] :] if _series(each.path) in series]
            yield from self._between(younger, new, position)

    def _between(self, copies: list[Neighbour], new: bytes, position: Position) -> Iterator[Read]:
        """The files after the first of ``copies``, each once, up to the one that begins with ``new``."""
        known = [copies[0].head]
        for each in copies[1:]:
            if _alike(each.head, new):
                return
            if any(_alike(each.head, head) for head in known):
                continue
            if each.fault:
                yield self._told(position, _broken(each, each.fault, 1))
            if not each.head:
                continue
            known.append(each.head)
            position = self._beginning(each.head)
            try:
                for read in self._end(each, position):
                    position = read.position
                    yield read
            except FileNotFoundError:
                raise
            except OSError as error:
                yield self._told(position, _broken(each, error, position.line + 1))

    def _end(self, copy: Neighbour, position: Position) -> Iterator[Read]:
        with copy.open() as file:
            yield from self._tail(file, position, final=True)

    def _neighbours(self) -> list[Neighbour]:
        """Files beside this one whose name begins with its name, the oldest first.

        A packed one is left out while the plain one stands beside it: it may be half written, and its time is
        not yet that of its lines.
        """
        paths = [p for p in self.path.parent.glob(f"{_escaped(self.path.name)}?*") if p.is_file()]
        times = {path: path.stat().st_mtime_ns for path in paths}
        whole = [p for p in paths if p == plain(p) or times[p] < times.get(plain(p), times[p] + 1)]
        return [_neighbour(path) for path in sorted(whole, key=times.__getitem__)[-ROTATED:]]

    def _lost(self, position: Position) -> Problem:
        return Problem(
            self.source,
            position.line + 1,
            "was rotated, and no rotated copy begins as it did: lines after this one may be lost",
        )

    def _told(self, position: Position, *problems: Problem) -> Read:
        """No lines, but what there is to say."""
        return Read(self._lines(b"", position, problems), position)

    def _tail(self, file: BinaryIO, position: Position, final: bool = False) -> Iterator[Read]:
        """Whole lines from the position on; the last line too when the file is ``final`` and lacks its end."""
        file.seek(position.offset)
        carry = b""
        while data := file.read(BATCH):
            if not final and self._rotated(file, position):
                return  # truncated just now: these bytes may be another file's
            data = carry + data
            end = data.rfind(b"\n") + 1
            carry = data[end:]
            if end:
                lines = self._lines(data[:end], position, ())
                position = replace(position, offset=position.offset + end, line=position.line + len(lines))
                yield Read(unwrap(lines), position)
        if final and carry:
            lines = self._lines(carry + b"\n", position, ())
            yield Read(
                unwrap(lines), replace(position, offset=position.offset + len(carry), line=position.line + 1)
            )

    def _lines(self, data: bytes, position: Position, problems: tuple[Problem, ...]) -> Lines:
        text, troubles = cut(data, len(data))
        first = position.line + 1
        return Lines(
            self.source,
            first,
            text.clone(),
            datetime.now(UTC),
            self._zone,
            keep_text=True,
            problems=(*problems, *located(troubles, self.source, first)),
        )


def _state(file: BinaryIO) -> tuple[int, bytes]:
    """Size and first bytes of a file that grows; the size first, so that it is not the smaller of a later file."""
    return os.fstat(file.fileno()).st_size, os.pread(file.fileno(), ENOUGH, 0)


def _left(size: int, head: bytes, position: Position) -> bool:
    """Whether the file of this size and these first bytes is no longer the one that ``position`` is in."""
    return size < position.offset or not position.begins(head)


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two files that begin so are copies of one, as far as there is something to compare."""
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _neighbour(path: Path) -> Neighbour:
    try:
        with open_packed(path) as file:
            return Neighbour(path, _head(file))
    except FileNotFoundError:
        raise
    except OSError as error:
        return Neighbour(path, b"", error)


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(ENOUGH)


def _broken(copy: Neighbour, error: OSError, line: int) -> Problem:
    return Problem(str(copy.path), line, f"cannot be read from here on: {error}")


def _series(path: Path) -> str:
    """What the names of one file's rotated copies have in common: all but numbers, dates and compression."""
    return re.sub(r"([.-]#)+", ".#", re.sub(r"\d+", "#", plain(path).name))


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
