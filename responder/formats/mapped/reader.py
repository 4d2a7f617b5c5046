"""JSON lines that a log shipper has parsed, read by a mapping in YAML (``mapped:PATH``); never recognised by itself.

The values of conditions are compared with what stands in the line, whole and as text: 25 is also ``"25"``. A line may
be of several kinds; of one kind the first rule that fits it counts. Where a line that fits has not what its kind
needs, it is told of and passed over; a line that fits no rule is no event.

Whose a message is, is what the mapping says. So the mapping names the field that the shipper took from the place
where the server itself writes it; ``docs/how-to/map-json-lines.md`` says more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.mapped.mapping import (
    EPOCHS,
    Delivery,
    End,
    Login,
    Mapping,
    Outcome,
    Paths,
    Submission,
    Success,
    Time,
    keys,
)
from responder.formats.records import address, decoded, inside, nested, since_1970, texts
from responder.formats.stamp import instants
from responder.formats.table import parsed
from responder.site.yaml import load
from responder.sources.lines import Lines, Problem

col = pl.col

ISO = (
    r"^(?<day>\d{4}-\d\d-\d\d)[T ](?<clock>\d\d:\d\d:\d\d)(?:[.,](?<fraction>\d{1,6})\d*)?"
    r"\s?(?<offset>Z|UTC|[+-]\d\d:?\d\d)?$"
)
"""With up to nine digits of a second, of which a microsecond keeps six, and a zone or none."""

LACKS = "{} without its {} ({})"
UNKNOWN = ", or with a value of it that is none of 'values'"

Rule = Submission | Delivery | Login | End


def read_mapping(file: Path) -> Format:
    """The format of a mapping; raises BadInputs with every problem of the file."""
    mapping = load(file).read(Mapping)
    return Format(
        f"mapped:{file}",
        f"JSON lines mapped by {file}",
        lambda sample: False,
        partial(parse, mapping),
        logins_only=not (mapping.submissions or mapping.deliveries),
    )


def parse(mapping: Mapping, lines: Lines) -> Parsed:
    """What ``lines`` say by ``mapping``."""
    problems = list(lines.problems)
    frame = decoded(texts(lines), nested(mapping.paths), lines, problems)

    def read(kind: str, rules: Sequence[Rule]) -> pl.DataFrame | None:
        if not rules:
            return None
        first = pl.coalesce(pl.when(_fits(rule)).then(number) for number, rule in enumerate(rules))
        parts = frame.with_columns(rule=first).partition_by("rule", as_dict=True)
        return pl.concat(
            _rows(kind, rule, parts.get((number,), frame.clear()), mapping, lines, problems)
            for number, rule in enumerate(rules)
        ).sort("row")

    return parsed(
        lines,
        problems,
        starts=read("a submission", mapping.submissions),
        ends=read("an end", mapping.ends),
        deliveries=read("a delivery", mapping.deliveries),
        logins=read("a login", mapping.logins),
    )


def _fits(rule: Rule) -> pl.Expr:
    """Whether every condition of the rule holds."""
    return pl.all_horizontal(
        inside(col.object, keys(path)).is_in(list(values)) for path, values in rule.when.items()
    )


def _rows(
    kind: str, rule: Rule, frame: pl.DataFrame, mapping: Mapping, lines: Lines, problems: list[Problem]
) -> pl.DataFrame:
    """What the lines that fit ``rule`` say, without those that lack what it needs."""
    keep = ["text"] if lines.keep_text else []
    names = [name for name in type(rule).model_fields if name != "when"]
    frame = frame.select(
        "row",
        *keep,
        host=_first(mapping.host).fill_null(""),
        stamp=_first(mapping.time.field),
        **{name: _field(name, getattr(rule, name)) for name in names},
    )
    for name in names:
        if type(rule).model_fields[name].is_required():
            frame = _having(name, kind, getattr(rule, name), frame, lines, problems)
    if isinstance(rule, End):
        return frame
    frame = _having("stamp", kind, mapping.time, frame, lines, problems)
    return frame.with_columns(_instants(frame["stamp"], mapping.time, lines.zone).alias("time"))


def _having(
    name: str,
    kind: str,
    of: Paths | Time | Outcome | Success,
    frame: pl.DataFrame,
    lines: Lines,
    problems: list[Problem],
) -> pl.DataFrame:
    """``frame`` without rows that have no ``name``, which are told of."""
    paths = of if isinstance(of, tuple) else of.field
    said = LACKS.format(kind, "time" if name == "stamp" else name, " or ".join(map(".".join, paths)))
    if isinstance(of, Outcome | Success):
        said += UNKNOWN
    problems += lines.told(frame.filter(pl.col(name).is_null())["row"], f"{said}; passed over")
    return frame.filter(pl.col(name).is_not_null())


def _field(name: str, of: Paths | Outcome | Success) -> pl.Expr:
    """A field of a rule, null where the line has none."""
    if isinstance(of, Outcome):
        return _first(of.field).replace_strict(of.values, default=None, return_dtype=pl.String)
    if isinstance(of, Success):
        return _first(of.field).replace_strict(of.values, default=None, return_dtype=pl.Boolean)
    return address(_first(of)) if name == "client_ip" else _first(of)


def _first(paths: Paths) -> pl.Expr:
    """The first of ``paths`` that has more than spaces, without those around it."""
    texts = (inside(col.object, path).str.strip_chars() for path in paths)
    return pl.coalesce(*(pl.when(text != "").then(text) for text in texts), pl.lit(None, pl.String))


def _instants(stamps: pl.Series, time: Time, zone: ZoneInfo) -> pl.Series:
    """The UTC times that the series ``stamp`` says, null where it says none."""
    if time.form in EPOCHS:
        number = col.stamp.cast(pl.Float64, strict=False) * EPOCHS[time.form]
        return stamps.to_frame().select(time=since_1970(number.round()))["time"]
    zone = ZoneInfo(time.zone) if time.zone else zone
    if time.form != "iso":
        read = stamps.str.to_datetime(time.form, time_unit="us", strict=False)
        zoned = isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone
        return read.dt.replace_time_zone(None) if zoned else instants(read, zone)
    return _iso(stamps, zone)


def _iso(stamps: pl.Series, zone: ZoneInfo) -> pl.Series:
    frame = stamps.to_frame().select(col.stamp.str.extract_groups(ISO)).unnest("stamp")
    clock = pl.concat_str("day", pl.lit("T"), "clock", pl.lit("."), col.fraction.fill_null("0"))
    frame = frame.with_columns(
        local=clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False),
        sign=pl.when(col.offset.str.starts_with("-")).then(-1).otherwise(1),
        hours=col.offset.str.extract(r"(\d\d):?\d\d").cast(pl.Int64).fill_null(0),
        minutes=col.offset.str.extract(r"\d\d:?(\d\d)").cast(pl.Int64).fill_null(0),
    )
    east = pl.duration(minutes=col.sign * (60 * col.hours + col.minutes))
    here = instants(frame["local"], zone).alias("here")
    time = pl.when(col.offset.is_null()).then(here).otherwise(col.local - east)
    return frame.select(time=time)["time"]
