"""What log lines are wrapped in: written anew as syslog daemons write them to a file.

A line is only looked at where its beginning, or the place right after ``PROGRAM[PID]: ``, says so: no client writes
there. Lines of other kinds, as JSON or CSV of other programs, stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
from polars.exceptions import ComputeError

from responder.sources.lines import Lines, Problem

MOST = 1000
"""Times that one line counts at most, whatever it says of itself."""

MOST_TOGETHER = 1_000_000
"""Lines that the repetitions of one run of lines make at most; what is past it is there once."""

CUT_AT = 800
"""Bytes after which rsyslog cuts the text that was repeated, the space before it included (its ratelimit.c)."""

STAMP = r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
HOST = r"[A-Za-z0-9_][A-Za-z0-9_.:-]*"
PROGRAM = r"[A-Za-z0-9_(][A-Za-z0-9_./@+()-]*"

PRIORITY = r"^<\d{1,3}>"
WITH_PRIORITY = rf"{PRIORITY}{STAMP} "

PARAMETER = r' [^\]= "]{1,32}="(?:[^"\\\]]|\\.)*"'
STRUCTURED = rf'(?:-|(?:\[[^\]= "]{{1,32}}(?:{PARAMETER})*\])+)'
RFC5424_BEGINS = r"^(?:<\d{1,3}>)?1 (?:\d{4}-\d\d-\d\dT|- )"
RFC5424 = (
    r"^(?:<\d{1,3}>)?1 (?<stamp>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    rf" (?<host>-|{HOST}) (?<program>-|{PROGRAM}) (?<pid>[!-~]{{1,128}}) [!-~]{{1,32}} {STRUCTURED}"
    r"(?: \x{FEFF}? ?(?<message>[^\n]*))?\n?$"
)
"""``<PRI>1 STAMP HOST APP PROCID MSGID [ID NAME="VALUE"]... MESSAGE``; rsyslog writes one more space."""

JOURNAL_SIEVE = r'^\{.*"__REALTIME_TIMESTAMP"'
JOURNAL = ("__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_PID", "SYSLOG_PID", "MESSAGE")
BYTES = r'"MESSAGE"\s*:\s*\['
"""A message that is no plain text is an array of numbers; inside a string the marks would have a backslash."""

REPEATED_MARK = "message repeated "
REPEATED = (
    rf"^(?<head>{STAMP} {HOST} [^\[:\s]+(?:\[\d*\])?: )message repeated (?<times>\d{{1,9}}) times: "
    r"\[(?<said>[^\n]*)\]\r?\n$"
)
"""rsyslog: ``PROGRAM[PID]: message repeated N times: [ TEXT]``, the text with the space that came before it."""

LAST_REPEATED = (
    rf"^{STAMP} (?<host>{HOST}) (?:syslogd(?:\[\d*\])?: )?"
    r"last message repeated (?<times>\d{1,9}) times?\r?\n$"
)
"""sysklogd and the BSDs: the line before this one, N times more."""

CONTROLS = r"[\p{Cc}\x{2028}\x{2029}]"

ODD_5424 = "begins as a line of RFC 5424 and is none; left as it is"
ODD_JOURNAL = "is of the journal, but its time, host, program or message is none; passed over"
CUT_TEXT = "repeats a text that syslog cut short; not counted again"
TOO_OFTEN = f"says that it stands for more than {MOST} lines; counted {MOST} times"
TOO_MANY = "repeats a line after more than a million repetitions nearby; counted once"
NOT_BEFORE = "repeats a line that does not stand before it; not counted"

col = pl.col


def unwrap(lines: Lines, sieve: str = "") -> Lines:
    """``lines`` with those that a carrier wrapped written as ``STAMP HOST PROGRAM[PID]: MESSAGE``.

    Lines that stand for several are there several times, with the same number; ``numbers`` then has them. ``sieve`` is
    a format's, which lets those through: to look for both at once costs half.
    """
    if not len(lines):
        return lines
    text = lines.text
    problems: list[Problem] = []
    journal: pl.Series | None = None
    if (text < "A").any() and (_any_begins(text, "<") or _any_begins(text, "1 ")):  # most begin with a letter
        text = _without_priority(_from_5424(text, lines, problems))
    if _any_begins(text, "{"):
        journal = text.str.contains(JOURNAL_SIEVE)
        if journal.any():
            text, journal = _from_journal(text, journal, lines, problems)
    if sieve and text is lines.text and not problems:
        sieved = text.str.contains(sieve)
        if not text.filter(sieved).str.contains(REPEATED_MARK, literal=True).any():
            return replace(lines, sieved=sieved)
    repeated = text.str.contains(REPEATED_MARK, literal=True)
    if journal is not None:
        repeated = repeated & ~journal  # the journal repeats nothing: what looks so is a program's own text
    if repeated.any():
        return _repeated(text, repeated, lines, problems)
    if text is lines.text and not problems:
        return lines
    return replace(lines, text=text, problems=(*lines.problems, *problems))


def _any_begins(text: pl.Series, mark: str) -> bool:
    """Whether any line begins with ``mark``; comparing is quicker than looking for it."""
    after = text >= mark
    return bool(after.any() and (after & (text < mark[:-1] + chr(ord(mark[-1]) + 1))).any())


def _told(rows: list[int], message: str, lines: Lines) -> list[Problem]:
    """One problem for all of ``rows``, at the first."""
    if not rows:
        return []
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return [Problem(lines.source, lines.number(rows[0]), message + more)]


def _without_priority(text: pl.Series) -> pl.Series:
    found = text.str.contains(WITH_PRIORITY)
    return text.zip_with(~found, text.str.replace(PRIORITY, "")) if found.any() else text


def _from_5424(text: pl.Series, lines: Lines, problems: list[Problem]) -> pl.Series:
    begins = text.str.contains(RFC5424_BEGINS)
    if not begins.any():
        return text
    rows = begins.arg_true()
    parts = text.gather(rows).str.extract_groups(RFC5424).struct.unnest()
    written = parts.select(_line("message").alias("text"))["text"]
    odd = written.is_null()
    problems += _told(rows.filter(odd).to_list(), ODD_5424, lines)
    return text.clone().scatter(rows.filter(~odd), written.filter(~odd))


def _line(message: str) -> pl.Expr:
    """``STAMP HOST PROGRAM[PID]: MESSAGE`` and a line feed; null where stamp, host or program is."""
    pid = pl.when(col.pid.str.contains(r"^\d{1,10}$")).then("[" + col.pid + "]").otherwise(pl.lit(""))
    said = col(message).fill_null("").str.strip_chars_end("\r\n")
    return pl.format("{} {} {}{}: {}\n", col.stamp, col.host, col.program, pid, said)


def _from_journal(
    text: pl.Series, likely: pl.Series, lines: Lines, problems: list[Problem]
) -> tuple[pl.Series, pl.Series]:
    """Lines of ``journalctl -o json`` written anew, and which they are."""
    rows = likely.arg_true()
    frame = _fields(text.gather(rows)).with_columns(row=rows)
    frame = frame.filter(col("__REALTIME_TIMESTAMP").is_not_null())  # else JSON of something else
    time = col("__REALTIME_TIMESTAMP").str.extract(r"^(\d{1,17})$").cast(pl.Int64).cast(pl.Datetime("us"))
    written = frame.select(
        "row",
        stamp=time.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"),
        host=col("_HOSTNAME").str.extract(rf"^({HOST})$"),
        program=col("SYSLOG_IDENTIFIER").str.extract(rf"^({PROGRAM})$"),
        pid=pl.coalesce("_PID", "SYSLOG_PID"),
        message=col("MESSAGE").str.strip_chars_end("\r\n").str.replace_all(CONTROLS, "\ufffd"),
    ).select("row", text=pl.when(col.message.is_not_null()).then(_line("message")))
    odd = written["text"].is_null()
    problems += _told(written["row"].filter(odd).to_list(), ODD_JOURNAL, lines)
    text = text.clone().scatter(written["row"], written["text"].fill_null("\n"))
    of_journal = pl.repeat(False, len(text), eager=True).scatter(written["row"], True)
    return text, of_journal


def _fields(text: pl.Series) -> pl.DataFrame:
    """The journal's fields, as String; null where a line is no JSON object or has a field of another form."""
    numbers = text.str.contains(BYTES)
    schema = dict.fromkeys(JOURNAL, pl.String())
    if not numbers.any():
        try:
            return text.str.json_decode(pl.Struct(schema)).struct.unnest()
        except ComputeError:
            pass
    else:
        found = pl.concat(
            [
                _fields(text.filter(~numbers)).with_columns(place=numbers.not_().arg_true())
                if not numbers.all()
                else pl.DataFrame(schema={**schema, "place": pl.UInt32}),
                _each(text.filter(numbers)).with_columns(place=numbers.arg_true()),
            ]
        )
        return found.sort("place").drop("place")
    return _each(text)


