"""Files that are handed over whole: in chunks, side by side, results in order, each fault told of."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from zstandard import ZstdCompressor

from responder.events.bulk import read_events
from responder.formats.postfix import FORMAT
from responder.sources import given as given_files
from responder.sources.given import read_given
from responder.sources.lines import Lines, Problem

ZONE = ZoneInfo("Europe/Paris")
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


def read(*paths: Path) -> tuple[list[str], list[int], list[str]]:
    """All lines, the number of each, and the problems."""
    problems: list[Problem] = []

    def work(lines: Lines) -> tuple[list[str], list[int]]:
        return lines.text.to_list(), list(range(lines.first, lines.first + len(lines)))

    found = list(read_given(paths, ZONE, work, problems))
    texts = [text.removesuffix("\n") for lines, _ in found for text in lines]
    return (
        texts,
        [number for _, numbers in found for number in numbers],
        [str(problem) for problem in problems],
    )


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few lines."""
    monkeypatch.setattr(given_files, "CHUNK", 64)


def test_files_are_read_in_their_order(tmp_path, small_chunks):
    """Whatever takes longer, results come in the order of the lines."""
    lines = [[f"file {number} line {n} {'x' * (n % 50)}" for n in range(200)] for number in range(3)]
    paths = [tmp_path / f"{number}.log" for number in range(3)]
    for path, text in zip(paths, lines, strict=True):
        path.write_text("".join(f"{line}\n" for line in text))
    texts, numbers, problems = read(*paths)
    assert texts == [line for text in lines for line in text]
    assert numbers == [*range(1, 201)] * 3
    assert problems == []


def test_a_compressed_file_is_read_like_any_other(tmp_path, small_chunks):
    """Rotated logs are."""
    path = tmp_path / "mail.log.1.gz"
    path.write_bytes(gzip.compress(b"".join(b"line %d\n" % n for n in range(100))))
    assert read(path)[0] == [f"line {n}" for n in range(100)]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"one", b"one\n", b"one\ntwo", b"x" * 64, b"x" * 63 + b"\n", b"x" * 500]
)
def test_the_last_line_needs_no_end(tmp_path, small_chunks, data):
    """However its length falls in the chunks."""
    path = tmp_path / "mail.log"
    path.write_bytes(data)
    assert read(path)[0] == data.decode().splitlines()


def test_a_file_that_cannot_be_read_is_told_of_and_the_others_are_read(tmp_path):
    """One wrong name among many."""
    good = tmp_path / "good.log"
    good.write_text("one\n")
    assert read(tmp_path / "none.log", good, tmp_path) == (
        ["one"],
        [1],
        [
            f"{tmp_path / 'none.log'}: cannot be read: No such file or directory",
            f"{tmp_path}: cannot be read: Is a directory",
        ],
    )


@pytest.mark.parametrize("fault", ["cut", "damaged"])
def test_a_compressed_file_with_a_fault_is_read_as_far_as_it_goes(tmp_path, small_chunks, fault):
    """What was read before the fault counts, and the fault is told of."""
    path, good = tmp_path / "mail.log.1.gz", tmp_path / "good.log"
    good.write_text("good\n")
    data = bytearray(gzip.compress(Random(7).randbytes(200_000).hex().encode() + b"\n", mtime=0))
    if fault == "cut":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2 : len(data) // 2 + 100] = bytes(100)
    path.write_bytes(data)
    texts, _, problems = read(path, good)
    assert texts == ["good"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: cannot be read: ")


def test_a_name_does_not_say_what_a_file_is(tmp_path):
    """Some rotate to .gz and do not compress."""
    path = tmp_path / "mail.log.1.gz"
    path.write_text("one\n")
    assert read(path) == (["one"], [1], [])


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, ZstdCompressor().compress])
def test_standard_input_may_be_compressed(monkeypatch, pack):
    """As in ``ssh mx cat mail.log.1.gz | responder ... -``."""
    packed = io.BufferedReader(io.BytesIO(pack(b"one\ntwo\n")))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(packed))
    assert read(Path("-")) == (["one", "two"], [1, 2], [])


