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
from responder.sources.packed import open_packed
from responder.sources.position import Position

BATCH = 8 * 1024 * 1024
ROTATED = 10
"""How many rotated neighbours are looked at for the rest of a file that went away, and what came after it."""


@dataclass(frozen=True, slots=True)
class Read:
    """Lines that were read, and the position to commit with what they say."""

    lines: Lines
    position: Position


class FollowedFile:
    """Reads what was added to a file since a position.

    A file is known by its first bytes, not by its inode (copy and truncation keeps the inode, and inodes are
    used again). When they differ, or the file is shorter than what was read of it, it was rotated: the rest of
    the old one is read from the rotated copy that begins with the same bytes, then any that was rotated after
    it, then the new one from its start. While the new one is missing or empty, the old one may still be written
    to (a syslog daemon is told of the rotation after it): nothing is read until the new one has begun.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self.path, self._zone = path, zone
        self.source = str(path)

    def read(self, position: Position | None) -> Iterator[Read]:
        """What was added, batch by batch; raises SourceUnreadable. The caller commits each before the next."""
        try:
            with self.path.open("rb") as file:
                if position is None:
                    position = self._beginning(file)
                elif self._rotated(file, position):
                    if os.fstat(file.fileno()).st_size == 0:
                        return
                    yield from self._rest(file, position)
                    position = self._beginning(file)
                    yield Read(self._lines(b"", position, ()), position)
                yield from self._tail(file, position)
        except FileNotFoundError:
            if position is None:
                raise SourceUnreadable(self.path, "there is no such file") from None
        except OSError as error:
            raise SourceUnreadable(self.path, error.strerror or str(error)) from error

    def _beginning(self, file: BinaryIO) -> Position:
        head = _head(file)
        return Position(self.source, fingerprint(head, len(head)), len(head), 0, 0)

    def _rotated(self, file: BinaryIO, position: Position) -> bool:
        size = os.fstat(file.fileno()).st_size
        return size < position.offset or not _begins(file, position)

    def _rest(self, new: BinaryIO, position: Position) -> Iterator[Read]:
        """The unread end of the file that ``position`` is in, from its rotated copy, and the files after it."""
        neighbours = self._neighbours()
        found = False
        for number, path in enumerate(neighbours):
            try:
                with open_packed(path) as file:
                    if not _begins(file, position):
                        continue
                    found = True
                    for read in self._tail(file, position, final=True):
                        position = read.position
                        yield read
                    heads = [_head(file), _head(new)]
            except OSError:
                continue  # being compressed just now, say: the copy beside it goes on where this one ended
            for after in reversed(neighbours[:number]):
                if _series(after) == _series(path):
                    yield from self._whole(after, heads)
            return
        if not found:
            yield Read(self._lines(b"", position, (self._lost(position),)), position)

    def _whole(self, path: Path, heads: list[bytes]) -> Iterator[Read]:
        """A file that came and went between two reads, unless it is a copy of one that begins with ``heads``."""
        position = None
        try:
            with open_packed(path) as file:
                head = _head(file)
                if not head or any(one.startswith(head) or head.startswith(one) for one in heads):
                    return
                heads.append(head)
                position = self._beginning(file)
                for read in self._tail(file, position, final=True):
                    position = read.position
                    yield read
        except OSError as error:
            if position:
                problem = Problem(str(path), position.line + 1, f"cannot be read from here on: {error}")
                yield Read(self._lines(b"", position, (problem,)), position)

    def _neighbours(self) -> list[Path]:
        """Files beside this one whose name begins with its name, the newest first."""
        found = [p for p in self.path.parent.glob(f"{_escaped(self.path.name)}?*") if p.is_file()]
        return sorted(found, key=lambda p: p.stat().st_mtime_ns, reverse=True)[:ROTATED]

    def _lost(self, position: Position) -> Problem:
        return Problem(
            self.source,
            position.line + 1,
            "was rotated, and no rotated copy begins as it did: lines after this one may be lost",
        )

    def _tail(self, file: BinaryIO, position: Position, final: bool = False) -> Iterator[Read]:
        """Whole lines from the position on; the last line too when the file is ``final`` and lacks its end."""
        if position.fingerprint_length < ENOUGH:
            head = _head(file)
            position = replace(
                position, fingerprint=fingerprint(head, len(head)), fingerprint_length=len(head)
            )
        file.seek(position.offset)
        carry = b""
        while data := file.read(BATCH):
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


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(ENOUGH)


def _begins(file: BinaryIO, position: Position) -> bool:
    """Whether this is the file that ``position`` is in."""
    head = _head(file)[: position.fingerprint_length]
    return len(head) == position.fingerprint_length and fingerprint(head, len(head)) == position.fingerprint


def _series(path: Path) -> str:
    """What the names of one file's rotated copies have in common: all but numbers, dates and compression."""
    return re.sub(r"\d+", "#", re.sub(r"\.(?:gz|zst|xz)$", "", path.name))


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
