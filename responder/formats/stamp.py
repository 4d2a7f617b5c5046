"""Times of log lines: traditional stamps without a year, and ISO-8601 ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from responder.sources.lines import Lines

SURELY_NEAREST = timedelta(days=182)
"""A stamp this near to the reference is in no other year nearer."""


def times(stamps: pl.Series, lines: Lines) -> pl.Series:
    """The UTC instants of ``stamps`` (String), null where one is no possible time.

    A stamp without a year takes the year that puts it nearest to the lines' reference (so 1 January read on
    31 December is tomorrow, not a year ago), and the source's zone. In the hour that clocks show twice the order
    of the lines tells which it is; in the one that they skip a clock had not been put forward.
    """
    runs = stamps.rle().struct.unnest()  # lines of one second follow one another
    time = second_passes(_each(runs["value"], lines).alias("time"), runs["value"], lines)
    return runs.select(time=time.repeat_by(runs["len"]).explode()).to_series()


HOUR = timedelta(hours=1)


def second_passes(time: pl.Series, stamps: pl.Series, lines: Lines) -> pl.Series:
    """``time`` with an hour added where a stamp is of the second of two equal hours; they were read as the first.

    Where these lines go back by an hour, the second begins. Without that, lines that came from the hour before
    are of the first and those that go on to the hour after are of the second; else the nearer to the reference.
    """
    if not put_back(time, lines.zone):
        return time
    zone = lines.zone.key
    local = time.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    latest = local.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    twice = (latest.dt.convert_time_zone("UTC").dt.replace_time_zone(None) != time).fill_null(False)
    twice = twice & ~stamps.str.contains("T", literal=True)  # ISO stamps say which
    if not twice.any():
        return time
    back = (local.diff() < -HOUR / 2).fill_null(False) & twice
    if back.any():
        second = back.cast(pl.UInt32).cum_sum() > 0
    else:
        at = twice.arg_true()
        first, last = int(at[0]), int(at[-1])
        if first > 0:
            return time
        reference = lines.reference.astimezone(UTC).replace(tzinfo=None)
        later = last + 1 < len(time) or abs(time[last] + HOUR - reference) <= abs(time[last] - reference)
        second = pl.Series([later]).new_from_index(0, len(time))
    return pl.select(pl.when(twice & second).then(time + HOUR).otherwise(time).alias("time")).to_series()


def put_back(time: pl.Series, zone: ZoneInfo) -> bool:
    """Whether the zone's clocks are put back somewhere near these times (UTC)."""
    first, last = time.min(), time.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return False
    around = [
        at.replace(tzinfo=UTC).astimezone(zone).utcoffset() for at in (first - 2 * HOUR, last + 2 * HOUR)
    ]
    return around[0] != around[1] or last - first > SURELY_NEAREST


def _each(stamps: pl.Series, lines: Lines) -> pl.Series:
    near = lines.reference.astimezone(UTC).replace(tzinfo=None)
    if stamps.str.contains("T", literal=True).all():
        return _iso(stamps.to_frame("stamp"))["time"]
    quick = _in_year(stamps, near.year, lines)
    first, last = quick.min(), quick.max()
    if not quick.has_nulls() and (
        not isinstance(first, datetime)
        or not isinstance(last, datetime)
        or near - SURELY_NEAREST < first <= last < near + SURELY_NEAREST
    ):
        return quick
    frame = stamps.unique().to_frame("stamp")
    iso = pl.col("stamp").str.contains("T", literal=True)
    parsed = pl.concat([_iso(frame.filter(iso)), _traditional(frame.filter(~iso), lines)])
    return stamps.to_frame("stamp").join(parsed, on="stamp", how="left", maintain_order="left")["time"]


def _in_year(stamps: pl.Series, year: int, lines: Lines) -> pl.Series:
    two_digits = pl.col("stamp").str.replace("  ", " 0", literal=True)  # read at a third of the cost
    text = pl.concat_str(pl.lit(f"{year} "), two_digits)
    local = text.str.to_datetime("%Y %b %d %H:%M:%S", time_unit="us", strict=False)
    return instants(stamps.to_frame("stamp").select_seq(local.alias("time")).to_series(), lines.zone)


def instants(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    """The UTC instants of local times: the first of two equal hours, and a skipped one by the clock of before."""
    name = local.name
    time = _instant(pl.col(name), zone)
    found = local.to_frame().select_seq(time).to_series()
    if found.null_count() > local.null_count():  # the hour that is skipped in spring
        found = (
            local.to_frame()
            .select_seq(time.fill_null(_instant(pl.col(name) - HOUR, zone) + HOUR))
            .to_series()
        )
    return found


def _instant(local: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    zoned = local.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _iso(each: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("stamp").str.replace("Z$", "+00:00")
    time = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)
    return each.select("stamp", time=time.dt.convert_time_zone("UTC").dt.replace_time_zone(None))


def _traditional(each: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    near = lines.reference.astimezone(UTC).replace(tzinfo=None)
    years = [near.year + n for n in (0, -1, 1)]
    each = each.with_columns(_in_year(each["stamp"], year, lines).alias(str(year)) for year in years)
    distance = {str(year): (pl.col(str(year)) - near).abs() for year in years}
    nearest = pl.min_horizontal(*distance.values())
    return each.select(
        "stamp", time=pl.coalesce(*(pl.when(d == nearest).then(pl.col(y)) for y, d in distance.items()))
    )
