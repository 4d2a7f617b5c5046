"""The head of a line as syslog daemons write it: when, which host, which program, and what it said."""

from __future__ import annotations

import polars as pl

from responder.formats.stamp import times
from responder.sources.lines import Lines

col = pl.col

TAG = r"^(?<program>[^\[:\s]+)(?:\[\d*\])?$"
"""A program's name and its process id."""


def entries(lines: Lines, programs: str, sieve: str = "") -> pl.DataFrame:
    """The lines of programs whose name matches ``programs`` (a pattern for the whole name), in their order.

    Columns: row (place in ``lines``), stamp, time (UTC), host, program, message (without its line feed), and
    text where lines are kept. ``sieve`` is a pattern that lines must match to be looked at: never a proof of
    anything, since it may match what a stranger wrote. Stamps are traditional or ISO-8601.
    """
    keep = ["text"] if lines.keep_text else []
    frame = pl.DataFrame({"text": lines.text}).with_row_index("row")
    if sieve:
        frame = frame.filter(col.text.str.contains(sieve))
    iso = col.text < ":"  # begins with a digit: the character after 9
    at_space = col.text.str.splitn(" ", 2)
    frame = (
        frame.lazy()
        .select(
            "row",
            *keep,
            stamp=pl.when(iso).then(at_space.struct[0]).otherwise(col.text.str.slice(0, 15)),
            rest=pl.when(iso).then(at_space.struct[1]).otherwise(col.text.str.slice(16)),
        )
        .with_columns(parts=col.rest.str.splitn(" ", 2))
        .select(
            "row",
            *keep,
            "stamp",
            host=col.parts.struct[0],
            said=col.parts.struct[1].str.strip_chars_end("\r\n").str.splitn(": ", 2),
        )
        .select(
            "row",
            *keep,
            "stamp",
            "host",
            program=col.said.struct[0].str.extract(TAG),
            message=col.said.struct[1],
        )
        .filter(col.program.str.contains(f"^(?:{programs})$") & col.message.is_not_null())
        .collect()
    )
    return frame.with_columns(times(frame["stamp"], lines))
