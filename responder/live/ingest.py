"""Reads what was added to the followed logs into the event store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import structlog

from responder.errors import SourceUnreadable
from responder.events.lives import join, settled
from responder.events.store import EventStore
from responder.formats.format import Format
from responder.sources.followed import FollowedFile

log = structlog.get_logger()


@dataclass(slots=True)
class Ingest:
    """Reads the sources, one after the other; a source that cannot be read does not stop the others.

    Events, open messages and the position are one transaction of the store, and nothing is kept here in memory:
    a process killed anywhere goes on exactly where the store stands.
    """

    store: EventStore
    domain: str | None
    sources: list[tuple[FollowedFile, Format]]
    unreadable: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> int:
        """Takes in all that was added; returns the number of lines."""
        with self._lock:
            return self._read()

    def _read(self) -> int:
        positions, count = self.store.positions(), 0
        for file, format_ in self.sources:
            try:
                for read in file.read(positions.get(file.source)):
                    joined = join(format_.parse(read.lines), file.source, self.domain)
                    for problem in joined.parsed.problems:
                        log.warning(
                            "source problem", where=f"{problem.source}:{problem.line}", what=problem.message
                        )
                    part, change = settled(joined, self.store.open_messages(joined.asked()))
                    self.store.add(part.flat(), change, [read.position])
                    count += len(read.lines)
            except SourceUnreadable as error:
                if self.unreadable.get(file.source) != str(error):
                    log.error("source unreadable", what=str(error))
                self.unreadable[file.source] = str(error)
            else:
                if self.unreadable.pop(file.source, None):
                    log.info("source readable again", source=file.source)
        return count
