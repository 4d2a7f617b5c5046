"""Records of exports: CSV lines with a header somewhere above them, and JSON objects, one a line.

A format sees a run of lines, not the file. So the header of a CSV file is often in an earlier run, and a record
that goes over several lines cannot be put together: such lines are told of and passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
from polars.exceptions import ComputeError

from responder.formats.table import possible
from responder.sources.lines import Lines, Problem

col = pl.col

FIELD = r',(?:"(?:[^"]|"")*"|[^,"]*)'
"""A field and the comma before it (RFC 4180)."""

BYTE_ORDER_MARK = r"^[\x{FEFF}\x{FFFD}]+"
"""As UTF-8, and what is left of that of UTF-16."""

LONGEST_FIELD = 1000
"""Lines that a quoted field with line breaks may go over: those between two ends so near are in doubt."""

UNCLOSED = "a quoted field without its other end: a line cut short, or a field with a line break; passed over"
IN_DOUBT = "stands between two halves of a quoted field, and may be its text; passed over, as are {} after it"
NO_LAYOUT = "{} fields, which is no layout that is known, and no header is in these lines; passed over"
NO_HEADER = (
    "no header of the known names stands in the first of these lines; write JSON with one object a line"
)
NOT_THE_HEADERS = "{} fields, where the header names {}; passed over"
NO_CSV = "is no line of comma-separated values; passed over"
NO_OBJECT = "is no JSON object that ends on its line, or not of the known form; passed over"
NOT_BY_LINE = (
    "JSON must have one object a line, and these lines have not; convert with jq -c '.[]' "
    "(or '.value[]' or '.items[]', where the records stand in a list of that name); passed over"
)

Layout = Sequence[str]
"""The names of the columns, in their order."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Where a header stands in a run of lines (None before the first one), and the columns that it names."""

    found: list[tuple[int, Layout | None]] = field(default_factory=lambda: [(0, None)])

    def add(self, row: int, names: Layout) -> None:
        """A header in ``row``; those after it are of its columns."""
        self.found.append((row, names))


def texts(lines: Lines) -> pl.DataFrame:
    """Every line as ``said``, without its end and a byte order mark; ``row``, and ``text`` where lines are kept."""
    keep = ["text"] if lines.keep_text else []
    said = col.text.str.strip_chars_end("\r\n").str.replace(BYTE_ORDER_MARK, "")
    return pl.DataFrame({"text": lines.text}).with_row_index("row").select("row", *keep, said=said)


def once(rows: pl.Series, message: str, lines: Lines) -> list[Problem]:
    """One problem at the first of ``rows``, which says how many there are; none where there are none."""
    if not len(rows):
        return []
    more = f" ({len(rows)} lines of these)" if len(rows) > 1 else ""
    return lines.told(rows.head(1), message + more)


