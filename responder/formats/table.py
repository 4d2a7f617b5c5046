"""What every format ends with: the tables of ``Parsed``, from frames of rows that were understood."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from responder.formats.format import DELIVERIES, ENDS, LINKS, LOGINS, STARTS, Parsed, Schema
from responder.sources.lines import Lines, Problem

OPTIONAL = ("original", "service")
"""Columns of text that many logs tell nothing of."""

col = pl.col


def parsed(
    lines: Lines,
    problems: Iterable[Problem],
    starts: pl.DataFrame | None = None,
    ends: pl.DataFrame | None = None,
    deliveries: pl.DataFrame | None = None,
    logins: pl.DataFrame | None = None,
    links: pl.DataFrame | None = None,
) -> Parsed:
    """``Parsed`` of frames with the columns of their schema, and ``row`` and ``stamp`` in the place of ``line``.

    ``row`` is the place in ``lines``, from 0. Where lines are kept, the frames have ``text`` too. Rows of
    impossible times (null) are told of and left out. What is OPTIONAL need not be there.
    """
    told = list(problems)
    return Parsed(
        _table(starts, STARTS, lines, told),
        _table(ends, ENDS, lines, told),
        _table(deliveries, DELIVERIES, lines, told),
        _table(logins, LOGINS, lines, told),
        _table(links, LINKS, lines, told),
        tuple(told),
    )


def _table(frame: pl.DataFrame | None, schema: Schema, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    kept = {"text": pl.String} if lines.keep_text else {}
    if frame is None:
        return pl.DataFrame(schema={**schema, **kept})
    if "time" in schema and frame["time"].has_nulls():
        frame = possible(frame, lines, problems)
    if lacking := [name for name in OPTIONAL if name in schema and name not in frame.columns]:
        frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)
    line = lines.numbered(col.row).alias("line")
    return frame.select_seq(line, *(col(name) for name in schema if name != "line"), *kept)


def possible(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` without rows of impossible times (null), which are told of by their ``stamp``."""
    for row, stamp in frame.filter(col.time.is_null()).select("row", "stamp").iter_rows():
        problems += lines.told([row], f"'{stamp}' is no possible time; passed over")
    return frame.filter(col.time.is_not_null())
