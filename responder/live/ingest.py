"""Reads what was added to the followed logs into the event store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import structlog

from responder.errors import SourceUnreadable
from responder.events.account import Names
from responder.events.gaps import heard
from responder.events.late import Late
from responder.events.lives import Part, join, settled
from responder.events.store import EventStore
from responder.events.webmail import Webmail
from responder.formats.format import Format
from responder.live.silence import Silence
from responder.sources.before import carried, read_back, written
from responder.sources.followed import FollowedFile

log = structlog.get_logger()


@dataclass(slots=True)
class Ingest:
    """Reads the sources, one after the other; a source that cannot be read does not stop the others.

    Events, open messages and the position are one transaction of the store, and nothing is kept here in memory:
    a process killed anywhere goes on exactly where the store stands.
    """

    store: EventStore
    names: Names | str | None
    sources: list[tuple[FollowedFile, Format]]
    webmail: Webmail = field(default_factory=Webmail)
    late: Late = field(default_factory=Late)
    silence: Silence = field(default_factory=Silence)
    unreadable: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> int:
        """Takes in all that was added; returns the number of lines."""
        with self._lock:
            return self._read()

    def _read(self) -> int:
        positions, count = self.store.positions(), 0
        for file, format_ in self.sources:
            position = positions.get(file.source)
            newest, limit = position.newest if position else None, self.silence.limit(file.source)
            before = read_back(position.before if position else "")
            try:
                for read in file.read(position):
                    lines = replace(read.lines, before=before)
                    before = carried(lines, format_.before)
                    joined = join(format_.read(lines), file.source, self.names)
                    for problem in joined.parsed.problems:
                        log.warning(
                            "source problem", where=f"{problem.source}:{problem.line}", what=problem.message
                        )
                    part, change = settled(joined, self.store.open_messages(joined.asked()))
                    losses, newest = heard(read.lines, joined.parsed, limit).missing(newest, limit)
                    part, newest = replace(part, losses=losses), self.silence.passed(newest)
                    position = replace(read.position, newest=newest, before=written(before))
                    self.store.add(self._addressed(part).flat(), change, [position])
                    if late := self.late.take(part):
                        log.warning(
                            "late lines; they count at their own time", source=file.source, events=late
                        )
                    count += len(read.lines)
            except SourceUnreadable as error:
                if self.unreadable.get(file.source) != str(error):
                    log.error("source unreadable", what=str(error))
                self.unreadable[file.source] = str(error)
            else:
                if self.unreadable.pop(file.source, None):
                    log.info("source readable again", source=file.source)
            self.silence.look(file.source, newest)
        return count

    def _addressed(self, part: Part) -> Part:
        """The events, of which those that were handed in through webmail are from where their user sits."""
        if not (accounts := self.webmail.accounts(part)):
            return part
        return self.webmail.addressed(part, self.store.webmail_logins(accounts, self.webmail.since(part)))
