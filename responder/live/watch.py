"""One look at everything new: detections, cases, decisions, and the runs that they start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.sqlite import insert

from responder.audit.trail import Trail
from responder.cases.book import StateBook, floors, settled
from responder.cases.case import Case
from responder.cases.judge import judge
from responder.clock import Clock
from responder.decisions.decision import Kind
from responder.decisions.policy import Policy
from responder.detections.detect import detect, probes
from responder.detections.detection import LONGEST, Detections
from responder.detections.hit import Hit
from responder.detections.past import missing, with_lines, with_missing, with_past
from responder.events.lives import QUEUE_LIFE
from responder.events.store import EventStore
from responder.state.tables import marks

log = structlog.get_logger()

JUDGED = "judged"
EVIDENCE_LINES = 20

Act = Callable[[Connection, Case, int, Kind], object]


@dataclass(slots=True)
class Watch:
    """Judges the events that came in since the last look, at the ticks that followed them.

    How far was judged is written with the decisions, in one transaction: after a crash, an outage or a tick
    that was missed, the same events are judged at the same moments, once.
    """

    store: EventStore
    state: Engine
    trail: Trail
    clock: Clock
    detections: Detections
    policy: Policy
    interval: int
    act: Act

    def look(self) -> int:
        """Judges all that is new; returns how many hits there were."""
        upto = self.store.last_number()
        with self.state.connect() as connection:
            after = connection.execute(select(marks.c.value).where(marks.c.name == JUDGED)).scalar() or 0
            known = floors(connection, self.clock.now() - timedelta(seconds=LONGEST))
            known_hits = settled(connection, self.policy.quiet)
        if upto <= after:
            return 0
        moments = probes(self.store.touched(after, upto), self.interval, known)
        hits = detect(self.store, self.detections, moments, known_hits, self.policy.quiet)
        with self.state.begin() as connection:
            judge(
                StateBook(connection, self.trail, self.policy, self.clock, self.act),
                self.policy,
                hits,
                self._enrich,
                partial(missing, self.store),
            )
            connection.execute(
                insert(marks)
                .values(name=JUDGED, value=upto)
                .on_conflict_do_update(index_elements=["name"], set_={"value": upto})
            )
        return len(hits)

    def forget(self, keep_days: int) -> None:
        """Drops the events that are older than the site keeps them."""
        now = self.clock.now().astimezone(UTC).replace(tzinfo=None)
        if gone := self.store.purge(now - timedelta(days=keep_days), now - QUEUE_LIFE):
            log.info("events forgotten", number=gone, older_than_days=keep_days)

    def _enrich(self, hit: Hit) -> Hit:
        log.info("hit", account=hit.account, detection=hit.detection, figures=hit.figures)
        hit = with_missing(self.store, with_past(self.store, hit))
        return with_lines(self.store, hit, EVIDENCE_LINES)