def whole(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` without lines that hold half of a quoted field, and without those between two halves.

    What stands between may be the text of a field, in which somebody imitates a line.
    """
    odd = frame["said"].str.count_matches('"', literal=True) % 2 == 1
    if not odd.any():
        return frame
    at = pl.when(col.odd).then(col.row.cast(pl.Int64))
    frame = frame.with_columns(odd=odd).with_columns(
        near=(at.backward_fill() - at.forward_fill() <= LONGEST_FIELD).fill_null(False)
    )
    problems += lines.told(frame.filter("odd")["row"], UNCLOSED)
    doubted = frame.filter(~col.odd & col.near)["row"]
    if len(doubted):
        problems += lines.told(doubted.head(1), IN_DOUBT.format(len(doubted) - 1))
    return frame.filter(~col.odd & ~col.near).drop("odd", "near")


def split(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` with ``fields``, as they stand in the line; lines that are no CSV are told of and left out."""
    quoted = frame["said"].str.contains('"', literal=True)
    plain = frame.filter(~quoted).with_columns(fields=col.said.str.split(","))
    if not quoted.any():
        return plain
    odd = frame.filter(quoted).with_columns(said=("," + col.said))
    odd = odd.with_columns(fields=col.said.str.extract_all(FIELD))
    right = odd["fields"].list.join("") == odd["said"]
    problems += lines.told(odd.filter(~right)["row"], NO_CSV)
    odd = odd.filter(right).with_columns(
        fields=col.fields.list.eval(pl.element().str.slice(1)), said=col.said.str.slice(1)
    )
    return pl.concat([plain, odd]).sort("row")


def unquoted(text: pl.Expr) -> pl.Expr:
    """A field as it was before it was quoted."""
    inner = text.str.slice(1, text.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    return pl.when(text.str.starts_with('"')).then(inner).otherwise(text)


def named(
    frame: pl.DataFrame,
    headers: Headers,
    known: Sequence[Layout],
    wanted: Sequence[str],
    lines: Lines,
    problems: list[Problem],
) -> pl.DataFrame:
    """``frame`` (as of ``split``) with the columns ``wanted``, null where a layout does not have one.

    The header above a line tells its columns; where none is in these lines, their number does.
    """
    frame = frame.with_columns(width=col.fields.list.len())
    parts = [frame.clear().with_columns(pl.lit(None, pl.String).alias(name) for name in wanted)]
    ends = [row for row, _ in headers.found[1:]] + [len(lines)]
    for (start, header), end in zip(headers.found, ends, strict=True):
        part = frame.filter((col.row >= start) & (col.row < end))
        layouts = {len(layout): layout for layout in ([header] if header else known)}
        for width, layout in layouts.items():
            parts.append(part.filter(col.width == width).with_columns(_columns(layout, wanted)))
        if not layouts:
            problems += once(part["row"], NO_HEADER, lines)
            continue
        for row, width in part.filter(~col.width.is_in(list(layouts))).select("row", "width").iter_rows():
            message = NOT_THE_HEADERS.format(width, len(header)) if header else NO_LAYOUT.format(width)
            problems += lines.told([row], message)
    return pl.concat(parts).drop("fields", "width").sort("row")


def _columns(layout: Layout, wanted: Sequence[str]) -> list[pl.Expr]:
    place = {name: number for number, name in reversed(list(enumerate(layout)))}
    return [
        (unquoted(col.fields.list.get(place[name])) if name in place else pl.lit(None, pl.String)).alias(name)
        for name in wanted
    ]


def header_of(line: str) -> list[str]:
    """The column names of a header line."""
    fields = pl.DataFrame({"name": "," + line}).select(col.name.str.extract_all(FIELD)).explode("name")
    return fields.select(unquoted(col.name.str.slice(1)))["name"].to_list()


def objects(
    frame: pl.DataFrame, schema: Mapping[str, pl.DataType], lines: Lines, problems: list[Problem]
) -> pl.DataFrame:
    """``frame`` with the keys of ``schema`` of the JSON object in each ``said``, null where it has none."""
    return decoded(frame, schema, lines, problems).unnest("object")


def decoded(
    frame: pl.DataFrame, schema: Mapping[str, pl.DataType], lines: Lines, problems: list[Problem]
) -> pl.DataFrame:
    """``frame`` with ``object``, the JSON object in each ``said``; lines without one are told of and left out.

    A list may be written with one object a line, its brackets and commas before or after them.
    """
    frame = frame.with_columns(said=col.said.str.strip_chars(" \t"))
    frame = frame.with_columns(
        said=col.said.str.replace(r"^[\[,]\s*", "").str.replace(r"(?:\s*,)?(?:\s*\])?$", "")
    ).filter(col.said != "")
    # One by one, since the decoder puts the lines together: two halves of an object would be one.
    frame = _half_letters(frame)
    right = frame["said"].str.starts_with("{") & frame["said"].str.json_path_match("$").is_not_null()
    if len(frame) and right.sum() * 2 < len(frame):
        problems += once(frame.filter(~right)["row"], NOT_BY_LINE, lines)
    else:
        problems += lines.told(frame.filter(~right)["row"], NO_OBJECT)
    frame = frame.filter(right)
    frame = frame.with_columns(_decoded(frame["said"], pl.Struct(dict(schema))).alias("object"))
    problems += lines.told(frame.filter(col.object.is_null())["row"], NO_OBJECT)
    return frame.filter(col.object.is_not_null())


def nested(paths: Iterable[Sequence[str]]) -> dict[str, pl.DataType]:
    """The schema of records that have a text at each of ``paths``, none of which goes on from another."""
    below: dict[str, list[Sequence[str]]] = {}
    for path in paths:
        below.setdefault(path[0], []).append(path[1:])
    return {name: pl.Struct(nested(rest)) if any(rest) else pl.String() for name, rest in below.items()}


def inside(record: pl.Expr, path: Sequence[str]) -> pl.Expr:
    """What stands at ``path`` in ``record``."""
    for name in path:
        record = record.struct.field(name)
    return record


def _half_letters(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with U+FFFD for halves of a letter beyond U+FFFF, in lines that cannot be read with them.

    Whoever writes a half of one into his subject is not to vanish for it.
    """
    half = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
    unread = col.said.str.contains(half) & col.said.str.json_path_match("$").is_null()
    mended = pl.when(unread).then(col.said.str.replace_all(half, r"\ufffd")).otherwise(col.said)
    return frame.with_columns(said=mended) if frame["said"].str.contains(half).any() else frame


def _decoded(said: pl.Series, form: pl.Struct) -> pl.Series:
    """The objects, null where one cannot be read: halved until those are alone."""
    if not len(said):
        return pl.Series([], dtype=form)
    try:
        return said.str.json_decode(form)
    except ComputeError:
        if len(said) == 1:
            return pl.Series([None], dtype=form)
        middle = len(said) // 2
        return pl.concat([_decoded(said[:middle], form), _decoded(said[middle:], form)])


def loose(name: str) -> str:
    """A column's name in small letters and without marks: ``SenderAddress`` and ``sender_address`` are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def is_json(frame: pl.DataFrame) -> bool:
    """Whether the first line of ``texts`` that is not empty is JSON, rather than CSV."""
    first = frame.filter(col.said.str.contains(r"\S")).head(1)
    return bool(first.select(col.said.str.contains(r"^\s*(?:[\[{\]}]|,\s*\{)").any()).item())


def table(
    frame: pl.DataFrame, needed: set[str], wanted: Sequence[str], lines: Lines, problems: list[Problem]
) -> pl.DataFrame:
    """The columns ``wanted`` (names as of ``loose``) of CSV lines whose first one is a header with those ``needed``."""
    frame = frame.filter(col.said.str.contains(r"\S") & ~col.said.str.starts_with("#TYPE "))
    frame = split(whole(frame, lines, problems), lines, problems)
    headers = Headers()
    for row, said in frame.head(1).select("row", "said").iter_rows():
        names = [loose(name) for name in header_of(said)]
        if needed <= set(names):
            headers.add(row, names)
            frame = frame[1:]
    return named(frame, headers, (), wanted, lines, problems)


def timed(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` with ``time``, that which ``stamp`` says; lines with a time in another form are told of once.

    Those of impossible times are left out here, before the first line of a message is chosen.
    """
    right = frame["stamp"].str.contains(ISO).fill_null(False)
    problems += once(frame.filter(~right)["row"], NO_TIME, lines)
    frame = frame.filter(right).with_columns(time=instant(col.stamp))
    return possible(frame, lines, problems)


NO_TIME = "has no time, or not one of the form 2025-11-24T08:00:01Z; passed over"
ISO = r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,6})?\d*\s?(?:Z|\+00:00|UTC)?$"
"""A time of UTC, said or not, with up to nine digits of a second, of which a microsecond keeps six."""


