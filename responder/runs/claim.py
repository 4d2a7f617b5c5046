"""Who is working on a run: one thread of one process at a time.

A record lock on a file beside the state database, one byte for each run: the operating system lets go of it
when the process dies, so that a restart need not wait for a lease to run out.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

_BETWEEN = 0.05  # seconds between two looks at a claim that is somebody else's


class Claims:
    """The claims of one process; they hold against others where the state is a file."""

    def __init__(self, state: Engine) -> None:
        self._mine: set[int] = set()
        self._guard = threading.Lock()
        database = state.url.database
        self._file = Path(f"{database}.claims") if database else None
        self._descriptor: int | None = None

    @contextmanager
    def claim(self, run_id: int, patience: float = 0.0) -> Iterator[bool]:
        """Whether the run is ours for the length of the block; False: somebody else works on it.

        ``patience``: for how many seconds to ask again while it is somebody else's.
        """
        end = time.monotonic() + patience
        while not (ours := self._take(run_id)) and time.monotonic() < end:
            time.sleep(_BETWEEN)
        try:
            yield ours
        finally:
            if ours:
                with self._guard:
                    self._mine.discard(run_id)
                    self._unlock(run_id)

    def _take(self, run_id: int) -> bool:
        with self._guard:
            ours = run_id not in self._mine and self._lock(run_id)
            if ours:
                self._mine.add(run_id)
        return ours

    def _lock(self, run_id: int) -> bool:
        if self._file is None:
            return True
        if self._descriptor is None:  # kept open: closing it anywhere would drop every claim of the process
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, run_id)
        except BlockingIOError:
            return False
        return True

    def _unlock(self, run_id: int) -> None:
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, run_id)
