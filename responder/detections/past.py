"""What a hit is held against, and what it is shown with: the account's own past, its log lines, those not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from responder.detections.detect import PROBES
from responder.detections.hit import Hit
from responder.events.loss import sentences
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


def with_missing(store: EventStore, hit: Hit) -> Hit:
    """The hit with what is missing in its window."""
    return replace(hit, missing=missing(store, hit.at - timedelta(seconds=hit.window), hit.at))


def missing(store: EventStore, since: datetime, until: datetime) -> tuple[str, ...]:
    """Which lines are missing in (since, until], in a few sentences; the instants are aware."""
    begin, end = (at.astimezone(UTC).replace(tzinfo=None) for at in (since, until))
    return sentences(store.losses(begin, end))
