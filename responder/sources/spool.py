"""Lines that were received, kept in a file until they have been read from it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4
from zoneinfo import ZoneInfo

from responder.errors import SourceUnreadable
from responder.sources.followed import FollowedFile, Read
from responder.sources.position import Position

TURN_AT = 64 * 1024 * 1024
TURN_AFTER = 3600
"""Bytes, or seconds, after which a new file is begun: received lines hold names, so none stays for long."""

FULL = 1024 * 1024 * 1024
"""Bytes in one file at which no more are taken: its reader does not get on, and the disk is for others too."""

STEP = 64 * 1024
CLOSED = -1


class Spool(FollowedFile):
    """A file that received lines are added to, and that is read as any followed file is.

    Each file begins with a line of its own, so that no two begin alike. A new one is begun only while the
    position that was committed lies in the present one, and the one before is deleted then: so there are two at
    most, however far behind the reader is.
    """

    def __init__(self, folder: Path, zone: ZoneInfo, position: Position | None) -> None:
        """Opens the spool of ``folder``, which was read as far as ``position``; raises OSError."""
        super().__init__(spool_file(folder), zone)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._unwritten = bytearray()
        self._begun: float
        if self.path.exists() and self._mended(position):
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._size, self._begun = self.path.stat().st_size, -TURN_AFTER  # of unknown age
        else:
            self._file = self._new()

    def add(self, lines: bytes) -> None:
        """Writes whole lines; what an OSError keeps back is written first by the next call."""
        with self._lock:
            self._unwritten += lines
            if self._size >= FULL:
                raise OSError(ENOSPC, f"{FULL} bytes in it are not read yet")
            self._write()

    @property
    def waiting(self) -> int:
        """Bytes that could not be written yet."""
        return len(self._unwritten)

    def close(self) -> None:
        """Takes no more lines; it can still be read."""
        with self._lock:
            os.close(self._file)
            self._file = CLOSED

    def read(self, position: Position | None) -> Iterator[Read]:
        """As of any followed file; ``position`` is one that was committed."""
        try:
            with self._lock:
                self._turn(position)
        except OSError as error:
            raise SourceUnreadable(self.path, error.strerror or str(error)) from error
        yield from super().read(position)

    def _write(self) -> None:
        while self._unwritten:
            written = os.write(self._file, self._unwritten)
            del self._unwritten[:written]
            self._size += written

    def _turn(self, position: Position | None) -> None:
        with self.path.open("rb") as file:
            if not position or self._size < position.offset or not _begins(file, position):
                return
        before = self.path.with_name(f"{self.path.name}.1")
        before.unlink(missing_ok=True)
        old = time.monotonic() - self._begun >= TURN_AFTER and position.line > 1
        if self._file != CLOSED and (old or self._size >= TURN_AT):
            with suppress(OSError):
                self._write()  # else a line would go on in another file
            if not self._unwritten:
                present, self._file = self._file, self._new(before)
                os.close(present)

    def _new(self, before: Path | None = None) -> int:
        """Begins a file, whose first line is there as soon as it is; the present one becomes ``before``."""
        first = (
            f"{datetime.now(UTC).isoformat()} localhost responder: received lines {uuid4().hex}\n".encode()
        )
        begun = self.path.with_name("next")
        file = os.open(begun, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            if os.write(file, first) < len(first):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            os.fsync(file)
            if before:
                self.path.rename(before)
            begun.rename(self.path)
        except OSError:
            os.close(file)
            raise
        with suppress(OSError):  # the file is there all the same
            _sync(self.path.parent)
        self._size, self._begun = len(first), time.monotonic()
        return file

    def _mended(self, position: Position | None) -> int:
        """Takes away a line without end, and puts line feeds where a power cut took what had been read.

        Returns the size.
        """
        with self.path.open("r+b") as file:
            end = _end_of_lines(file.fileno())
            file.truncate(end)
            if position and end < position.offset and _begins(file, position):
                file.seek(end)
                file.write(b"\n" * (position.offset - end))
                return position.offset
            return end


def spool_file(folder: Path) -> Path:
    """The file of the spool in ``folder``, by whose path its position is known."""
    return folder / "lines"


def _begins(file: BinaryIO, position: Position) -> bool:
    """Whether this is the file that ``position`` is in."""
    return position.begins(os.pread(file.fileno(), position.fingerprint_length, 0))


def _end_of_lines(file: int) -> int:
    """The place after the last line feed."""
    end = os.fstat(file).st_size
    while end:
        start = max(0, end - STEP)
        if found := os.pread(file, end - start, start).rfind(b"\n") + 1:
            return start + found
        end = start
    return 0


def _sync(folder: Path) -> None:
    """Has the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
