"""OpenSMTPD, as its smtpd writes it, from 5.9 on.

Every line begins with the id of a session, a random number that never comes again: who connected, logged in and
handed in a message is joined by it. A message's id is the first half of each of its envelopes' ids.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.syslog import entries
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

INTERESTING = r" smtpd\[\d+\]: (?:[0-9a-f]{16} (?:smtp|mta|mda) |(?:delivery|relay): Expire for )"
"""What a line must hold to be looked at; only a first sieve, never a proof."""

CONNECTED = (
    r"^(?<session>[0-9a-f]{16}) smtp (?:event=)?connected address=\[?(?<ip>[0-9A-Fa-f.:]+)(?:%[^\]\s]*)?\]? "
)
LOGIN = (
    r"^(?<session>[0-9a-f]{16}) smtp (?:event=)?authentication user=(?<account>\S+)"
    r"(?: address=\S+ host=\S+)? result=(?<result>ok|permfail)$"
)
"""Blanks in a user's name are written as ``\\040`` (strnvis with VIS_WHITE), so it ends at the first one."""

MESSAGE = r"^(?<session>[0-9a-f]{16}) smtp (?:event=)?message (?:address=\S+ host=\S+ )?msgid=(?<id>[0-9a-f]{8})(?: |$)"
DELIVERY = (
    r"^[0-9a-f]{16} m[td]a (?:event=)?delivery evpid=(?<id>[0-9a-f]{8})[0-9a-f]{8} from=<.*?> to=<(?<to>[^\s>]*)> "
    r'(?:rcpt=<[^\s>]*> )?(?:source="[^"]*" relay="[^"]*" |user=\S+ )?delay=\S+ result="?(?<result>[A-Za-z]+)"? '
    r'stat="?(?<stat>.*)$'
)
EXPIRED = (
    r"^(?:delivery|relay): Expire for (?<id>[0-9a-f]{8})[0-9a-f]{8}: from=<.*?>, to=<(?<to>[^\s>]*)>, "
    r".*stat=Envelope expired$"
)
BEGINNING = r"^[0-9a-f]{16} m[td]a (?:event=)?delivery "
REPLY = r"^\d{3}[ -](?<dsn>[245]\.\d{1,3}\.\d{1,3})(?:\D|$)"
"""A remote server's reply: its code, and what RFC 2034 lets follow."""

OUTCOMES = {"Ok": "sent", "TempFail": "deferred", "PermFail": "bounced"}
CLASSES = {"sent": "2", "deferred": "4", "bounced": "5"}

CUT_SHORT = "a delivery without its result: the line was cut short; passed over"

col = pl.col


def parse(lines: Lines) -> Parsed:
    """Submissions, deliveries and logins in ``lines``.

    OpenSMTPD does not write when a message leaves its queue; an id that comes to another message ends the first
    one's life. What is handed in by a session whose login stands in no line cannot be told from a stranger's.
    """
    frame = entries(lines, "smtpd", INTERESTING).with_columns(said=col.message.str.strip_chars_end("\r\n"))
    problems = list(lines.problems)
    sessions = _matched(frame, CONNECTED, "session", "ip").select(
        "row", "host", "session", client_ip=col.ip.str.to_lowercase()
    )
    logins = _with_client(_matched(frame, LOGIN, "session", "account", "result"), sessions).with_columns(
        success=col.result == "ok"
    )
    handed_in = _handed_in(frame, logins, sessions)
    starts = handed_in.filter(col.account.is_not_null())
    ends = handed_in.filter(col.account.is_null())
    deliveries = _deliveries(frame, lines, problems)
    return parsed(lines, problems, starts, ends, deliveries, logins)


def _matched(frame: pl.DataFrame, pattern: str, *names: str) -> pl.DataFrame:
    """The lines of that form, with the named parts of it as columns."""
    parts = col.said.str.extract_groups(pattern)
    return frame.with_columns(parts.struct.field(name) for name in names).filter(col(names[0]).is_not_null())


def _with_client(frame: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    return frame.join_asof(sessions, on="row", by=["host", "session"], check_sortedness=False)


def _handed_in(frame: pl.DataFrame, logins: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """``S smtp message msgid=M ...``; before 6.4 there is a line for each recipient, of which the first counts."""
    messages = _matched(frame, MESSAGE, "session", "id").rename({"id": "queue_id"})
    messages = messages.unique(["host", "session", "queue_id"], keep="first", maintain_order=True)
    good = logins.filter(col.success).select("row", "host", "session", "account")
    return _with_client(messages, sessions).join_asof(
        good, on="row", by=["host", "session"], check_sortedness=False
    )


def _deliveries(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``S mta delivery evpid=E from=<F> to=<T> ... result="R" stat="S"``, S being the remote server's words."""
    begun = frame.filter(col.said.str.contains(BEGINNING))
    tried = _matched(begun, DELIVERY, "id", "to", "result", "stat")
    cut = begun.join(tried, on="row", how="anti")
    problems += lines.told(cut["row"], CUT_SHORT)
    expired = _matched(frame, EXPIRED, "id", "to").with_columns(
        outcome=pl.lit("expired"), dsn=pl.lit(None, pl.String)
    )
    tried = tried.with_columns(
        outcome=col.result.replace_strict(OUTCOMES, default=None, return_dtype=pl.String),
        dsn=col.stat.str.extract(REPLY),
    ).filter(col.outcome.is_not_null())
    own = col.dsn.str.slice(0, 1) == col.outcome.replace_strict(CLASSES, default=None, return_dtype=pl.String)
    tried = tried.with_columns(dsn=pl.when(own).then(col.dsn))
    return (
        pl.concat([tried.select(expired.columns), expired])
        .sort("row")
        .rename({"id": "queue_id"})
        .with_columns(recipient=col.to.str.to_lowercase())
    )


SAMPLE = re.compile(r" smtpd\[\d+\]: [0-9a-f]{16} (?:smtp|mta|mda) [a-z]")


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of OpenSMTPD's."""
    return any(SAMPLE.search(line) for line in sample)


FORMAT = Format(
    "opensmtpd",
    "OpenSMTPD (syslog, traditional or ISO-8601 stamps)",
    recognises,
    parse,
    before=r" smtpd\[\d+\]: [0-9a-f]{16} smtp (?:event=)?(?:connected|authentication) ",
)
