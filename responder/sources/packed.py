"""Compressed log files: gzip, zstd and xz, known by their first bytes, unpacked piece by piece."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 256 * 1024
"""Bytes unpacked at once."""

SIP = 512
"""Packed bytes given to zstd at once, which unpacks all of them: 16 MiB at most."""

HEAD = 6
"""Bytes of the longest mark."""

PACKED = (".gz", ".zst", ".xz")
"""How names of packed files end."""

Unpacker = Callable[[BinaryIO], Iterator[bytes]]


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a file, from which ``seek`` can go back only by beginning again.

    What came before a fault is handed out first; the fault, an OSError whatever the compression, comes with the
    next read.
    """

    def __init__(self, raw: BinaryIO, unpacker: Unpacker) -> None:
        self._raw, self._unpacker = raw, unpacker
        self._pieces, self._piece, self._at = _guarded(unpacker(raw)), memoryview(b""), 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether it can begin again."""
        return self._raw.seekable()

    def tell(self) -> int:
        """How many bytes were handed out."""
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills ``buffer``; less only before the end or a fault."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view):
            if not self._piece:
                try:
                    self._piece = memoryview(next(self._pieces, b""))
                except OSError as error:
                    self._pieces = _failing(error)
                    if done:
                        break
                    raise
                if not self._piece:
                    break
            taken = self._piece[: len(view) - done]
            view[done : done + len(taken)] = taken
            self._piece = self._piece[len(taken) :]
            done += len(taken)
        self._at += done
        return done

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a place counted from the start, or as far as there is something."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        if offset < self._at:
            self._raw.seek(0)
            self._pieces, self._piece, self._at = _guarded(self._unpacker(self._raw)), memoryview(b""), 0
        while self._at < offset and self.read(min(PIECE, offset - self._at)):
            pass
        return self._at

    def close(self) -> None:
        """Closes the packed file too."""
        super().close()
        self._raw.close()


def open_packed(path: Path) -> BinaryIO:
    """The file's bytes, unpacked if it is packed; raises OSError, as reading does."""
    raw = path.open("rb", buffering=0)
    try:
        if not raw.seekable():  # a pipe, as of the shell's <(...)
            waiting = io.BufferedReader(raw)
            return unpacked(waiting, waiting.peek(HEAD))
        head = raw.read(HEAD)
        raw.seek(0)
        return unpacked(cast(BinaryIO, raw), head)
    except BaseException:
        raw.close()
        raise


def unpacked(file: BinaryIO, head: bytes) -> BinaryIO:
    """``file``, whose first bytes are ``head`` but which stands at its start, unpacked if it is packed."""
    for mark, unpacker in UNPACKERS.items():
        if head.startswith(mark):
            return cast(BinaryIO, Unpacked(file, unpacker))
    return file


def is_packed(path: Path) -> bool:
    """Whether the file's size is not that of its lines; false where it is no file or cannot be read."""
    if not path.is_file():  # looking into a pipe would take from it
        return False
    try:
        with path.open("rb", buffering=0) as raw:
            head = raw.read(HEAD)
    except OSError:
        return False
    return any(head.startswith(mark) for mark in UNPACKERS)


def _gzip(raw: BinaryIO) -> Iterator[bytes]:
    from isal import igzip

    file = igzip.IGzipFile(fileobj=raw, mode="rb")  # type: ignore[no-untyped-call]
    while data := file.read1(PIECE):
        yield data


def _xz(raw: BinaryIO) -> Iterator[bytes]:
    with lzma.LZMAFile(raw) as file:
        while data := file.read1(PIECE):
            yield data


def _zstd(raw: BinaryIO) -> Iterator[bytes]:
    from zstandard import ZstdDecompressor, ZstdError

    try:
        rest = raw.read(SIP)
        while rest:
            frame = ZstdDecompressor().decompressobj()
            while not frame.eof:
                if not rest:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                if data := frame.decompress(rest):
                    yield data
                rest = b"" if frame.eof else raw.read(SIP)
            rest = frame.unused_data or raw.read(SIP)
    except ZstdError as error:
        raise OSError(str(error)) from error


def _guarded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, whose every fault is an OSError."""
    try:
        yield from pieces
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise OSError(str(error)) from error


def _failing(error: OSError) -> Iterator[bytes]:
    """Nothing but this error."""
    raise error
    yield b""


UNPACKERS: dict[bytes, Unpacker] = {
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"\xfd7zXZ\0": _xz,
}
"""The first bytes of each kind of compressed file."""


def plain(path: Path) -> Path:
    """The name of what a packed file was made of; the file's own when it is not packed, by its name."""
    return path.with_suffix("") if path.suffix in PACKED else path
