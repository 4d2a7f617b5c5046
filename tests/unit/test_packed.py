"""Compressed files: any kind, whatever their name, in several parts, cut short, or of no end."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from zstandard import ZstdCompressor

from responder.sources.packed import Unpacked, is_packed, open_packed

TEXT = b"".join(b"line %d %s\n" % (n, Random(n).randbytes(20).hex().encode()) for n in range(30_000))


def zstd(data: bytes) -> bytes:
    return ZstdCompressor().compress(data)


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd, "xz": lzma.compress}
packers = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.log.1"


@packers
def test_the_first_bytes_tell_the_compression(path, pack):
    """Not the name."""
    path.write_bytes(pack(TEXT))
    with open_packed(path) as file:
        assert file.read(len(TEXT) + 1) == TEXT
        assert file.read(1) == b""
    assert is_packed(path)


@pytest.mark.parametrize("data", [b"", b"x", b"one\ntwo\n", b"\x1f", b"\xfd7zXZ", bz2.compress(b"x")])
def test_what_is_not_packed_comes_as_it_is(path, data):
    """Empty files and the beginnings of marks too."""
    path.write_bytes(data)
    with open_packed(path) as file:
        assert file.read() == data
    assert not is_packed(path)


@packers
def test_several_parts_are_one_file(path, pack):
    """As of ``cat a.gz b.gz`` and of compressors that work side by side."""
    path.write_bytes(pack(b"one\n") + pack(b"") + pack(TEXT) + pack(b"two\n"))
    with open_packed(path) as file:
        assert file.read(len(TEXT) + 100) == b"one\n" + TEXT + b"two\n"


@packers
def test_the_beginning_can_be_read_again(path, pack):
    """Followed files look at the head first, then go where they were."""
    path.write_bytes(pack(TEXT))
    with open_packed(path) as file:
        for offset in (0, 100, 600_000, 7, len(TEXT), len(TEXT) + 5, 0):
            file.seek(offset)
            assert file.read(50) == TEXT[offset : offset + 50]


@packers
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_what_came_before_a_cut_is_read(path, pack, share):
    """Then the fault comes, and comes again."""
    packed = pack(TEXT)
    path.write_bytes(packed[: int(len(packed) * share)])
    got = b""
    with open_packed(path) as file:
        with pytest.raises(OSError, match="end"):
            while data := file.read(1_000_000):
                got += data
        with pytest.raises(OSError, match="end"):
            file.read(1)
    assert TEXT.startswith(got)
    assert len(got) >= len(TEXT) * share - 300_000


@packers
def test_damage_is_an_error_of_the_file(path, pack):
    """No error of a library's own comes out."""
    packed = bytearray(pack(TEXT))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
    path.write_bytes(packed)
    with open_packed(path) as file, pytest.raises(OSError):
        while file.read(1_000_000):
            pass


@packers
def test_a_file_that_unpacks_to_very_much_takes_little_memory(path, pack):
    """256 MiB of zeros."""
    part = pack(bytes(64 * 1024 * 1024))
    path.write_bytes(part * 4)
    buffer = bytearray(1024 * 1024)
    tracemalloc.start()
    total = 0
    with open_packed(path) as file:
        while read := file.readinto(buffer):  # type: ignore[attr-defined]
            total += read
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 256 * 1024 * 1024
    assert peak < 40 * 1024 * 1024


@pytest.mark.parametrize("tool", ["gzip", "zstd", "xz"])
def test_what_the_tools_themselves_write(path, tool):
    """Where they are installed."""
    if not shutil.which(tool):
        pytest.skip(f"no {tool} here")
    for data in (b"one\n", TEXT):
        packed = subprocess.run([tool, "-c"], input=data, capture_output=True, check=True).stdout
        path.write_bytes(packed)
        with open_packed(path) as file:
            assert file.read(len(TEXT) + 1) == data


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
def test_a_pipe_is_read_like_a_file(path, pack):
    """As of the shell's ``<(...)``, which cannot go back to its start."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[pack(TEXT)])
    assert not is_packed(path)
    writer.start()
    got = b""
    with open_packed(path) as file:
        assert not file.seekable()
        while data := file.read(100_000):
            got += data
    writer.join()
    assert got == TEXT


def test_it_only_goes_to_places_counted_from_the_start(path):
    """No more is needed."""
    path.write_bytes(gzip.compress(b"one\n"))
    with open_packed(path) as file, pytest.raises(io.UnsupportedOperation):
        file.seek(0, io.SEEK_END)


def test_it_says_what_it_can(path):
    """As files do."""
    path.write_bytes(gzip.compress(b"one\n"))
    with open_packed(path) as file:
        assert isinstance(file, Unpacked)
        assert (file.readable(), file.seekable(), file.tell()) == (True, True, 0)
        file.read(2)
        assert file.tell() == 2


def test_a_missing_file_is_packed_in_nothing(tmp_path):
    """Nor is a folder."""
    assert not is_packed(tmp_path / "none")
    assert not is_packed(tmp_path)
