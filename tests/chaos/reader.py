"""Follows logs into an event store until it is killed; waits to be told to begin, so that its start takes no time.

``python reader.py FOLDER`` follows ``mail.log`` and ``dovecot.log`` there. It says ``r`` when it is ready, and a number
on standard input begins: 0 looks again and again, N dies inside a transaction, at the statement of that number, and -1
looks once and ends. A look after which it stands in the present files is a dot on standard output; what could not be
read is told on standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from responder.events.store import DuckDBStore
from responder.formats import formats
from responder.live.ingest import Ingest
from responder.sources.fingerprint import fingerprint
from responder.sources.followed import FollowedFile
from responder.sources.position import Position

FORMATS = {"mail.log": "postfix", "dovecot.log": "dovecot"}
KEY = b"the same for all stores that are compared"


class MortalStore(DuckDBStore):
    """A store that dies before the statement of a number, of those that write."""

    dies_at = 0

    def _do(self, sql: str, parameters: list[object] | None = None) -> list[Any]:
        if self.dies_at and sql.startswith(("INSERT INTO e", "INSERT INTO o", "DELETE", "INSERT OR")):
            self.dies_at -= 1
            if not self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return super()._do(sql, parameters)


def ingest(folder: Path, store: DuckDBStore) -> Ingest:
    """What follows the logs of a folder, as ``serve`` has it."""
    zone, known = ZoneInfo("UTC"), formats()
    sources = [(FollowedFile(folder / name, zone), known[format_]) for name, format_ in FORMATS.items()]
    return Ingest(store, "example.org", sources)


def in_present(position: Position) -> bool:
    """Whether a position is in the file that its log is now."""
    try:
        head = Path(position.source).read_bytes()[: position.fingerprint_length]
    except FileNotFoundError:
        return False
    return fingerprint(head, position.fingerprint_length) == position.fingerprint


def main() -> None:
    """Does what the first line of standard input says."""
    folder = Path(sys.argv[1])
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    formats()
    print("r", end="", flush=True)
    number = int(sys.stdin.readline())
    store = MortalStore(folder / "events.duckdb", KEY)
    store.dies_at = max(number, 0)
    reader = ingest(folder, store)
    while True:
        reader.read()
        if all(map(in_present, store.positions().values())):
            print(".", end="", flush=True)
        if number < 0:
            break
        sleep(0.005)
    store.close()


if __name__ == "__main__":
    main()
