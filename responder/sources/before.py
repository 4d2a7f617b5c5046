"""Lines of before that those to come need, as the login to a connection over which mail is handed in later."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from responder.sources.lines import Lines

MOST = 2000
"""Lines that are carried on at most, the latest."""


def nothing_before() -> pl.Series:
    """Of a source that begins."""
    return pl.Series("text", [], pl.String)


def carried(lines: Lines, pattern: str) -> pl.Series:
    """The lines of ``pattern`` that those after ``lines`` may need, among these and those before them; as copies."""
    if not pattern:
        return nothing_before()
    found = lines.text.filter(lines.text.str.contains(pattern)).tail(MOST)
    copies = pl.Series("text", found.to_list(), pl.String)  # which outlive the memory of ``lines``
    return copies if lines.before is None else pl.concat([lines.before, copies]).tail(MOST)


def with_before(lines: Lines) -> Lines:
    """``lines`` with those that were carried to them in front, which all have the number 0."""
    if lines.before is None or not len(lines.before):
        return lines
    own = pl.select(lines.numbered(pl.int_range(len(lines)))).to_series()
    numbers = pl.concat([pl.Series([0] * len(lines.before), dtype=pl.UInt64), own.rename("")])
    text = pl.concat([lines.before.rename(lines.text.name), lines.text])
    return replace(lines, text=text, numbers=numbers, before=None, sieved=None)


def written(before: pl.Series) -> str:
    """Lines as one text, for keeping them."""
    return "".join(before.to_list())


def read_back(text: str) -> pl.Series:
    """The lines of a text that was kept."""
    return pl.Series("text", [f"{line}\n" for line in text.split("\n")[:-1]], pl.String)
