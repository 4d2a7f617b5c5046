"""When which accounts could open a case at all: a coarse bound that one cheap pass over all events gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from responder.detections.detection import Detections
from responder.events.event import Kind
from responder.events.lives import Part
from responder.formats.format import Schema
from responder.measures import measures
from responder.measures.measure import Measure

HOUR = 3600
FINE = 8
"""Into how many buckets a window is cut for the closer of the two bounds: the more, the closer, and the dearer."""

TOGETHER = 8
"""Counts that are kept side by side before they are summed up."""

ABLE: Schema = {"account": pl.String, "hour": pl.Int64}
COUNTS: Schema = {"account": pl.String, "bucket": pl.Int64, "number": pl.Int64}
"""How many events an account has in a bucket of time, counted from the epoch."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a measure counts, in which buckets (seconds), and the least number that matters to any rule.

    ``fine``: the sizes of the buckets that its rules need for the closer bound.
    """

    measure: Measure
    size: int
    least: float
    fine: frozenset[int]


@dataclass(slots=True)
class Screen:
    """Takes events in, part by part, and then tells which accounts at which hours deserve a close look.

    A window lies within a few neighbouring buckets of time, so an account with fewer events there than a rule
    asks for cannot hit it. ``events_of`` gives back what some accounts did of all that was taken in.
    """

    detections: Detections
    events_of: Callable[[list[str]], Iterable[Part]]
    _counts: dict[tuple[str, int], list[pl.DataFrame]] = field(default_factory=dict)
    _coarse: dict[tuple[str, int], Bound] = field(init=False)

    def __post_init__(self) -> None:
        self._coarse = _coarse(self.detections)

    def add(self, deliveries: pl.DataFrame, submissions: pl.DataFrame) -> None:
        """Counts the events of one part; all of them have an account."""
        for kind, events in ((Kind.DELIVERY, deliveries), (Kind.SUBMISSION, submissions)):
            for key, bound in self._coarse.items():
                if bound.measure.counts is kind:
                    _count(self._counts.setdefault(key, []), _of(events, bound.measure), bound.size)

    def able(self) -> pl.DataFrame | None:
        """Accounts and hours (of the epoch) in which a case could be opened; None: any account at any time."""
        able: list[pl.DataFrame] = []
        busy = {key: self._busy(bound) for key, bound in self._coarse.items()}
        for rule in self.detections.opening:
            passed: pl.DataFrame | None = None
            for name, bounds in rule.when.items():
                measure = measures()[name]
                if _bounds(measure, bounds.at_least):
                    counts = busy[measure.bound, max(rule.window, HOUR)][_fine(rule.window)]
                    enough = _enough(counts, bounds.at_least or 0, rule.window)
                    passed = (
                        enough if passed is None else passed.join(enough, on=["account", "hour"], how="semi")
                    )
            if passed is None:
                return None
            able.append(passed)
        return pl.concat(able).unique() if able else pl.DataFrame(schema=ABLE)

    def _busy(self, bound: Bound) -> dict[int, pl.DataFrame]:
        """The accounts that have enough in some two neighbouring coarse buckets: their counts in each fine size."""
        fine: dict[int, list[pl.DataFrame]] = {size: [] for size in bound.fine}
        some = self._with_enough(bound)
        for part in self.events_of(some) if some else ():
            events = part.deliveries if bound.measure.counts is Kind.DELIVERY else part.submissions
            counted = _of(events, bound.measure)
            for size, counts in fine.items():
                _count(counts, counted, size)
        return {size: _summed(counts) for size, counts in fine.items()}

    def _with_enough(self, bound: Bound) -> list[str]:
        each = _summed(self._counts.get((bound.measure.bound, bound.size), []))
        half = (
            each.filter(pl.col("number") * 2 >= bound.least).select("account").unique()
        )  # one has half of it
        each = each.join(half, on="account", how="semi")
        before = each.select("account", bucket=pl.col("bucket") + 1, before="number")
        both = each.join(before, on=["account", "bucket"], how="left")
        enough = pl.col("number") + pl.col("before").fill_null(0) >= bound.least
        return both.filter(enough)["account"].unique().to_list()


def _count(counts: list[pl.DataFrame], events: pl.DataFrame, size: int) -> None:
    """Adds how many of ``events`` each account has in each bucket of ``size`` seconds."""
    bucket = pl.col("time").dt.epoch("s") // size
    counts.append(events.group_by("account", bucket=bucket).agg(number=pl.len().cast(pl.Int64)))
    if len(counts) > TOGETHER:
        counts[:] = [_summed(counts)]


def _summed(counts: list[pl.DataFrame]) -> pl.DataFrame:
    return (
        pl.concat([pl.DataFrame(schema=COUNTS), *counts])
        .group_by("account", "bucket")
        .agg(pl.col("number").sum())
    )


def _coarse(detections: Detections) -> dict[tuple[str, int], Bound]:
    """What is counted in coarse buckets, no shorter than the window, and the least that any rule asks for."""
    wanted: dict[tuple[str, int], Bound] = {}
    for rule in detections.opening:
        for name, bounds in rule.when.items():
            measure = measures()[name]
            if _bounds(measure, bounds.at_least):
                key = (measure.bound, max(rule.window, HOUR))
                before = wanted.get(key, Bound(measure, key[1], math.inf, frozenset()))
                least = min(bounds.at_least or 0, before.least)
                wanted[key] = Bound(measure, key[1], least, before.fine | {_fine(rule.window)})
    return wanted


def _fine(window: int) -> int:
    return max(1, window // FINE)


def _enough(counts: pl.DataFrame, least: float, window: int) -> pl.DataFrame:
    """The accounts and hours of moments whose window may have ``least`` of what was counted in fine buckets or more."""
    short = _fine(window)
    near = -(-window // short) + 1
    busy = (
        counts.sort("account", "bucket")
        .rolling("bucket", period=f"{near}i", group_by="account")
        .agg(pl.col("number").sum())
        .filter(pl.col("number") >= least)
    )
    first, last = pl.col("bucket") * short // HOUR, ((pl.col("bucket") + 1) * short + window) // HOUR
    hours = pl.int_ranges(first, last + 2)  # the tick after the last event may be in the hour after it
    return busy.select("account", hour=hours).explode("hour").unique()


def _bounds(measure: Measure, least: float | None) -> bool:
    """Whether too few events rule a condition out; without such a bound an account without any may hit too."""
    return measure.counts is not None and least is not None and least > 0


def _of(events: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    """The events that the measure counts."""
    counted = events if measure.where is None else events.filter(measure.where)
    return counted.select("account", "time")


def screened(moments: pl.DataFrame, able: pl.DataFrame | None) -> pl.DataFrame:
    """``moments`` with a column ``screened``: no detection can open a case there."""
    if able is None:
        return moments.with_columns(screened=pl.lit(False))
    hour = pl.col("at").dt.epoch("s") // HOUR
    return (
        moments.with_columns(hour=hour)
        .join(able.with_columns(screened=pl.lit(False)), on=["account", "hour"], how="left")
        .with_columns(pl.col("screened").fill_null(True))
        .drop("hour")
    )
