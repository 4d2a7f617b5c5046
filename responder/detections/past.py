"""What a hit is held against, and what it is shown with: the account's own past, and its log lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import polars as pl

from responder.detections.detect import PROBES
from responder.detections.hit import Hit
from responder.events.store import EventStore
from responder.measures import figures

PAST_DAYS = 28
"""Length of the account's own past that a hit is held against: four weeks, so that each weekday is in it."""


def with_past(store: EventStore, hit: Hit) -> Hit:
    """The hit with what was usual for its account."""
    oldest, at = store.first_time(), hit.at.astimezone(UTC).replace(tzinfo=None)
    if oldest is None or oldest > at - timedelta(days=1):
        return hit
    moment = pl.DataFrame(
        {"account": [hit.account], "at": [at], "floor": [None]},
        schema=PROBES,
    )
    found = store.usual(moment, hit.window, PAST_DAYS, figures(hit.figures))
    usual = {name: float(found[name][0]) for name in hit.figures} if len(found) else {}
    return replace(hit, usual=usual)


def with_lines(store: EventStore, hit: Hit, limit: int) -> Hit:
    """The hit with log lines of its window, a spread of at most ``limit``."""
    until = hit.at.astimezone(UTC).replace(tzinfo=None)
    return replace(
        hit, lines=tuple(store.lines(hit.account, until - timedelta(seconds=hit.window), until, limit))
    )
