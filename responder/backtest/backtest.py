"""What the present detections and policy would have decided on old logs, and when."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from secrets import token_bytes

import polars as pl

from responder.backtest.kept import Kept
from responder.cases.judge import judge
from responder.cases.memory import MemoryBook, Verdict
from responder.decisions.policy import Policy
from responder.detections.detect import Settled, detect, probes
from responder.detections.detection import Detections
from responder.detections.hit import Hit
from responder.detections.past import missing, with_missing, with_past
from responder.detections.screen import Screen, screened
from responder.events.home import Home
from responder.events.lives import Part, merged
from responder.events.loss import Loss, told
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
    losses: tuple[Loss, ...] = ()


TOGETHER = 150_000
"""Events that are screened and kept as one part: to begin with a small one costs as much as to count it."""


@dataclass(slots=True)
class Backtest:
    """Judges the events that are added, part by part, as if they had come in live.

    One cheap pass over all accounts finds when which could open a case at all; only those are looked at
    closely, in a store in memory. ``home`` tells inside from outside.
    """

    detections: Detections
    policy: Policy
    interval: int
    home: Home = field(default_factory=Home)
    kept: Kept = field(default_factory=Kept)
    _screen: Screen = field(init=False)
    _losses: list[Part] = field(default_factory=list)
    _untaken: list[Part] = field(default_factory=list)
    _accounts: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.String))
    _ends: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.Datetime("us")))

    def __post_init__(self) -> None:
        self._screen = Screen(self.detections, self.kept.of)

    def add(self, part: Part) -> None:
        """Takes in what an account handed in; a login that failed names a victim, so logins tell nothing here."""
        deliveries = part.deliveries.filter(pl.col("account").is_not_null())
        if len(part.losses):
            nobody = part.deliveries.clear(), part.logins.clear()
            self._losses.append(Part(part.source, part.submissions.clear(), *nobody, part.losses))
        self._untaken.append(Part(part.source, part.submissions, deliveries, part.logins.clear()))
        if sum(len(each.deliveries) + len(each.submissions) for each in self._untaken) >= TOGETHER:
            self._take()

    def _take(self) -> None:
        """Screens and keeps what was added since the last time."""
        for part in merged(self._untaken):
            self.kept.add(part)
            self._screen.add(part.deliveries, part.submissions)
            for events in (part.deliveries, part.submissions):
                accounts = events["account"].unique().rename("")
                self._accounts = pl.concat([self._accounts, accounts]).unique()
                times = pl.concat([self._ends, events["time"].rename("")])
                self._ends = pl.Series([times.min(), times.max()], dtype=pl.Datetime("us"))
        self._untaken.clear()

    def outcome(self) -> Outcome:
        """What would have been decided about all that was added; asked for once, at the end."""
        try:
            self._take()
            able = self._screen.able()
            close = (self._accounts if able is None else able["account"].unique()).to_list()
            book = MemoryBook()
            if close:
                self._judge(book, close, able)
        finally:
            self.kept.close()
        return Outcome(
            book.verdicts,
            self.kept.messages,
            self.kept.deliveries,
            len(self._accounts),
            len(close),
            _aware(self._ends.min()),
            _aware(self._ends.max()),
            tuple(
                loss
                for part in self._losses
                for loss in told(part.losses.with_columns(source=pl.lit(part.source)))
            ),
        )

    def _judge(self, book: MemoryBook, close: list[str], able: pl.DataFrame | None) -> None:
        folder = self.kept.folder
        path = folder / "events.duckdb" if folder else None
        with closing(DuckDBStore(path, token_bytes(32), self.home)) as store:
            for part in chain(self.kept.of(close), self._losses):
                store.add(part.flat(), None, [])
            moments = screened(probes(store.touched(0, store.last_number()), self.interval), able)
            hits = _hits(store, self.detections, moments, self.policy)
            judge(book, self.policy, hits, partial(self._enriched, store), partial(missing, store))

    def _enriched(self, store: DuckDBStore, hit: Hit) -> Hit:
        hit = with_past(store, hit)
        return with_missing(store, hit) if self._losses else hit


def backtest(parts: Iterable[Part], detections: Detections, policy: Policy, interval: int) -> Outcome:
    """Judges all of ``parts``; see ``Backtest``."""
    test = Backtest(detections, policy, interval)
    for part in parts:
        test.add(part)
    return test.outcome()


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


def _aware(time: object) -> datetime | None:
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None
