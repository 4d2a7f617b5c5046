"""Goes on with the runs that have something left to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from responder.errors import ResponderError
from responder.runs.run import Progress

log = structlog.get_logger()

AT_ONCE = 8
"""Runs worked on side by side, so that one slow system does not hold up the accounts behind it."""


@dataclass(slots=True)
class Workers:
    """Works on every unfinished run, each by one thread."""

    unfinished: Callable[[], list[int]]
    advance: Callable[[int], Progress]
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "run"))
    _busy: set[int] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """Hands every unfinished run that nobody works on to a thread."""
        for run_id in self.unfinished():
            with self._guard:
                if run_id in self._busy:
                    continue
                self._busy.add(run_id)
            self._pool.submit(self._one, run_id)

    def stop(self) -> None:
        """Lets the runs at work come to the end of their step and waits for them."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, run_id: int) -> None:
        try:
            self.advance(run_id)
        except ResponderError as error:
            log.error("run cannot go on", run=run_id, why=str(error))
        except Exception:
            # The boundary of a run: the others go on, and this one is looked at again at the next turn.
            log.exception("run failed at something unknown", run=run_id)
        finally:
            with self._guard:
                self._busy.discard(run_id)
