"""The lines that gave no event, by what they look like: what an operator may want to know is not understood."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from responder.events.privacy import shown
from responder.formats.format import Parsed, Schema
from responder.sources.lines import Lines

CLASSES: Schema = {
    "program": pl.String,
    "form": pl.String,
    "count": pl.UInt32,
    "place": pl.String,
    "example": pl.String,
}
"""Who wrote the lines, their words without names and numbers, how many, and the first one: where and what."""

HEAD = (
    r"^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\d[T ]\S+)(?: [^\s:]+)??"
    r" (?<field_0>[A-Za-z][\w./+-]*)(?:\[\d+\]|\([^)]*\))?(?:<[^>]*>)*: (?<field_1>.*)"
)
"""Stamp, host (not in every log), program and process, and the rest."""

VARIABLE = r"\S*[\d@/=\[\]<>(){}\"'\\]\S*|\S+\.\S+|[^\x20-\x7e]+"
"""Words that differ from line to line: with a number, an address, a name, a value."""

FORM_LENGTH, EXAMPLE_LENGTH, MOST = 60, 160, 1000
OTHERS = "lines of other kinds"

col = pl.col


def classes(lines: Lines, parsed: Parsed, notices: pl.DataFrame) -> pl.DataFrame:
    """The lines that say nothing in ``parsed`` and are no ``notices`` of losses, by class (see ``CLASSES``)."""
    tables = (parsed.starts, parsed.ends, parsed.deliveries, parsed.logins, parsed.links, notices)
    said = pl.concat([table["line"] for table in tables]).unique()
    told = pl.Series([problem.line for problem in parsed.problems], dtype=pl.UInt64)
    number = lines.numbered(pl.int_range(pl.len(), dtype=pl.UInt32))
    frame = (
        pl.DataFrame({"text": lines.text})
        .select(number.alias("line"), text=col.text.str.strip_chars_end("\r\n"))
        .filter(~col.line.is_in(said.implode()) & ~col.line.is_in(told.implode()) & (col.text != ""))
        .select("line", "text", parts=col.text.str.extract_groups(HEAD))
    )
    program, message = col.parts.struct.field("field_0"), col.parts.struct.field("field_1")
    form = (
        message.fill_null(col.text).str.replace_all(VARIABLE, "*").str.replace_all(r"\*(?:[ ,;:]*\*)+", "*")
    )
    found = frame.group_by(
        program=program.fill_null("?"), form=form.str.slice(0, FORM_LENGTH), maintain_order=True
    ).agg(count=pl.len().cast(pl.UInt32), line=col.line.first(), text=col.text.first())
    return found.select(
        "program",
        "form",
        "count",
        place=pl.concat_str(pl.lit(lines.source), pl.lit(":"), col.line.cast(pl.String)),
        example=shown(found["text"]).str.slice(0, EXAMPLE_LENGTH),
    )


@dataclass(slots=True)
class Unread:
    """Adds up classes of lines, run by run; a log that has ever new ones is not kept whole."""

    _found: list[pl.DataFrame] = field(default_factory=list)

    def add(self, found: pl.DataFrame) -> None:
        """Takes in the classes of one run of lines."""
        self._found.append(found)
        if sum(len(each) for each in self._found) > 2 * MOST:
            self._found = [self.frame()]

    def frame(self) -> pl.DataFrame:
        """The classes, the most frequent first; beyond a thousand they are one."""
        if not self._found:
            return pl.DataFrame(schema=CLASSES)
        every = (
            pl.concat(self._found)
            .group_by("program", "form", maintain_order=True)
            .agg(col("count").sum(), col.place.first(), col.example.first())
            .sort("count", descending=True, maintain_order=True)
        )
        if len(every) <= MOST:
            return every
        rest = every[MOST - 1 :].select(
            program=pl.lit("?"),
            form=pl.lit(OTHERS),
            count=col("count").sum(),
            place=col.place.first(),
            example=col.example.first(),
        )
        return pl.concat([every[: MOST - 1], rest.head(1)])
