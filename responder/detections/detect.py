"""Which detections hold, for which accounts, at which moments; the same live and in a backtest.

A measure in a sliding window can only begin to exceed a bound when an event comes in. So an account is looked
at where it has new events, at the tick that follows each, and nowhere else: the cost follows the new data.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from responder.detections.detection import Detection, Detections
from responder.detections.hit import Hit
from responder.events.event import Kind
from responder.events.store import EventStore
from responder.measures import measures

PROBES = {"account": pl.String, "at": pl.Datetime("us"), "floor": pl.Datetime("us")}


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


def detect(store: EventStore, detections: Detections, moments: pl.DataFrame) -> list[Hit]:
    """The hits at ``moments`` (see ``probes``), in order of time."""
    if not len(moments):
        return []
    hits: list[Hit] = []
    known = measures()
    for window, rules in detections.by_window().items():
        names = sorted({name for rule in rules for name in rule.when})
        figures = store.measure(moments, window, {name: known[name].sql for name in names})
        for rule in rules:
            held = figures.filter(*(_bounded(rule, name) for name in rule.when))
            for row in held.select("account", "at", *rule.when).iter_rows(named=True):
                hits.append(_hit(rule, row))
    return sorted(hits, key=lambda hit: (hit.at, hit.account, hit.detection))


def _bounded(rule: Detection, name: str) -> pl.Expr:
    bounds, value = rule.when[name], pl.col(name)
    low = pl.lit(True) if bounds.at_least is None else value >= bounds.at_least
    return low & (pl.lit(True) if bounds.at_most is None else value <= bounds.at_most)


def _hit(rule: Detection, row: dict[str, object]) -> Hit:
    figures = {name: float(row[name]) for name in rule.when}  # type: ignore[arg-type]
    at: datetime = row["at"]  # type: ignore[assignment]
    return Hit(
        str(row["account"]),
        rule.name,
        rule.family,
        rule.severity,
        at.replace(tzinfo=UTC),
        rule.window,
        figures,
    )


def screen(events: pl.DataFrame, detections: Detections) -> set[str]:
    """The accounts that could hit at all, from a coarse bound that costs one pass.

    ``events``: kind, account, time and the columns that measures count. A window of length W lies within two
    neighbouring buckets of length W, so an account with fewer events there than a rule asks for cannot hit it.
    """
    if not len(events):
        return set()
    known = measures()
    able: set[str] = set()
    counted: dict[tuple[Kind, str | None, int], pl.DataFrame] = {}
    for rule in detections.rules:
        passed: set[str] | None = None
        for name, bounds in rule.when.items():
            kind = known[name].counts
            if kind is None or bounds.at_least is None:
                continue
            key = (kind, known[name].distinct, rule.window)
            if key not in counted:
                counted[key] = _most_in_two(events.filter(pl.col("kind") == kind.value), *key[1:])
            enough = set(counted[key].filter(pl.col("most") >= bounds.at_least)["account"].to_list())
            passed = enough if passed is None else passed & enough
        if passed is None:
            return set(events["account"].drop_nulls().unique().to_list())
        able |= passed
    return able


def _most_in_two(events: pl.DataFrame, distinct: str | None, window: int) -> pl.DataFrame:
    """The most events (or different values) of each account in two neighbouring buckets: account, most."""
    bucket = pl.col("time").dt.timestamp("us") // (window * 1_000_000)
    number = pl.col(distinct).n_unique() if distinct else pl.len()
    each = events.group_by("account", bucket=bucket).agg(number=number.cast(pl.Int64))
    after = each.select("account", bucket=pl.col("bucket") - 1, next="number")
    both = each.join(after, on=["account", "bucket"], how="left")
    return both.group_by("account").agg(most=(pl.col("number") + pl.col("next").fill_null(0)).max())
