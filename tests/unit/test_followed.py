"""Followed files: every line once and in order, through rotation, truncation, compression and crashes."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zstandard import ZstdCompressor

from responder.errors import SourceUnreadable
from responder.sources import followed
from responder.sources.followed import FollowedFile
from responder.sources.position import Position

UTC = ZoneInfo("UTC")


@dataclass
class Reader:
    """Reads a file as the ingest does: what was read counts once its position is committed."""

    path: Path
    position: Position | None = None
    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def read(self, crash_after: int | None = None) -> list[str]:
        """The lines that were added; a crash comes before the commit of the batch of that number."""
        added: list[str] = []
        for number, read in enumerate(FollowedFile(self.path, UTC).read(self.position)):
            if number == crash_after:
                break
            self.position = read.position
            added += [line.removesuffix("\n") for line in read.lines.text.to_list()]
            self.numbers += range(read.lines.first, read.lines.first + len(read.lines))
            self.problems += [str(problem) for problem in read.lines.problems]
        self.lines += added
        return added


@dataclass
class Log:
    """A log file and its rotated copies; each rotation has a time of its own."""

    path: Path
    rotations: int = 0

    def append(self, *lines: str) -> None:
        with self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def rename(self, create: bool = True) -> Path:
        """As logrotate does by itself; without ``create`` the new file comes with its first line."""
        self._shift()
        self.path.rename(self._copy(1))
        if create:
            self.path.touch()
        return self._stamped(self._copy(1))

    def copytruncate(self) -> Path:
        self._shift()
        shutil.copyfile(self.path, self._copy(1))
        os.truncate(self.path, 0)
        return self._stamped(self._copy(1))

    def compress(self, number: int = 1) -> Path:
        plain = self._copy(number)
        packed = Path(f"{plain}.gz")
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        shutil.copystat(plain, packed)
        plain.unlink()
        return packed

    def _copy(self, number: int) -> Path:
        return Path(f"{self.path}.{number}")

    def _shift(self) -> None:
        for number in range(self.rotations, 0, -1):
            for end in ("", ".gz"):
                old = Path(f"{self._copy(number)}{end}")
                if old.exists():
                    old.rename(f"{self._copy(number + 1)}{end}")

    def _stamped(self, path: Path) -> Path:
        self.rotations += 1
        os.utime(path, (1_760_000_000 + self.rotations, 1_760_000_000 + self.rotations))
        return path


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "mail.log")
    made.append("one", "two")
    return made


@pytest.fixture
def reader(log: Log) -> Reader:
    """A reader that has read the first two lines."""
    made = Reader(log.path)
    assert made.read() == ["one", "two"]
    return made


def test_what_was_added_is_read_once(log, reader):
    """A second look at the same content finds nothing."""
    log.append("three")
    assert reader.read() == ["three"]
    assert reader.read() == []
    assert reader.numbers == [1, 2, 3]


def test_a_line_without_its_end_waits_for_it(log, reader):
    """A daemon that writes half a line is read when the line is whole."""
    with log.path.open("ab") as file:
        file.write(b"thr")
    assert reader.read() == []
    log.append("ee", "four")
    assert reader.read() == ["three", "four"]


def test_a_file_that_never_was_is_an_error(tmp_path):
    """A wrong path in the configuration must not pass for silence."""
    with pytest.raises(SourceUnreadable, match=r"mail\.log: cannot be read: there is no such file"):
        Reader(tmp_path / "mail.log").read()


def test_a_file_that_may_not_be_read_is_an_error(tmp_path):
    """A folder in a file's place, say; its reason is told."""
    (tmp_path / "mail.log").mkdir()
    with pytest.raises(SourceUnreadable, match="Is a directory"):
        Reader(tmp_path / "mail.log").read()


def test_an_empty_file_is_read_when_it_has_lines(tmp_path):
    """A log that was just made says nothing yet."""
    log = Log(tmp_path / "mail.log")
    log.path.touch()
    reader = Reader(log.path)
    assert reader.read() == []
    log.append("one")
    assert reader.read() == ["one"]