def _each(text: pl.Series) -> pl.DataFrame:
    """The same line by line: for those that have bytes in them or do not hold what they should."""
    rows = [_object(line) for line in text.to_list()]
    return pl.DataFrame(rows, dict.fromkeys(JOURNAL, pl.String), orient="row")


def _object(line: str) -> tuple[str | None, ...]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return (None,) * len(JOURNAL)
    return tuple(_string(found.get(name)) for name in JOURNAL)


def _string(value: object) -> str | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        try:
            return bytes(value).decode("utf-8", "replace")
        except (TypeError, ValueError):
            return None
    return None


def _repeated(text: pl.Series, likely: pl.Series, lines: Lines, problems: list[Problem]) -> Lines:
    """Lines that stand for several, as often as they say."""
    rows = likely.arg_true()
    parts = text.gather(rows).str.extract_groups(REPEATED).struct.unnest().with_columns(row=rows)
    parts = parts.filter(col.head.is_not_null()).with_columns(col.times.cast(pl.UInt32))
    cut = parts["said"].str.len_bytes() >= CUT_AT
    problems += _told(parts["row"].filter(cut).to_list(), CUT_TEXT, lines)
    again = parts.filter(~cut).select(
        "row", "times", text=pl.format("{}{}\n", col.head, col.said.str.strip_prefix(" "))
    )
    last = text.gather(rows).str.extract_groups(LAST_REPEATED).struct.unnest().with_columns(row=rows)
    last = last.filter(col.host.is_not_null()).with_columns(col.times.cast(pl.UInt32))
    if len(last):
        again = pl.concat([again, _before(text, last, lines, problems)])
    if not len(again):
        return replace(lines, text=text, problems=(*lines.problems, *problems))
    problems += _told(again.filter(col.times > MOST)["row"].to_list(), TOO_OFTEN, lines)
    again = again.sort("row").with_columns(col.times.clip(0, MOST))
    past = again["times"].cast(pl.UInt64).cum_sum() > MOST_TOGETHER
    problems += _told(again["row"].filter(past).to_list(), TOO_MANY, lines)
    often = again["times"].zip_with(~past, again["times"].clip(0, 1))
    text = text.clone().scatter(again["row"], again["text"])
    times = pl.repeat(1, len(text), dtype=pl.UInt32, eager=True).scatter(again["row"], often)
    frame = pl.DataFrame({"text": text, "times": times}).select(
        "text", "times", number=lines.numbered(pl.int_range(pl.len()))
    )
    frame = frame.select(pl.all().repeat_by("times")).explode("text", "number").drop("times")
    frame = frame.filter(col.text.is_not_null())
    return replace(lines, text=frame["text"], numbers=frame["number"], problems=(*lines.problems, *problems))


def _before(text: pl.Series, last: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """The lines that ``last`` refer to: the next one before that is no such line, if it is of the same host."""
    own = last["row"]
    is_last = pl.repeat(False, len(text), eager=True).scatter(own, True)
    at = pl.int_range(len(text), eager=True).zip_with(~is_last, pl.Series([None], dtype=pl.Int64))
    found = last.with_columns(before=at.forward_fill().gather(own)).with_columns(
        text=text.gather(at.forward_fill().gather(own))
    )
    same = found["text"].str.extract(rf"^{STAMP} ({HOST}) ") == found["host"]
    same = same.fill_null(False)
    problems += _told(found["row"].filter(~same).to_list(), NOT_BEFORE, lines)
    return found.filter(same).select("row", "times", "text")
