"""Zimbra's logs of its mailbox server: logins from ``audit.log``, and those that failed from ``mailbox.log``.

Zimbra doubles a semicolon inside of a value (ZimbraLog, encodeArg), so what a client says in a name or as its user
agent can never pass for a field of its own or for the end of the context.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.table import parsed
from responder.sources.lines import Lines

VALUE = r"(?:[^;]|;;)*"
CONTEXT = rf"\[(?<context>(?:[\w.-]+={VALUE};)*)\]"
"""What is known of the request: ``name=...;ip=...;oip=...;ua=...;``."""

STAMPED = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "
HEADER = r"^(?<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) +[A-Z]+ +\[(?:\S*|[^\[\]]*)\] "
"""Time, level and thread, which may have the request's URL in its name: there are no blanks in one."""

SECURITY = HEADER + CONTEXT + " security - "
"""A line of audit.log; in all of mailbox.log there is none."""

AUDIT = (
    HEADER
    + CONTEXT
    + rf" security - cmd=Auth; account=(?<account>{VALUE}); protocol=(?<protocol>{VALUE});(?<error> error={VALUE};)?$"
)
MAILBOX = (
    HEADER
    + CONTEXT
    + r" SoapEngine - handler exception: authentication failed for \[(?<account>.*)\], [^\[\]]*$"
)

ORIGIN = rf"^(?:[\w.-]+={VALUE};)*?oip=(?<ip>{VALUE});"
DIRECT = rf"^(?:[\w.-]+={VALUE};)*?ip=(?<ip>{VALUE});"
"""Whom a proxy spoke for, and who spoke to the server itself.

Over HTTP both never stand there, and only a trusted proxy is believed (RemoteIP.java). Over IMAP anybody can name
an origin (ImapHandler.java, setIDFields), so there it counts only if a neighbour named it.
"""

NEIGHBOUR = r"^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|[Ff][CcDd]|[Ff][Ee]80:)"
"""Addresses that nobody has on the internet."""

ADDRESS = r"(?:^|, *)([0-9A-Fa-f.:]+)(?:%[^,]*)?$"
"""The last of a list: each proxy adds the one that it saw; what stands before it the client may have sent."""

WEB = "soap"
"""The protocol that Zimbra's web pages speak."""

STAMP = "%Y-%m-%d %H:%M:%S,%3f"

MIXED = (
    "a login among lines of mailbox.log, where a name that somebody tries can imitate it; passed over: "
    "give audit.log by itself"
)

col = pl.col


def parse(lines: Lines) -> Parsed:
    """Logins in ``lines``.

    Zimbra writes names that were tried to mailbox.log as they came, line feeds included. It never writes a login
    with success there, so what looks like one there is none.
    """
    keep = ["text"] if lines.keep_text else []
    frame = pl.DataFrame({"text": lines.text}).with_row_index("row")
    frame = frame.filter(col.text.str.contains(STAMPED))
    alone = bool(frame.select(col.text.str.contains(SECURITY).all()).item())
    frame = frame.with_columns(said=col.text.str.strip_chars_end("\r\n"))
    logins = _matched(
        frame.filter(col.text.str.contains(" security - cmd=Auth; ", literal=True)), AUDIT
    ).with_columns(success=col.error.is_null(), service=pl.when(col.protocol == WEB).then(pl.lit("webmail")))
    failures = _matched(frame.filter(col.text.str.contains(" SoapEngine - ", literal=True)), MAILBOX)
    problems = list(lines.problems)
    if not alone:
        problems += lines.told(logins["row"], MIXED)
        logins = logins.clear()
    columns = ["row", "stamp", "time", "host", *keep, "account", "client_ip", "success", "service"]
    failures = failures.with_columns(
        service=pl.lit(None, pl.String),
        success=pl.lit(False),
        account=pl.when(~col.account.str.contains(r"[\[\]]")).then(col.account),
    )
    both = pl.concat(
        [
            each.with_columns(_address(), host=pl.lit(""), time=_time(lines)).select(columns)
            for each in (logins, failures)
        ]
    )
    return parsed(lines, problems, logins=both.sort("row"))


def _matched(frame: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """The lines of that form, with its parts as columns."""
    parts = col.said.str.extract_groups(pattern)
    names = re.compile(r"\?<(\w+)>").findall(pattern)
    return (
        frame.with_columns(parts.struct.field(name) for name in names)
        .filter(col.account.is_not_null())
        .with_columns(col.account.str.replace_all(";;", ";", literal=True))
    )


def _address() -> pl.Expr:
    origin, direct = col.context.str.extract(ORIGIN), col.context.str.extract(DIRECT)
    strange = ~direct.str.contains(NEIGHBOUR)
    given = pl.when(strange).then(direct).otherwise(pl.coalesce(origin, direct))
    return given.str.extract(ADDRESS).str.to_lowercase().alias("client_ip")


def _time(lines: Lines) -> pl.Expr:
    """Zimbra writes local times, without their zone."""
    local = col.stamp.str.to_datetime(STAMP, time_unit="us", strict=False)
    zoned = local.dt.replace_time_zone(lines.zone.key, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


SAMPLE = re.compile(
    STAMPED + r"+[A-Z]+ +\[\S*\] \[[^\]]*\] (?:security - cmd=|SoapEngine - handler exception: )"
)


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Zimbra's about a login."""
    return any(SAMPLE.search(line) for line in sample)


FORMAT = Format("zimbra", "Zimbra (audit.log, mailbox.log)", recognises, parse, logins_only=True)