@pytest.mark.parametrize("turn", ["rename", "copytruncate"])
def test_rotation_loses_and_repeats_nothing(log, reader, turn):
    """The rest of the old file comes before the new one, however it was rotated."""
    log.append("three")
    getattr(log, turn)()
    log.append("four")
    assert reader.read() == ["three", "four"]
    assert reader.read() == []
    assert reader.problems == []
    assert reader.numbers == [1, 2, 3, 1]


def test_a_truncated_file_that_grew_past_the_old_position_is_noticed(log, reader):
    """Its size says nothing; its first bytes do."""
    log.copytruncate()
    log.append("a longer line than both of the old ones", "another")
    assert reader.read() == ["a longer line than both of the old ones", "another"]


def test_a_truncated_file_that_grew_to_the_same_size_is_noticed(log, reader):
    """As above, to the byte."""
    log.copytruncate()
    log.append("ONE", "TWO")
    assert reader.read() == ["ONE", "TWO"]


@pytest.mark.parametrize("turn", ["rename", "copytruncate"])
def test_a_rotated_copy_is_found_compressed(log, reader, turn):
    """Some sites compress at once."""
    log.append("three")
    getattr(log, turn)()
    log.compress()
    log.append("four")
    assert reader.read() == ["three", "four"]
    assert reader.problems == []


@pytest.mark.parametrize(("end", "pack"), [("zst", ZstdCompressor().compress), ("xz", lzma.compress)])
def test_rotated_copies_may_be_packed_in_any_way(log, reader, end, pack):
    """Two rotations between two reads, both copies compressed; they are known as one series."""
    log.append("three")
    log.rename()
    log.append("four")
    log.rename()
    log.append("five")
    for number in (1, 2):
        plain = Path(f"{log.path}.{number}")
        packed = Path(f"{plain}.{end}")
        packed.write_bytes(pack(plain.read_bytes()))
        shutil.copystat(plain, packed)
        plain.unlink()
    assert reader.read() == ["three", "four", "five"]
    assert reader.problems == []


def test_lines_are_unwrapped_and_the_position_counts_those_of_the_file(tmp_path):
    """A line that stands for three is one line of the file."""
    path = tmp_path / "mail.log"
    line = "Nov 24 08:00:01 mx1 a[1]: "
    path.write_text(f"<22>{line}one\n{line}message repeated 3 times: [ one]\n<22>{line}two\n")
    (read,) = FollowedFile(path, UTC).read(None)
    assert read.lines.text.to_list() == [*[f"{line}one\n"] * 4, f"{line}two\n"]
    assert [read.lines.number(row) for row in range(5)] == [1, 2, 2, 2, 3]
    assert (read.position.line, read.position.offset) == (3, path.stat().st_size)


def test_the_last_line_of_a_rotated_file_is_unwrapped_too(log, reader):
    """Though it has no end."""
    with log.path.open("ab") as file:
        file.write(b"<22>Nov 24 08:00:01 mx1 a[1]: one")
    log.rename()
    log.append("four")
    assert reader.read() == ["Nov 24 08:00:01 mx1 a[1]: one", "four"]


def test_between_a_rename_and_the_new_file_nothing_is_lost(log, reader):
    """The daemon makes the new file with its first line, and writes to the old one until then."""
    log.append("three")
    old = log.rename(create=False)
    assert reader.read() == []
    with old.open("ab") as file:
        file.write(b"four\n")
    log.append("five")
    assert reader.read() == ["three", "four", "five"]


def test_while_the_new_file_is_empty_the_old_one_may_still_grow(log, reader):
    """Logrotate makes the new file first and tells the daemon afterwards."""
    log.append("three")
    old = log.rename()
    assert reader.read() == []
    with old.open("ab") as file:
        file.write(b"four\n")
    log.append("five")
    assert reader.read() == ["three", "four", "five"]


def test_files_that_came_and_went_between_two_reads_are_read(log, reader):
    """After an outage of days: the rest of the old file, those rotated after it, then the present one."""
    log.append("three")
    log.rename()
    log.append("four")
    log.rename()
    log.compress(2)
    log.append("five")
    log.copytruncate()
    log.append("six")
    assert reader.read() == ["three", "four", "five", "six"]
    assert reader.numbers == [1, 2, 3, 1, 1, 1]
    assert reader.problems == []


