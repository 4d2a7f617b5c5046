"""Stretches of time in which a source has no line at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from responder.formats.format import Parsed, Schema
from responder.formats.losses import losses
from responder.formats.stamp import put_back, times
from responder.sources.lines import Lines

SILENCE = timedelta(minutes=15)
"""So long a source may have no line. Our own choice: an organisation's mail hosts log something every few minutes."""

STEP = 1000
"""Lines between two whose stamps are looked at: a gap between their neighbours shows in them."""

POINTS: Schema = {"line": pl.UInt64, "time": pl.Datetime("us")}
"""Some lines and their times (UTC), among them those on both sides of every gap."""

col = pl.col


@dataclass(frozen=True, slots=True)
class Heard:
    """What one run of lines says, read by itself, of lines that are missing; several can be read side by side."""

    notices: pl.DataFrame
    points: pl.DataFrame

    def missing(self, newest: datetime | None, silence: timedelta) -> tuple[pl.DataFrame, datetime | None]:
        """The losses (see ``LOSSES``) when the source's newest line before was of ``newest``, and its newest now.

        A source is silent from the newest line so far on, so a clock that runs behind makes no gap.
        """
        times = self.points["time"]
        before = pl.Series([newest], dtype=pl.Datetime("us")).append(times).cum_max().head(len(times))
        last = [each for each in (newest, times.max()) if isinstance(each, datetime)]
        silent = times - before > silence
        if not silent.any():
            return self.notices, max(last, default=None)
        gaps = self.points.with_columns(silent_since=before).filter(silent)
        minutes = (col.time - col.silent_since).dt.total_minutes()
        gaps = gaps.with_columns(reason=pl.format("no line for {} minutes", minutes))
        found = pl.concat([self.notices, gaps], how="diagonal").sort("line", maintain_order=True)
        return found.select(self.notices.columns), max(last, default=None)


def heard(lines: Lines, parsed: Parsed, silence: timedelta = SILENCE) -> Heard:
    """What ``lines``, and what a format read of them, say of lines that are missing."""
    return Heard(losses(lines, parsed.noted), _points(lines, parsed, silence))


def _points(lines: Lines, parsed: Parsed, silence: timedelta) -> pl.DataFrame:
    """Every thousandth line, and all where two of these lie far apart; where none has a stamp those with events."""
    some = _stamped(lines, pl.Series(sorted({*range(0, len(lines), STEP), len(lines) - 1})))
    if not len(some):
        told = (parsed.starts, parsed.deliveries, parsed.logins)
        return pl.concat([each.select(list(POINTS)) for each in told]).sort("line")
    if put_back(some["time"], lines.zone):  # which of two equal hours it is the order of all lines tells
        some = _stamped(lines, pl.Series(range(len(lines))))
    far = (some["time"].diff() > silence) & (some["row"].diff() > 1)
    if far.any():
        between = some.select("row", begin=col.row.shift()).filter(far)
        rows = between.select(row=pl.int_ranges("begin", "row")).explode("row")["row"]
        some = _stamped(lines, pl.concat([rows, some["row"]]).unique().sort())
    return some.select_seq(list(POINTS))


def _stamped(lines: Lines, rows: pl.Series) -> pl.DataFrame:
    """Row, line and time of the lines at the places ``rows`` that have a syslog daemon's stamp."""
    if not len(lines):
        return pl.DataFrame(schema={"row": pl.Int64, **POINTS})
    text = lines.text.gather(rows)
    stamps, iso = text.str.slice(0, 15), text < ":"
    if iso.any():
        stamps = text.str.extract(r"^(\S+)").zip_with(iso, stamps)
    found = pl.DataFrame({"row": rows, "time": times(stamps, lines)})
    if found["time"].has_nulls():
        found = found.drop_nulls()
    return found.select_seq("row", lines.numbered(col.row).alias("line"), "time")
