"""Which detections hold, for which accounts, at which moments; the same live and in a backtest.

A measure in a sliding window can only begin to exceed a bound when an event comes in. So an account is looked
at where it has new events, at the tick that follows each, and nowhere else: the cost follows the new data.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from responder.detections.detection import Detection, Detections
from responder.detections.hit import Hit
from responder.events.store import EventStore
from responder.formats.format import Schema
from responder.measures import figures

PROBES: Schema = {"account": pl.String, "at": pl.Datetime("us"), "floor": pl.Datetime("us")}


def probes(touched: pl.DataFrame, interval: int, floors: dict[str, datetime] | None = None) -> pl.DataFrame:
    """The moments at which accounts are to be looked at: the tick after each of their new events.

    ``touched``: account, time. ``floors``: instants before which an account's events no longer count.
    """
    every = timedelta(seconds=interval)
    at = (pl.col("time") - timedelta(microseconds=1)).dt.truncate(every) + every
    floor = pl.lit(None, pl.Datetime("us"))
    if floors:
        known = {account: time.astimezone(UTC).replace(tzinfo=None) for account, time in floors.items()}
        floor = pl.col("account").replace_strict(known, default=None, return_dtype=pl.Datetime("us"))
    return touched.select("account", at=at, floor=floor).unique().select(list(PROBES))


Settled = dict[tuple[str, str], datetime]
"""Until when an account's hit of a detection is settled: it has hit, and hits anew only after that instant."""


def detect(
    store: EventStore,
    detections: Detections,
    moments: pl.DataFrame,
    settled: Settled,
    settles: timedelta,
) -> list[Hit]:
    """The hits at ``moments`` (see ``probes``), in order of time, and what they settle.

    Where ``moments`` have a column ``screened`` (see there), opening detections are not looked at where it holds.
    A detection that hits is ``settled`` for that account for so long; it is not looked at again meanwhile.
    Detections that only confirm are looked at for accounts where something hit or is settled, at moments when
    it is: a hit before it would find no case to confirm, and must not settle those that do.
    """
    spans: dict[str, list[tuple[datetime, datetime]]] = {account: [] for account, _ in settled}
    for (account, _), until in settled.items():
        spans[account].append((until - settles, until))
    open_moments = moments.filter(~pl.col("screened")) if "screened" in moments.columns else moments
    hits = _unsettled(_hits(store, detections.opening, open_moments, settled), settled, settles)
    for hit in hits:
        spans.setdefault(hit.account, []).append((hit.at, hit.at + settles))
    theirs = moments.filter(pl.col("account").is_in(list(spans)))
    for hit in sorted(_hits(store, detections.confirming, theirs, settled), key=lambda hit: hit.at):
        if any(begin <= hit.at <= end for begin, end in spans[hit.account]):
            for first in _unsettled([hit], settled, settles):
                spans[hit.account].append((hit.at, hit.at + settles))
                hits.append(first)
    return sorted(hits, key=lambda hit: (hit.at, hit.account, hit.detection))


def _unsettled(hits: list[Hit], settled: Settled, settles: timedelta) -> list[Hit]:
    """Those of ``hits`` that are the first of their detection and account, which they settle."""
    kept = []
    for hit in sorted(hits, key=lambda hit: hit.at):
        key = (hit.account, hit.detection)
        if key not in settled or hit.at > settled[key]:
            settled[key] = hit.at + settles
            kept.append(hit)
    return kept


def _hits(store: EventStore, rules: list[Detection], moments: pl.DataFrame, settled: Settled) -> list[Hit]:
    hits: list[Hit] = []
    for window in sorted({rule.window for rule in rules}):
        those = [(rule, _open(rule, settled)) for rule in rules if rule.window == window]
        needed = moments.filter(pl.any_horizontal(open_ for _, open_ in those))
        if not len(needed):
            continue
        measured = store.measure(needed, window, figures({name for rule, _ in those for name in rule.when}))
        for rule, open_ in those:
            held = measured.filter(open_, *(_bounded(rule, name) for name in rule.when))
            hits += [
                _hit(rule, row) for row in held.select("account", "at", *rule.when).iter_rows(named=True)
            ]
    return hits


def _open(rule: Detection, settled: Settled) -> pl.Expr:
    """Whether a moment of an account is not settled for the rule."""
    until = {
        account: time.astimezone(UTC).replace(tzinfo=None)
        for (account, detection), time in settled.items()
        if detection == rule.name
    }
    if not until:
        return pl.lit(True)
    end = pl.col("account").replace_strict(until, default=None, return_dtype=pl.Datetime("us"))
    return end.is_null() | (pl.col("at") > end)


def _bounded(rule: Detection, name: str) -> pl.Expr:
    bounds, value = rule.when[name], pl.col(name)
    low = pl.lit(True) if bounds.at_least is None else value >= bounds.at_least
    return low & (pl.lit(True) if bounds.at_most is None else value <= bounds.at_most)


def _hit(rule: Detection, row: dict[str, object]) -> Hit:
    values = {name: float(row[name]) for name in rule.when}  # type: ignore[arg-type]
    at: datetime = row["at"]  # type: ignore[assignment]
    return Hit(
        str(row["account"]),
        rule.name,
        rule.family,
        rule.severity,
        at.replace(tzinfo=UTC),
        rule.window,
        values,
        rule.confirms,
    )
