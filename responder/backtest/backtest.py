"""What the present detections and policy would have decided on old logs, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes

import polars as pl

from responder.cases.judge import judge
from responder.cases.memory import MemoryBook, Verdict
from responder.decisions.policy import Policy
from responder.detections.detect import Settled, detect, probes, screen, screened
from responder.detections.detection import Detections
from responder.detections.hit import Hit
from responder.detections.past import with_past
from responder.events.lives import Part
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


def backtest(read: list[Part], detections: Detections, policy: Policy, interval: int) -> Outcome:
    """Judges the events of what was ``read`` as if they had come in live.

    One pass over all accounts finds those that could open a case at all; only their events are looked at
    closely, in a store in memory.
    """
    if not read:
        return Outcome([], 0, 0, 0, 0, None, None)
    deliveries = pl.concat([part.deliveries.filter(pl.col("account").is_not_null()) for part in read])
    submissions = pl.concat([part.submissions for part in read])
    # Counting by number is quicker than by name.
    deliveries, submissions = (
        each.with_columns(pl.col("account").cast(pl.Categorical)) for each in (deliveries, submissions)
    )
    able = screen(deliveries, submissions, detections)
    accounts = (
        pl.concat([submissions["account"].unique(), deliveries["account"].unique()]).unique().cast(pl.String)
    )
    close = accounts.to_list() if able is None else able["account"].unique().to_list()
    book = MemoryBook()
    if close:
        store = DuckDBStore(None, token_bytes(32))
        store.add(pl.concat([_only(part, close).flat() for part in read]), None, [])
        moments = screened(probes(store.touched(0, store.last_number()), interval), able)
        judge(book, policy, _hits(store, detections, moments, policy), lambda hit: with_past(store, hit))
        store.close()
    times = pl.concat([submissions["time"], deliveries["time"]])
    return Outcome(
        book.verdicts,
        len(submissions),
        len(deliveries),
        len(accounts),
        len(close),
        _aware(times.min()),
        _aware(times.max()),
    )


FIRST_ROUND = 32


def _hits(store: DuckDBStore, detections: Detections, moments: pl.DataFrame, policy: Policy) -> list[Hit]:
    """The hits at ``moments``, looked for in rounds: each account's first few moments, then twice as many.

    What hit in one round is settled in the next, so that the busy hours after a hit cost next to nothing.
    """
    settled: Settled = {}
    hits: list[Hit] = []
    moments = moments.with_columns(rank=pl.col("at").rank("ordinal").over("account"))
    after, size = 0, FIRST_ROUND
    while len(these := moments.filter(pl.col("rank").is_between(after, after + size, "right"))):
        hits += detect(store, detections, these.drop("rank"), settled, policy.quiet)
        after, size = after + size, size * 2
    return sorted(hits, key=lambda hit: (hit.at, hit.account, hit.detection))


def _only(part: Part, accounts: list[str]) -> Part:
    """What the accounts sent; a login that failed names a victim, so logins tell nothing here."""
    theirs = pl.col("account").is_in(accounts)
    return Part(
        part.source, part.submissions.filter(theirs), part.deliveries.filter(theirs), part.logins.clear()
    )


def _aware(time: object) -> datetime | None:
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None