def instant(text: pl.Expr) -> pl.Expr:
    """The UTC time that ``text`` says, null where it says none."""
    parts = text.str.extract_groups(ISO)
    return pl.concat_str(
        parts.struct[0], pl.lit("T"), parts.struct[1], parts.struct[2].fill_null("")
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)


LATEST = 4_102_444_800_000_000
"""The year 2100, in microseconds: what is after it is in another unit, or no time."""


def since_1970(microseconds: pl.Expr) -> pl.Expr:
    """The UTC time so long after 1970, null where it is before that or after 2100."""
    possible = pl.when(microseconds.is_between(0, LATEST)).then(microseconds)
    return possible.cast(pl.Int64).cast(pl.Datetime("us"))


def address(text: pl.Expr) -> pl.Expr:
    """An IP address in small letters, without brackets, port and zone; null where there is none."""
    text = text.str.strip_chars(" ").str.to_lowercase()
    text = text.str.replace(r"^\[([^\]]*)\](?::\d+)?$", "$1").str.replace(r"%.*$", "")
    text = text.str.replace(r"^(\d+\.\d+\.\d+\.\d+):\d+$", "$1").str.replace(r"^::ffff:(\d+\.)", "$1")
    return pl.when(text.str.contains(r"^[0-9a-f:.]*[:.][0-9a-f:.]*$")).then(text)
