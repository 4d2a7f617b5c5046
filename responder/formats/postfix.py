"""Postfix, as its own daemons write it, in any instance.

Every field is taken from the place where Postfix itself writes it: the text up to the process id says which
daemon speaks, and each daemon's line is split at its own marks from the left. What clients and remote servers
say stands further right or is checked against the form of a queue id, so it can never pass for a field.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import DELIVERIES, ENDS, LOGINS, STARTS, Format, Parsed
from responder.formats.stamp import times
from responder.sources.lines import Lines, Problem

INTERESTING = r"sasl_username=|, status=|: removed|authentication failed"
"""What a line must hold to be looked at; only a first sieve, never a proof."""

AGENTS = frozenset(("smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard", "relay"))
"""The delivery agents, all of which log ``to=<...>, ..., status=...`` (postfix's log_adhoc.c)."""

QUEUE_ID = r"^(?:[0-9A-F]{6,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,25})$"
"""Hexadecimal, or the long form: digits and consonants (enable_long_queue_ids)."""

OUTCOMES = {
    "sent": "sent",
    "defe": "deferred",
    "boun": "bounced",
    "expi": "expired",
    "deli": "deliverable",
    "unde": "undeliverable",
}

PROGRAM = re.compile(r"^(\S+) (postfix[^/\s]*(?:/[^/\s]+)*)/([a-z]+)$")

col = pl.col


def _split(text: pl.Expr, mark: str) -> pl.Expr:
    """Text before and after the first ``mark``."""
    return text.str.splitn(mark, 2)


def _before(name: str = "parts") -> pl.Expr:
    return col(name).struct.field("field_0")


def _after(name: str = "parts") -> pl.Expr:
    return col(name).struct.field("field_1")


def parse(lines: Lines) -> Parsed:
    """Submissions, deliveries, failed logins and ends of messages in ``lines``."""
    frame = pl.DataFrame({"text": lines.text}).with_row_index("row").filter(col.text.str.contains(INTERESTING))
    keep = ["text"] if lines.keep_text else []
    keys = ["row", "stamp", "from", "queue_id", *keep]
    frame = (
        frame.with_columns(parts=_split(col.text, "]: "))
        .select("row", *keep, *_header(frame), body=_after())
        .with_columns(parts=_split(col.body, ": "))
        .with_columns(queue_id=_before(), rest=_after())
    )
    daemons = _daemons(frame)
    speaking = {kind: [text for text, (_, d) in daemons.items() if d in kind] for kind in (SMTPD, AGENTS, QMGR)}
    smtpd = frame.filter(col("from").is_in(speaking[SMTPD]))
    starts = _starts(smtpd.filter(col.rest.str.starts_with("client=")), keys)
    logins = _failed_logins(smtpd.filter(col.queue_id == "warning"), ["row", "stamp", "from", *keep])
    deliveries, cut = _deliveries(
        frame.filter(col("from").is_in(speaking[AGENTS]) & col.rest.str.starts_with("to=<")), keys
    )
    ends = frame.filter(col("from").is_in(speaking[QMGR]) & (col.rest.str.strip_chars_end() == "removed")).select(
        "row", "from", "queue_id"
    )
    hosts = (list(daemons), [host for host, _ in daemons.values()])
    problems = [Problem(lines.source, lines.first + row, CUT_SHORT) for row in cut]
    return Parsed(
        _finish(starts, STARTS, hosts, lines, problems),
        _finish(ends, ENDS, hosts, lines, problems),
        _finish(deliveries, DELIVERIES, hosts, lines, problems),
        _finish(logins, LOGINS, hosts, lines, problems),
        (*lines.problems, *problems),
    )


SMTPD = frozenset(("smtpd",))
QMGR = frozenset(("qmgr",))
CUT_SHORT = "a delivery without its status: the line was cut short; passed over"


def _header(frame: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    """The stamp, and the text from the host to the process id, of traditional and ISO-8601 lines."""
    before = _before()
    digits = frame["text"].str.slice(0, 1).str.contains(r"[0-9]")
    if not digits.any():
        return before.str.slice(0, 15).alias("stamp"), _split(before.str.slice(16), "[").struct[0].alias("from")
    iso = _split(before, " ")
    traditional = ~before.str.contains(r"^[0-9]")
    return (
        pl.when(traditional).then(before.str.slice(0, 15)).otherwise(iso.struct[0]).alias("stamp"),
        _split(
            pl.when(traditional).then(before.str.slice(16)).otherwise(iso.struct[1]), "["
        ).struct[0].alias("from"),
    )


def _daemons(frame: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Host and daemon of each text before the process ids, those of Postfix only."""
    found = {}
    for text in frame["from"].unique().to_list():
        if text and (match := PROGRAM.match(text)):
            found[text] = (match[1], match[3])
    return found


def _starts(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``ID: client=NAME[IP](:PORT)(, orig_...), sasl_method=M, sasl_username=U(, sasl_sender=S)``."""
    return (
        frame.filter(col.queue_id.str.contains(QUEUE_ID))
        .with_columns(parts=_split(col.rest.str.slice(7), "["))
        .with_columns(parts=_split(_after(), "]"))
        .with_columns(client_ip=_before(), parts=_split(_after(), ", sasl_method="))
        .filter(_before().str.contains(r"^(?::\d+)?(?:, orig_\w+=[^,]*)*$"))
        .with_columns(parts=_split(_after(), ", sasl_username="))
        .filter(_before().str.contains(r"^[A-Za-z0-9_-]+$"))
        .select(*keys, "client_ip", account=_split(_after(), ", sasl_sender=").struct[0].str.strip_chars_end("\r\n"))
        .filter(col.account != "")
    )


def _deliveries(frame: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, list[int]]:
    """``ID: to=<A>(, orig_to=<O>), relay=R(, ...), dsn=D, status=S (...)``; and the rows that were cut short.

    A and O are what the sender wrote. Where they hold a quotation mark, they are matched as a whole.
    """
    frame = frame.filter(col.queue_id.str.contains(QUEUE_ID))
    odd = frame.select(
        col.rest.str.contains('"', literal=True) | col.rest.str.contains(", orig_to=<", literal=True)
    ).to_series()
    both = (frame.filter(~odd) if odd.any() else frame).with_columns(parts=_split(col.rest.str.slice(4), ">, "))
    if odd.any():
        both = pl.concat([both, frame.filter(odd).with_columns(parts=_quoted(col.rest))]).sort("row")
    both = (
        both.select(*keys, recipient=_before().str.to_lowercase(), parts=_split(_after(), ", dsn="))
        .select(*keys, "recipient", parts=_split(_after(), ", status="))
        .select(
            *keys,
            "recipient",
            recipient_domain=_split(col.recipient, "@").struct[1],
            dsn=_before(),
            outcome=_after().str.slice(0, 4).replace_strict(OUTCOMES, default=None),
        )
    )
    whole = both.select(
        (col.outcome.is_not_null() & col.dsn.str.contains(r"^[245]\.\d{1,3}\.\d{1,3}$")).fill_null(False)
    ).to_series()
    cut = [] if whole.all() else both.filter(~whole)["row"].to_list()
    both = both.filter(whole) if cut else both
    if odd.any():
        both = both.with_columns(
            recipient_domain=pl.when(col.recipient.str.contains('"', literal=True))
            .then(col.recipient.str.extract(r"@([^@]*)$"))
            .otherwise("recipient_domain")
        )
    return both, cut


def _quoted(rest: pl.Expr) -> pl.Expr:
    """Address and remainder where the sender's text has quotation marks, or a second address follows."""
    address = r'(?:"(?:[^"\\]|\\.)*"|[^">])*'
    return rest.str.extract_groups(
        rf"^to=<(?<field_0>{address})>(?:, orig_to=<{address}>)?, (?<field_1>.*)"
    )


def _failed_logins(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``warning: NAME[IP](:PORT): SASL M authentication failed: R(, sasl_username=U)``."""
    found = frame.with_columns(
        parts=col.rest.str.extract_groups(
            r"^[^\[\] ]+\[(?<client_ip>[0-9A-Fa-f.:]+)\](?::\d+)?: SASL [A-Za-z0-9_-]+ authentication failed: "
            r"(?<reason>[^\r\n]*)"
        )
    ).with_columns(client_ip=col.parts.struct.field("client_ip"), reason=col.parts.struct.field("reason"))
    return found.filter(col.client_ip.is_not_null()).select(
        *keys,
        "client_ip",
        account=col.reason.str.extract(r"^[^,]*, sasl_username=(.*)$"),
        success=pl.lit(False),
    )


def _finish(
    frame: pl.DataFrame, schema: dict[str, pl.DataType | type], hosts: tuple[list[str], list[str]], lines: Lines, problems: list[Problem]
) -> pl.DataFrame:
    """The columns of ``schema`` with real times, hosts and line numbers; rows of impossible times are told of."""
    frame = frame.with_columns(
        line=col.row.cast(pl.UInt64) + lines.first, host=col("from").replace_strict(*hosts, default=None)
    )
    if "time" in schema:
        frame = frame.with_columns(time=times(frame["stamp"], lines))
        if frame["time"].has_nulls():
            for line, stamp in frame.filter(col.time.is_null()).select("line", "stamp").iter_rows():
                problems.append(Problem(lines.source, line, f"'{stamp}' is no possible time; passed over"))
            frame = frame.filter(col.time.is_not_null())
    keep = ["text"] if lines.keep_text and "text" in frame.columns else []
    return frame.select(*(col(name).cast(type_) for name, type_ in schema.items()), *keep)


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Postfix's."""
    return any(re.search(r" postfix\S*/[a-z]+\[\d+\]: ", line) for line in sample)


FORMAT = Format("postfix", "Postfix (syslog, traditional or ISO-8601 stamps)", recognises, parse)
