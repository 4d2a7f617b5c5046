"""Logs rotated in every way while their reader is killed again and again: each line is taken in once.

``python -m tests.chaos.rotation --rotations 200`` rotates two logs, each that often, and holds the store that comes of
it against one that read the same lines in peace. The seed that it prints chooses the same rotations again; how they
meet the reader is left to the machine.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from threading import Event, Lock
from time import sleep
from typing import Any, BinaryIO

import duckdb
from zstandard import ZstdCompressor

from responder.events.store import DuckDBStore

from .reader import KEY, ingest

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": ZstdCompressor().compress,
    "xz": lzma.compress,
}

KINDS = (
    "rename",
    "rename, gz",
    "rename, zst",
    "rename, xz",
    "rename, delayed",
    "rename, older",
    "dateext",
    "dateext, gz",
    "dateext, older",
    "copytruncate",
    "copytruncate, gz",
    "copytruncate, zst",
)
"""How the log is taken away, and what is compressed: that copy at once, the one before it (``delayed``: before the
log is rotated, as logrotate does; ``older``: after it, as jobs of one's own do), or nothing."""

LINES = 400
"""Lines of Postfix from one rotation to the next."""

KEPT = 12
"""Rotated files that stay."""

UNSEEN = 5
"""Rotations that may come while no reader gets to look: fewer than the rotated files that it looks at."""


@dataclass
class Log:
    """A log, the daemon that writes it and what rotates it; the daemon writes whole lines to each file."""

    path: Path
    text: bytes
    chance: random.Random
    sent: int = 0
    upto: int = 0
    """Bytes that the daemon may write by now."""
    begins: list[int] = field(default_factory=lambda: [0])
    """How many bytes were written before each of the files."""
    _file: BinaryIO | None = None
    _lock: Lock = field(default_factory=Lock)

    def write(self, size: int) -> None:
        """Up to so many bytes, wherever that ends."""
        with self._lock:
            self._write(min(size, self.upto - self.sent))

    def _write(self, size: int) -> None:
        if size > 0:
            self._file = self._file or self.path.open("ab", buffering=0)
            self._file.write(self.text[self.sent : self.sent + size])
            self.sent += size

    def close(self) -> None:
        """What is written next begins a file, where there is none by then."""
        if self._file:
            self._file.close()
        self._file = None

    def _finish(self) -> None:
        """The rest of a line, after which the next file begins."""
        if self.sent and self.text[self.sent - 1] != 10:
            self._write(self.text.index(b"\n", self.sent) + 1 - self.sent)
        self.begins.append(self.sent)

    def rotate(self, kind: str) -> None:
        """Once, in one of ``KINDS``, when the log has a line."""
        while b"\n" not in self.text[self.begins[-1] : self.sent]:
            sleep(0.001)
        move, _, pack = kind.partition(", ")
        if pack == "delayed":
            self._compress(self._numbered(1), "gz")
        copy = self.path.with_name(
            f"{self.path.name}-{date(2026, 1, 1) + timedelta(len(self.begins)):%Y%m%d}"
        )
        if move != "dateext":
            self._shift()
            copy = self._numbered(1)
        if move == "copytruncate":
            self._copytruncate(copy)
        else:
            self._rename(copy)
        if pack in PACKERS:
            self._compress(copy, pack)
        if pack == "older":
            plain = [each for each in self._copies() if each.suffix[1:] not in PACKERS and each != copy]
            for each in plain[:1]:
                self._compress(each, "gz")
        for each in self._copies()[KEPT:]:
            each.unlink()

    def _rename(self, copy: Path) -> None:
        """The daemon writes to the renamed file until it is told to begin a new one."""
        self.path.rename(copy)
        if self.chance.random() < 0.7:
            self.path.touch()
        sleep(self.chance.uniform(0, 0.05))
        with self._lock:
            self._finish()
            self.close()

    def _copytruncate(self, copy: Path) -> None:
        """The daemon holds still meanwhile: what it writes between the two, the tool itself would lose."""
        with self._lock:
            self._finish()
            self._slowly(copy, self.path.read_bytes())
            os.truncate(self.path, 0)

    def _compress(self, plain: Path, pack: str) -> None:
        """Beside the plain file, which stays until the packed one is whole and has its time."""
        if plain.exists():
            packed = Path(f"{plain}.{pack}")
            self._slowly(packed, PACKERS[pack](plain.read_bytes()))
            shutil.copystat(plain, packed)
            sleep(self.chance.uniform(0, 0.01))
            plain.unlink()

    def _slowly(self, path: Path, data: bytes) -> None:
        pieces = self.chance.randrange(1, 10)
        with path.open("wb", buffering=0) as file:
            for number in range(pieces):
                sleep(self.chance.uniform(0, 0.015))
                file.write(data[len(data) * number // pieces : len(data) * (number + 1) // pieces])

    def _shift(self) -> None:
        """Each numbered copy takes the next number, from the last one on."""
        for copy in reversed(self._copies()):
            if found := re.fullmatch(r"(.+\.log\.)(\d+)(.*)", copy.name):
                copy.rename(copy.with_name(f"{found[1]}{int(found[2]) + 1}{found[3]}"))

    def _numbered(self, number: int) -> Path:
        return Path(f"{self.path}.{number}")

    def _copies(self) -> list[Path]:
        """The rotated files, the newest first."""
        copies = self.path.parent.glob(f"{self.path.name}[.-]*")
        return sorted(copies, key=lambda copy: copy.stat().st_mtime_ns, reverse=True)


@dataclass
class Killer:
    """Starts readers and kills them, one after the other, until it is stopped."""

    folder: Path
    chance: random.Random
    rotations: int = 0
    seen: int = 0
    """Rotations that came before a look after which a reader stood in the present files."""
    kills: Counter[str] = field(default_factory=Counter)
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        """Readers live for 10 to 300 ms, or longer when they have not got on for long, or die inside a transaction.

        Some stay dead for up to 0.8 s.
        """
        with (self.folder / "trouble").open("w") as trouble:
            waiting = self._started(trouble)
            while not self.stopped.is_set():
                reader, waiting = waiting, self._started(trouble)
                self._live(reader, self.chance.choice((0, 0, 0, 1, 2, 3, 4, 5, 6)))
                if self.chance.random() < 0.3:
                    sleep(self.chance.uniform(0, 0.8))
            waiting.communicate(b"-1\n")
            if waiting.returncode:
                raise RuntimeError(f"the last reader failed: {(self.folder / 'trouble').read_text()[-2000:]}")

    def _started(self, trouble: object) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("reader.py")
        return subprocess.Popen(
            [sys.executable, script, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=trouble,  # type: ignore[call-overload]
            bufsize=0,
        )

    def _live(self, reader: subprocess.Popen[bytes], statement: int) -> None:
        assert reader.stdin and reader.stdout
        looks = b""
        reader.stdout.read(1)  # it is ready
        before = self.rotations
        behind = before - self.seen >= UNSEEN
        with suppress(BrokenPipeError):  # why it ended is told below
            reader.stdin.write(b"%d\n" % (0 if behind else statement))
        if behind:
            looks = reader.stdout.read(1)
        elif statement:
            with suppress(subprocess.TimeoutExpired):
                reader.wait(1)
        if behind or not statement:
            sleep(self.chance.uniform(0.01, 0.3))
        dead = reader.poll()
        reader.kill()
        looks += reader.communicate()[0]
        if reader.returncode != -signal.SIGKILL:
            raise RuntimeError(f"a reader ended by itself: {(self.folder / 'trouble').read_text()[-2000:]}")
        self.kills["at random" if dead is None else "in a transaction"] += 1
        if looks:
            self.seen = before


@dataclass
class Outcome:
    """What came of it; ``differences`` is empty when nothing was lost, repeated or changed."""

    rotations: Counter[str]
    kills: Counter[str]
    lines: int
    events: int = 0
    open_messages: int = 0
    lost: int = 0
    repeated: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = "; ".join(f"{kind}: {count}" for kind, count in sorted(self.rotations.items()))
        kills = ", ".join(f"{count} {when}" for when, count in sorted(self.kills.items()))
        return (
            f"{self.rotations.total()} rotations ({kinds})\n{self.kills.total()} kills ({kills})\n"
            f"{self.lines} lines, {self.events} events, {self.open_messages} open messages: "
            f"lost {self.lost}, repeated {self.repeated}"
        )


def chaos(
    folder: Path, texts: dict[str, bytes], rotations: int, seed: int, progress: bool = False
) -> Outcome:
    """Writes the lines of each log in ``texts`` to ``folder`` and rotates each so many times, first in each kind.

    Raises RuntimeError when a reader fails by itself.
    """
    chance = random.Random(seed)
    logs = [Log(folder / name, text, random.Random(chance.random())) for name, text in texts.items()]
    killer = Killer(folder, random.Random(chance.random()))
    with ThreadPoolExecutor() as threads:
        try:
            writing = threads.submit(_write, logs, chance.random(), killer.stopped)
            _spend(logs, 1, rotations + 1)
            _first_look(folder, logs)
            killing = threads.submit(killer.run)
            turned = _rotate(logs, killer, rotations, chance, progress, (writing, killing))
            while not all(log.sent == len(log.text) for log in logs):
                sleep(0.01)
        finally:
            killer.stopped.set()
        writing.result()
        killing.result()
    for log in logs:
        log.close()
    outcome = Outcome(turned, killer.kills, sum(text.count(b"\n") for text in texts.values()))
    _compare(folder, logs, outcome)
    return outcome


def texts_of(day: Path, rotations: int, seed: int) -> dict[str, bytes]:
    """What the logs are to say, from a day of Postfix, of which the last messages are still in the queue."""
    lines = day.read_bytes().splitlines(keepends=True)
    return {
        "mail.log": b"".join(lines[: min(len(lines) * 9 // 10, LINES * rotations)]),
        "dovecot.log": _logins(LINES * rotations // 4, seed),
    }


def _logins(count: int, seed: int) -> bytes:
    """Lines of Dovecot: who logged in, and who could not."""
    chance = random.Random(seed)
    ends = ("Login: ", "Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): ")
    return "".join(
        f"{datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}+00:00 mx1 dovecot[9]: "
        f"imap-login: {chance.choice(ends)}user=<u{chance.randrange(500)}>, method=PLAIN, "
        f"rip=192.0.2.{chance.randrange(256)}, lip=198.51.100.7, TLS, session=<{number}>\n"
        for number in range(count)
    ).encode()


def _spend(logs: list[Log], parts: int, of: int) -> None:
    """The daemons may write so many parts of all."""
    for log in logs:
        log.upto = len(log.text) * parts // of


def _write(logs: list[Log], seed: float, stopped: Event) -> None:
    """What the daemons do: pieces of a few bytes or of many lines."""
    chance = random.Random(seed)
    while not stopped.is_set():
        for log in logs:
            log.write(chance.choice((chance.randrange(1, 60), chance.randrange(1, 6000))))
        sleep(0.001)


def _first_look(folder: Path, logs: list[Log]) -> None:
    """A file that was rotated before the first look ever is none of the reader's."""
    while not all(b"\n" in log.text[: log.sent] for log in logs):
        sleep(0.001)
    store = DuckDBStore(folder / "events.duckdb", KEY)
    ingest(folder, store).read()
    store.close()


def _rotate(
    logs: list[Log],
    killer: Killer,
    rotations: int,
    chance: random.Random,
    progress: bool,
    others: tuple[Future[None], ...],
) -> Counter[str]:
    """Rotates the logs while the ``others`` do what they do; returns how often in each way."""
    turned: Counter[str] = Counter()
    order = [chance.sample(KINDS, len(KINDS)) for _ in logs]
    for number in range(rotations):
        sleep(chance.uniform(0.05, 0.4))
        for log, first in zip(logs, order, strict=True):
            kind = first[number] if number < len(first) else chance.choice(KINDS)
            log.rotate(kind)
            turned[kind] += 1
        killer.rotations += 1
        _spend(logs, number + 2, rotations + 1)
        while killer.rotations - killer.seen > UNSEEN:
            if any(other.done() for other in others):
                return turned  # its error is told by whoever waits for it
            sleep(0.005)
        if progress and number % 20 == 19:
            print(f"{number + 1} rotations, {killer.kills.total()} kills", file=sys.stderr, flush=True)
    return turned


def _compare(folder: Path, logs: list[Log], outcome: Outcome) -> None:
    """Holds the store against that of one read of the same lines, each log in one file."""
    calm = folder / "calm"
    calm.mkdir()
    for log in logs:
        (calm / log.path.name).write_bytes(log.text)
    store = DuckDBStore(calm / "events.duckdb", KEY)
    ingest(calm, store).read()
    store.close()
    trouble = (folder / "trouble").read_text(encoding="utf-8").splitlines()
    outcome.differences += [
        f"told of: {line}" for line in trouble if "source problem" in line or "source unreadable" in line
    ]
    for log in logs:
        starts = [log.text.count(b"\n", 0, begin) for begin in log.begins]
        stored = _events(folder, log.path.name)
        right = [
            (number - starts[bisect_left(starts, number) - 1], *more)
            for number, *more in _events(calm, log.path.name)
        ]
        outcome.events += len(right)
        outcome.lost += (Counter(right) - Counter(stored)).total()
        outcome.repeated += (Counter(stored) - Counter(right)).total()
        for place, (got, should) in enumerate(zip_longest(stored, right)):
            if got != should:
                outcome.differences.append(f"{log.path.name}: event {place} is {got}, should be {should}")
                break
    opened = _rows(folder, "SELECT * FROM open_messages ORDER BY ALL")
    right_opened = _rows(calm, "SELECT * FROM open_messages ORDER BY ALL")
    outcome.open_messages = len(right_opened)
    for got, should in zip_longest(opened, right_opened):
        if got != should:
            outcome.differences.append(f"open messages: {got}, should be {should}")
            break
    numbers = [number for (number,) in _rows(folder, "SELECT number FROM events ORDER BY number")]
    if numbers != list(range(1, len(numbers) + 1)):
        outcome.differences.append("events are not numbered one by one")


def _events(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """A log's events in the order of their numbers: the line, then all but number and source."""
    return _rows(
        folder,
        "SELECT line, * EXCLUDE (number, source, line) FROM events WHERE source = ? ORDER BY number",
        [str(folder / name)],
    )


def _rows(folder: Path, sql: str, parameters: list[str] | None = None) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "events.duckdb"), read_only=True) as store:
        return store.execute(sql, parameters or []).fetchall()


def main() -> int:
    """Runs as the command line says; 1 when the two stores differ."""
    from tests.bench.mail_log import write as write_log  # not where the tests import this file from

    parser = argparse.ArgumentParser(description="Rotate logs while their reader is killed.")
    parser.add_argument("--rotations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        day = Path(folder) / "day"
        write_log(day, LINES * options.rotations // 20, seed=options.seed, style="iso")
        texts = texts_of(day, options.rotations, options.seed)
        outcome = chaos(Path(folder), texts, options.rotations, options.seed, progress=True)
    print(outcome)
    for difference in outcome.differences[:5]:
        print(difference)
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
