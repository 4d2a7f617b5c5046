"""Tells of sources that have fallen silent, while they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from responder.clock import Clock, SystemClock
from responder.events.gaps import SILENCE

log = structlog.get_logger()


@dataclass(slots=True)
class Silence:
    """Says once that a source is silent, and once that it is so no more.

    ``limits``: how long each source may have no line, ``SILENCE`` where nothing is said of it.
    """

    clock: Clock = field(default_factory=SystemClock)
    limits: Mapping[str, timedelta] = field(default_factory=dict)
    _since: dict[str, datetime] = field(default_factory=dict)

    def limit(self, source: str) -> timedelta:
        """How long the source may have no line."""
        return self.limits.get(source, SILENCE)

    def passed(self, newest: datetime | None) -> datetime | None:
        """A line's time, and not later than now: a clock that runs ahead must not hide the silence after it."""
        return newest and min(newest, self._now())

    def look(self, source: str, newest: datetime | None) -> None:
        """Compares the newest line of a source with the present; times are UTC, without zone."""
        if newest and self._now() - newest > self.limit(source):
            if source not in self._since:
                log.warning("source silent", source=source, since=f"{newest.isoformat()}Z")
                self._since[source] = newest
        elif since := self._since.pop(source, None):
            log.info("source no longer silent", source=source, was_since=f"{since.isoformat()}Z")

    def _now(self) -> datetime:
        return self.clock.now().astimezone(UTC).replace(tzinfo=None)