def test_lines_are_unwrapped_and_keep_their_numbers(tmp_path, small_chunks):
    """A line that stands for three is there three times, and the next one has its own number."""
    path = tmp_path / "mail.log"
    path.write_text(
        "<22>Nov 24 08:00:01 mx1 a[1]: one\n"
        "Nov 24 08:00:02 mx1 a[1]: message repeated 3 times: [ one]\n"
        "Nov 24 08:00:03 mx1 a[1]: two\n"
    )
    found = list(
        read_given([path], ZONE, lambda x: [(x.number(n), t) for n, t in enumerate(x.text.to_list())], [])
    )
    assert [each for part in found for each in part] == [
        (1, "Nov 24 08:00:01 mx1 a[1]: one\n"),
        *[(2, "Nov 24 08:00:02 mx1 a[1]: one\n")] * 3,
        (3, "Nov 24 08:00:03 mx1 a[1]: two\n"),
    ]


def test_standard_input_is_read_as_a_file(monkeypatch):
    """Named ``-``, as everywhere."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")))
    assert read(Path("-"))[0] == ["one", "two"]


def test_the_reference_is_the_time_of_the_file(tmp_path):
    """Stamps without a year are near to when the file was last written, not to today."""
    path = tmp_path / "mail.log"
    path.write_text("one\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    found = list(read_given([path], ZONE, lambda lines: (lines.reference, lines.zone, lines.keep_text), []))
    assert found == [(datetime.fromtimestamp(1_000_000_000, UTC), ZONE, False)]


def test_progress_tells_how_many_bytes_were_read(tmp_path, small_chunks):
    """Of the uncompressed text."""
    path, told = tmp_path / "mail.log", []
    path.write_text("x" * 99 + "\n")
    list(read_given([path], ZONE, len, [], progress=told.append))
    assert sum(told) == 100


def test_what_work_raises_comes_out(tmp_path):
    """A fault of ours is never hidden behind a thread."""
    path = tmp_path / "mail.log"
    path.write_text("one\n")
    with pytest.raises(ZeroDivisionError):
        list(read_given([path], ZONE, lambda lines: 1 / 0, []))


def message(number: int) -> list[str]:
    queue_id, account = f"4A1B2C{number:04X}", f"account-with-a-long-name-{number % 7}"
    to = f"recipient-with-a-long-name-{number}@domain-{number % 11}.example.com"
    return [
        f"Nov 24 08:00:00 mx1 postfix/smtpd[1]: {queue_id}: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        f"sasl_username={account}",
        f"Nov 24 08:00:01 mx1 postfix/smtp[2]: {queue_id}: to=<{to}>, {RELAY}, dsn=5.1.1, status=bounced (no)",
        f"Nov 24 08:00:02 mx1 postfix/qmgr[3]: {queue_id}: removed",
    ]


def test_events_are_the_same_whatever_the_chunks(tmp_path, monkeypatch):
    """Chunks use the same memory again and again: nothing of one may shine through in another."""
    lines = [line for number in range(150) for line in message(number)]
    path = tmp_path / "mail.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    whole = pl.concat([part.flat() for part in read_events([path], FORMAT, ZONE, None, [])])
    assert len(whole) == 300
    for chunk in (500, 5000, 50_000):
        monkeypatch.setattr(given_files, "CHUNK", chunk)
        kept = list(read_events([path], FORMAT, ZONE, None, []))
        assert_frame_equal(whole, pl.concat([part.flat() for part in kept]))


def test_a_message_lives_across_files(tmp_path):
    """Handed in yesterday, delivered today."""
    begin, deliver, end = message(1)
    (tmp_path / "1").write_text(f"{begin}\n")
    (tmp_path / "2").write_text(f"{deliver}\n{end}\n{deliver}\n")
    problems: list[Problem] = []
    parts = list(read_events([tmp_path / "1", tmp_path / "2"], FORMAT, ZONE, None, problems))
    events = pl.concat([part.flat() for part in parts])
    assert events.select("kind", "account", "line").rows() == [
        ("submission", "account-with-a-long-name-1", 1),
        ("delivery", "account-with-a-long-name-1", 1),
        ("delivery", None, 3),
    ]
    assert problems == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\0"), max_size=200), max_size=20),
    st.integers(1, 300),
)
def test_any_lines_in_any_chunks_are_read_once_in_order(tmp_path_factory, lines, chunk):
    """Lines longer than a chunk included."""
    path = tmp_path_factory.mktemp("given") / "mail.log"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(given_files, "CHUNK", chunk)
        texts, numbers, problems = read(path)
    assert (texts, numbers, problems) == (lines, list(range(1, len(lines) + 1)), [])
