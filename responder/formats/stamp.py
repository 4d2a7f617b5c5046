"""Times of log lines: traditional stamps without a year, and ISO-8601 ones."""

from __future__ import annotations

from datetime import UTC, timedelta

import polars as pl

from responder.sources.lines import Lines

SURELY_NEAREST = timedelta(days=182)
"""A stamp this near to the reference is in no other year nearer."""


def times(stamps: pl.Series, lines: Lines) -> pl.Series:
    """The UTC instants of ``stamps`` (String), null where one is no possible time.

    A stamp without a year takes the year that puts it nearest to the lines' reference (so 1 January read on
    31 December is tomorrow, not a year ago), and the source's zone.
    """
    runs = stamps.rle().struct.unnest()  # lines of one second follow one another
    each = runs["value"].unique()
    time = runs["value"].replace_strict(
        each, _each(each, lines), default=None, return_dtype=pl.Datetime("us")
    )
    return runs.select(time=time.alias("time").repeat_by(runs["len"]).explode()).to_series()


def _each(stamps: pl.Series, lines: Lines) -> pl.Series:
    near = lines.reference.astimezone(UTC).replace(tzinfo=None)
    quick = _in_year(stamps, near.year, lines)
    if not quick.has_nulls() and (not len(quick) or (quick - near).abs().max() < SURELY_NEAREST):  # type: ignore[operator]
        return quick
    frame = stamps.to_frame("stamp")
    iso = pl.col("stamp").str.contains("T", literal=True)
    parsed = pl.concat([_iso(frame.filter(iso)), _traditional(frame.filter(~iso), lines)])
    return frame.join(parsed, on="stamp", how="left", maintain_order="left")["time"]


def _in_year(stamps: pl.Series, year: int, lines: Lines) -> pl.Series:
    local = (f"{year} " + stamps).str.to_datetime("%Y %b %e %H:%M:%S", time_unit="us", strict=False)
    zoned = local.dt.replace_time_zone(lines.zone.key, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None).rename("time")


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
