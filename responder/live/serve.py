"""Everything in one process: reads, looks, decides, acts, until it is told to stop."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from responder.errors import ResponderError
from responder.live.ingest import Ingest
from responder.live.names import NameBook
from responder.live.schedule import Job, Schedule
from responder.live.watch import Watch
from responder.live.workers import Workers
from responder.sources.receiver import Receiver

log = structlog.get_logger()

READ_EVERY = 1
WORK_EVERY = 1
PURGE_EVERY = 3600
NAMES_EVERY = 3600
"""Seconds between two times of each."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a serving process."""

    ingest: Ingest
    names: NameBook
    watch: Watch
    workers: Workers
    keep_days: int
    receivers: Sequence[Receiver] = ()

    def run(self, stop: threading.Event) -> None:
        """Serves until ``stop`` is set, then ends in order: no new looks, and the steps at work finished."""
        self.names.begin()
        schedule = Schedule(
            [
                Job("look", self.watch.interval, self._look),
                Job("read", READ_EVERY, self.ingest.read),
                Job("work", WORK_EVERY, self.workers.work),
                Job("purge", PURGE_EVERY, lambda: self.watch.forget(self.keep_days)),
                Job("names", NAMES_EVERY, self.names.refresh),
            ]
        )
        for receiver in self.receivers:
            receiver.start()
        schedule.start()
        log.info("serving", sources=len(self.ingest.sources), interval=self.watch.interval)
        while not stop.wait(1):
            pass  # a signal that comes just before a wait without end is not seen until the wait ends
        log.info("stopping")
        for receiver in self.receivers:
            receiver.stop()
        schedule.stop()
        self.workers.stop()

    def _look(self) -> None:
        self.ingest.read()
        if self.watch.look():
            self.workers.work()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds the site for this process; raises ResponderError while another one has it.

    The lock is the operating system's, and goes with the process however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResponderError(
                f"{path}: another 'responder serve' is at work here; stop it first"
            ) from None
        yield
    finally:
        os.close(descriptor)
