"""A log file that is followed while it grows, through rotation by rename and by copy and truncation."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from responder.errors import SourceUnreadable
from responder.sources.fingerprint import ENOUGH, fingerprint
from responder.sources.lines import LineCutter, Lines, Problem
from responder.sources.position import Position

BATCH = 8 * 1024 * 1024
ROTATED = 3
"""How many rotated neighbours are looked at for the rest of a file that went away."""


@dataclass(frozen=True, slots=True)
class Read:
    """Lines that were read, and the position to commit with what they say."""

    lines: Lines
    position: Position


class FollowedFile:
    """Reads what was added to a file since a position.

    A file is known by its first bytes, not by its inode (copy and truncation keeps the inode, and inodes are
    used again). When they differ, or the file is shorter than what was read of it, it was rotated: the rest of
    the old one is read from the rotated copy that begins with the same bytes, then the new one from its start.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self.path, self._zone = path, zone
        self.source = str(path)
        self._cutter = LineCutter()

    def read(self, position: Position | None) -> Iterator[Read]:
        """What was added, batch by batch; raises SourceUnreadable. The caller commits each before the next."""
        try:
            with self.path.open("rb") as file:
                if position is None:
                    position = self._beginning()
                elif self._rotated(file, position):
                    yield from self._rest(position)
                    position = self._beginning()
                    yield Read(self._lines(b"", position, ()), position)
                yield from self._tail(file, position)
        except FileNotFoundError:
            # Between a rename and the first line of the new file there is none: the rest of the old one is
            # read when the new one is there.
            if position is None:
                raise SourceUnreadable(self.path, "there is no such file") from None
        except OSError as error:
            raise SourceUnreadable(self.path, error.strerror or str(error)) from error

    def _beginning(self) -> Position:
        return Position(self.source, fingerprint(b"", 0), 0, 0, 0)

    def _rotated(self, file: BinaryIO, position: Position) -> bool:
        size = os.fstat(file.fileno()).st_size
        head = file.read(position.fingerprint_length)
        return size < position.offset or fingerprint(head, position.fingerprint_length) != position.fingerprint

    def _rest(self, position: Position) -> Iterator[Read]:
        """The unread end of the file that ``position`` is in, from its rotated copy."""
        for path in self._neighbours():
            opener = gzip.open if path.suffix == ".gz" else open
            try:
                with opener(path, "rb") as file:
                    head = file.read(position.fingerprint_length)
                    if len(head) < position.fingerprint_length:
                        continue
                    if fingerprint(head, position.fingerprint_length) == position.fingerprint:
                        yield from self._tail(file, position, final=True)
                        return
            except (OSError, EOFError):
                continue
        yield Read(self._lines(b"", position, (self._lost(position),)), position)

    def _neighbours(self) -> list[Path]:
        """Files beside this one whose name begins with its name, the newest first."""
        found = [p for p in self.path.parent.glob(f"{_escaped(self.path.name)}?*") if p.is_file()]
        return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)[:ROTATED]

    def _lost(self, position: Position) -> Problem:
        return Problem(
            self.source,
            position.line + 1,
            "was rotated, and no rotated copy begins as it did: lines after this one may be lost",
        )

    def _tail(self, file: BinaryIO, position: Position, final: bool = False) -> Iterator[Read]:
        """Whole lines from the position on; the last line too when the file is ``final`` and lacks its end."""
        if position.fingerprint_length < ENOUGH:
            file.seek(0)
            head = file.read(ENOUGH)
            position = replace(position, fingerprint=fingerprint(head, len(head)), fingerprint_length=len(head))
        file.seek(position.offset)
        carry = b""
        while data := file.read(BATCH):
            data = carry + data
            end = data.rfind(b"\n") + 1
            carry = data[end:]
            if end:
                lines = self._lines(data[:end], position, ())
                position = replace(position, offset=position.offset + end, line=position.line + len(lines))
                yield Read(lines, position)
        if final and carry:
            lines = self._lines(carry + b"\n", position, ())
            yield Read(lines, replace(position, offset=position.offset + len(carry), line=position.line + 1))

    def _lines(self, data: bytes, position: Position, problems: tuple[Problem, ...]) -> Lines:
        text, found = self._cutter.cut(data, len(data), self.source, position.line + 1)
        return Lines(
            self.source,
            position.line + 1,
            text.clone(),
            datetime.now(UTC),
            self._zone,
            keep_text=True,
            problems=(*problems, *found),
        )


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
