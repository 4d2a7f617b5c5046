"""The spool: received lines are read once, however it is turned, killed, or left without space."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.formats import format_named
from responder.sources import spool as spools
from responder.sources.position import Position
from responder.sources.spool import Spool, spool_file

UTC = ZoneInfo("UTC")


@dataclass
class Kept:
    """A spool and who reads it; ``again`` is another process after the one before was killed."""

    folder: Path
    position: Position | None = None
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder, UTC, None)

    @property
    def path(self) -> Path:
        return spool_file(self.folder)

    def add(self, *lines: str) -> None:
        self.spool.add("".join(f"{line}\n" for line in lines).encode())

    def read(self, crash_after: int | None = None) -> list[str]:
        """The received lines that were added; a crash comes before the commit of the batch of that number."""
        added: list[str] = []
        for number, read in enumerate(self.spool.read(self.position)):
            if number == crash_after:
                break
            self.position = read.position
            added += [
                line.removesuffix("\n") for line in read.lines.text if "responder: received" not in line
            ]
            self.problems += [str(problem) for problem in read.lines.problems]
        self.lines += added
        return added

    def again(self) -> None:
        self.spool.close()
        self.spool = Spool(self.folder, UTC, self.position)

    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "received" / "192.0.2.1:6514")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file after each few lines."""
    monkeypatch.setattr(spools, "TURN_AT", 200)


def test_what_was_received_is_read_once(kept):
    """Its priority is taken off as for any file."""
    kept.add("<22>Nov 24 08:00:01 mx1 a[1]: one", "two")
    assert kept.read() == ["Nov 24 08:00:01 mx1 a[1]: one", "two"]
    kept.add("three")
    assert kept.read() == ["three"]
    assert kept.read() == []


def test_only_the_owner_may_read_it(kept):
    """Log lines have names in them."""
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.folder.stat().st_mode & 0o777 == 0o700


def test_a_new_file_is_begun_and_the_old_one_deleted_when_it_was_read(kept, small):
    """Lines that come between belong to the old one or the new one, and are read."""
    kept.add("one", "x" * 200)
    kept.read()
    kept.add("two")
    assert kept.read() == ["two"]
    assert kept.files() == ["lines", "lines.1"]
    assert kept.read() == []
    assert kept.files() == ["lines"]
    assert kept.path.stat().st_size < 200


def test_a_file_that_was_not_read_is_not_turned(kept, small):
    """There are two at most, so the reader always finds where it stood."""
    kept.add("x" * 200)
    kept.read()
    kept.read(crash_after=0)
    for number in range(30):
        kept.add(f"{number} {'x' * 200}")
        kept.read(crash_after=0)
    assert kept.files() == ["lines", "lines.1"]
    kept.read()
    assert [line.split()[0] for line in kept.lines[1:]] == [str(number) for number in range(30)]
    assert kept.problems == []


def test_nothing_received_lies_around_for_long(kept, monkeypatch):
    """A quiet site's file goes by its age; one without received lines stays."""
    monkeypatch.setattr(spools, "TURN_AFTER", 0)
    kept.add("one")
    for _ in range(4):
        kept.read()
    assert kept.lines == ["one"]
    assert kept.files() == ["lines"]
    assert b"one" not in kept.path.read_bytes()
    before = kept.path.read_bytes()
    kept.read()
    assert kept.path.read_bytes() == before


def test_files_that_begin_with_the_same_lines_are_told_apart(kept, small):
    """A sender that sends all of it again, say."""
    same = ["one", "two", "x" * 300]
    for _ in range(3):
        kept.add(*same)
        kept.read()
    assert kept.lines == same * 3


def test_half_a_line_of_a_killed_process_is_taken_away(kept):
    """What would be made of it together with the next one, nobody has sent."""
    kept.add("one")
    kept.read()
    with kept.path.open("ab") as file:
        file.write(b"tw" + b"o" * 200_000)
    kept.again()
    kept.add("three")
    assert kept.read() == ["three"]
    assert kept.problems == []


