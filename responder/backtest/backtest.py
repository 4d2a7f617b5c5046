"""What the present detections and policy would have decided on old logs, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes

import polars as pl

from responder.cases.judge import judge
from responder.cases.memory import MemoryBook, Verdict
from responder.decisions.policy import Policy
from responder.detections.detect import detect, probes, screen
from responder.detections.detection import Detections
from responder.detections.past import with_past
from responder.events.account import canonical
from responder.events.event import EVENTS, Kind
from responder.events.store import DuckDBStore


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdicts in order of time, and what they were made from."""

    verdicts: list[Verdict]
    messages: int
    deliveries: int
    accounts: int
    looked_at: int
    first: datetime | None
    last: datetime | None


def backtest(
    frames: Iterable[pl.DataFrame],
    detections: Detections,
    policy: Policy,
    interval: int,
    domain: str | None,
    open_store: Callable[[], DuckDBStore] | None = None,
) -> Outcome:
    """Judges the events of ``frames`` as if they had come in live.

    One pass over all accounts finds those that could hit at all; only their events are looked at closely.
    """
    # Logins without success name a victim, and deliveries without account are not ours: neither can hit.
    events = pl.concat(
        [frame.filter(pl.col("account").is_not_null() & (pl.col("kind") != "login")) for frame in frames]
        or [pl.DataFrame(schema=EVENTS)]
    ).with_columns(account=canonical(pl.col("account"), domain))
    able = screen(events, detections)
    close = events.filter(pl.col("account").is_in(list(able)))
    book = MemoryBook()
    if len(close):
        store = open_store() if open_store else DuckDBStore(None, token_bytes(32), domain)
        store.add(close, None, [])
        moments = probes(close.select("account", "time"), interval)
        judge(book, policy, detect(store, detections, moments), lambda hit: with_past(store, hit))
        store.close()
    kinds = events["kind"]
    return Outcome(
        book.verdicts,
        int((kinds == Kind.SUBMISSION.value).sum()),
        int((kinds == Kind.DELIVERY.value).sum()),
        events["account"].n_unique(),
        len(able),
        _aware(events["time"].min()),
        _aware(events["time"].max()),
    )


def _aware(time: object) -> datetime | None:
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None