def test_other_files_beside_the_log_are_left_alone(log, reader):
    """Files whose names only begin alike are no rotated copies, nor is a copy that somebody made."""
    log.append("three")
    log.rename()
    log.append("four")
    Path(f"{log.path}.err").write_text("no line of this log\n")
    shutil.copyfile(log.path, f"{log.path}.9")
    shutil.copyfile(f"{log.path}.1", f"{log.path}.8")
    assert reader.read() == ["three", "four"]


def test_a_copy_that_is_being_compressed_is_finished_from_the_plain_one(log, reader):
    """A compressed copy without its end, beside the plain one: each line once all the same."""
    more = [f"line {number} of many, so that some of them unpack" for number in range(50_000)]
    log.append(*more)
    plain = log.rename()
    log.append("last")
    packed = gzip.compress(plain.read_bytes())
    Path(f"{plain}.gz").write_bytes(packed[: len(packed) // 2])
    assert reader.read() == [*more, "last"]
    assert reader.problems == []


def test_an_older_copy_that_is_being_compressed_is_not_read_again(log, reader):
    """Its packed copy is younger than what was rotated after it."""
    log.append("three")
    log.rename()
    log.append("four")
    assert reader.read() == ["three", "four"]
    log.append("five")
    log.rename()
    log.append("six")
    Path(f"{log.path}.2.gz").write_bytes(gzip.compress(Path(f"{log.path}.2").read_bytes()))
    assert reader.read() == ["five", "six"]
    assert reader.problems == []


def test_a_copy_that_goes_away_while_it_is_looked_for_is_found_by_the_next_read(log, reader, monkeypatch):
    """The plain one was there when the folder was listed."""
    log.append("three")
    log.rename()
    log.append("four")
    open_packed = followed.open_packed

    def compress_first(path: Path) -> BinaryIO:
        if path.exists():
            log.compress()
        return open_packed(path)

    with monkeypatch.context() as patch:
        patch.setattr(followed, "open_packed", compress_first)
        assert reader.read() == []
    assert reader.read() == ["three", "four"]
    assert reader.problems == []


def test_copies_may_be_numbered_and_dated(log, reader):
    """As where the naming was changed between two reads."""
    log.append("three")
    log.rename()
    log.append("four")
    log.rename().rename(f"{log.path}-20261124")
    log.append("five")
    assert reader.read() == ["three", "four", "five"]


def test_a_copy_that_was_made_by_hand_earlier_is_not_taken_for_all_of_it(log, reader):
    """Nor do the rotated ones after it go by its name."""
    shutil.copyfile(log.path, f"{log.path}.saved")
    os.utime(f"{log.path}.saved", (1_760_000_000, 1_760_000_000))
    log.append("three")
    log.rename()
    log.append("four")
    log.rename()
    log.append("five")
    assert reader.read() == ["three", "four", "five"]
    assert reader.problems == []


def test_a_new_file_begins_with_a_whole_line(log, reader):
    """By half a line it could not be known again."""
    log.append("three")
    log.rename()
    with log.path.open("ab") as file:
        file.write(b"f")
    assert reader.read(crash_after=2) == []
    log.append("our")
    log.rename()
    log.append("five")
    assert reader.read() == ["three", "four", "five"]


def test_a_file_that_came_and_went_and_does_not_unpack_is_told_of(log, reader):
    """From its first byte on, or from where it breaks off; those after it are read."""
    log.append("three")
    log.rename()
    log.append("four")
    log.rename()
    log.compress().write_bytes(b"\x1f\x8b\x08\x00nonsense")
    os.utime(f"{log.path}.1.gz", (1_760_000_003, 1_760_000_003))
    log.append("five")
    assert reader.read() == ["three", "five"]
    assert len(reader.problems) == 1
    assert reader.problems[0].startswith(f"{log.path}.1.gz:1: cannot be read from here on: ")


def test_a_copy_that_does_not_unpack_is_told_of(log, reader):
    """Its lines are lost, and no lines of others are."""
    log.rename()
    log.compress().write_bytes(b"\x1f\x8b\x08\x00nonsense")
    log.append("three")
    assert reader.read() == ["three"]
    assert len(reader.problems) == 1


def test_a_file_that_is_gone_without_a_copy_is_told_of_once(log, reader):
    """Lines may be lost then, and the reader goes on with the new file."""
    log.path.unlink()
    log.append("three")
    assert reader.read() == ["three"]
    assert reader.read() == []
    assert reader.problems == [
        f"{log.path}:3: was rotated, and no rotated copy begins as it did: lines after this one may be lost"
    ]


def test_the_last_line_of_a_rotated_file_needs_no_end(log, reader):
    """Nothing is added to a rotated file any more."""
    with log.path.open("ab") as file:
        file.write(b"three")
    log.rename()
    log.append("four")
    assert reader.read() == ["three", "four"]


def test_odd_bytes_are_told_of_and_read(log, reader):
    """NUL bytes are dropped, what is no UTF-8 is replaced, and the lines are numbered as they stand."""
    with log.path.open("ab") as file:
        file.write(b"\0\0three\nfo\xffur\n")
    assert reader.read() == ["three", "fo\ufffdur"]
    assert reader.problems == [
        f"{log.path}:3: has NUL bytes (from here on); they were dropped",
        f"{log.path}:4: is not UTF-8 (from here on); the bytes were replaced by U+FFFD",
    ]


def test_ten_megabytes_at_once_come_in_batches(log, reader):
    """Memory stays bounded, and no line is cut at a batch's end."""
    more = [f"{number:07} {'x' * 90}" for number in range(100_000)]
    log.append(*more)
    assert len(list(FollowedFile(log.path, UTC).read(reader.position))) == 2
    assert reader.read() == more
    assert reader.numbers == list(range(1, 100_003))


def test_a_name_with_wildcards_is_taken_as_it_stands(tmp_path):
    """A file named mail[1]*.log has neighbours of its own name only."""
    log = Log(tmp_path / "mail[1]*.log")
    log.append("one")
    reader = Reader(log.path)
    reader.read()
    log.append("two")
    log.rename()
    log.append("three")
    assert reader.read() == ["two", "three"]


moves = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 30)),
        st.tuples(st.just("half"), st.none()),
        st.tuples(st.just("read"), st.none()),
        st.tuples(st.just("crash"), st.integers(0, 3)),
        st.tuples(st.just("rename"), st.booleans()),
        st.tuples(st.just("copytruncate"), st.none()),
        st.tuples(st.just("compress"), st.integers(1, 3)),
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(moves, st.integers(1, 200))
def test_any_interleaving_yields_every_line_once_in_order(tmp_path_factory, moves, batch):
    """Appends, half lines, rotations, compressions, reads and crashes before a commit, in any order."""
    log = Log(tmp_path_factory.mktemp("log") / "mail.log")
    log.append("line 0")
    written, half = ["line 0"], ""
    reader = Reader(log.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(followed, "BATCH", batch)
        patch.setattr(followed, "ROTATED", 30)
        reader.read()

        def finish() -> None:
            nonlocal half
            if half:
                with log.path.open("ab") as file:
                    file.write(b"\n")
                written.append(half)
                half = ""

        for move, argument in moves:
            if move == "append":
                finish()
                new = [f"line {len(written) + n}" for n in range(argument)]
                log.append(*new)
                written += new
            elif move == "half" and not half:
                half = f"line {len(written)}, written in two parts"
                with log.path.open("ab") as file:
                    file.write(half.encode())
            elif move == "read" and log.path.exists():
                reader.read()
            elif move == "crash" and log.path.exists():
                reader.read(crash_after=argument)
            elif move in ("rename", "copytruncate") and log.path.exists() and log.path.stat().st_size:
                finish()
                log.rename(argument) if move == "rename" else log.copytruncate()
            elif move == "compress" and Path(f"{log.path}.{argument}").exists():
                log.compress(argument)
        finish()
        log.append("the last")
        reader.read()
    assert reader.lines == [*written, "the last"]
    assert reader.problems == []
    assert reader.read() == []