@pytest.mark.parametrize("lost", [1, 20, 10_000])
def test_what_a_power_cut_took_of_the_file_is_not_read_again(kept, lost):
    """The events were stored; lines that come then are read from their beginning."""
    kept.add(*(f"line {number}" for number in range(2000)))
    kept.read()
    os.truncate(kept.path, kept.path.stat().st_size - lost)
    kept.again()
    kept.add("new")
    assert kept.read() == ["new"]
    assert kept.problems == []


@pytest.mark.parametrize("left", ["nothing", "an empty file", "no new file"])
def test_a_start_in_the_middle_of_a_turn_goes_on(kept, left):
    """However far the renaming came."""
    kept.add("one")
    kept.read()
    kept.add("two")
    if left == "no new file":
        kept.path.rename(kept.folder / "lines.1")
    elif left == "an empty file":
        kept.path.rename(kept.folder / "lines.1")
        kept.path.touch()
    (kept.folder / "next").write_bytes(b"2025-11-24T08:")
    kept.again()
    kept.add("three")
    assert kept.read() == ["two", "three"]
    assert kept.problems == []


def test_without_space_nothing_is_lost_and_lines_stay_whole(kept, monkeypatch):
    """The rest of a line is written before any other."""
    write, space = os.write, [3]

    def narrow(file: int, data: bytes) -> int:
        if not space[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(file, bytes(data)[: space[0]])
        space[0] -= taken
        return taken

    monkeypatch.setattr(os, "write", narrow)
    for line in ("one", "two"):
        with pytest.raises(OSError, match="No space left"):
            kept.add(line)
    assert kept.spool.waiting == 5
    assert kept.read() == []
    space[0] = 1000
    kept.add("three")
    assert kept.spool.waiting == 0
    assert kept.read() == ["one", "two", "three"]


def test_a_spool_that_nobody_reads_is_full_one_day(kept, monkeypatch):
    """And takes lines again when it was read."""
    monkeypatch.setattr(spools, "FULL", 300)
    monkeypatch.setattr(spools, "TURN_AT", 300)
    kept.add("x" * 300)
    with pytest.raises(OSError, match="are not read yet"):
        kept.add("two")
    kept.read()
    kept.read()
    kept.add("three")
    kept.read()
    assert kept.lines == ["x" * 300, "two", "three"]


@pytest.mark.parametrize(
    "name", ["postfix", "dovecot", "exim", "sendmail", "opensmtpd", "roundcube", "zimbra", "postfix+dovecot"]
)
def test_its_own_line_is_none_of_any_format(kept, name):
    """Nobody is told of a line that nobody sent."""
    (read,) = kept.spool.read(None)
    assert list(format_named(name).parse(read.lines).problems) == []


moves = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 30)),
        st.tuples(st.just("half"), st.none()),
        st.tuples(st.just("read"), st.none()),
        st.tuples(st.just("crash"), st.integers(0, 3)),
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(moves)
def test_any_interleaving_yields_every_line_once_in_order(tmp_path_factory, moves):
    """Lines, turns, reads, kills in the middle of a write and before a commit, in any order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spools, "TURN_AT", 150)
        patch.setattr(os, "fsync", lambda _: None)  # only a power cut could tell
        kept, written = Kept(tmp_path_factory.mktemp("spool")), []
        for move, argument in moves:
            if move == "add":
                new = [f"line {len(written) + number}" for number in range(argument)]
                kept.add(*new)
                written += new
            elif move == "half":
                with kept.path.open("ab") as file:
                    file.write(b"half a li")
                kept.again()
            elif move == "read":
                kept.read()
            elif move == "crash":
                kept.read(crash_after=argument)
                kept.again()
        kept.add("the last")
        kept.read()
        kept.spool.close()
    assert kept.lines == [*written, "the last"]
    assert kept.problems == []
