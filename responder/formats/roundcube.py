"""Roundcube's log of logins (``userlogins``), from its own file or through syslog.

A client's address is the one that the web server saw. What stands in brackets behind it (X-Real-IP,
X-Forwarded-For) anybody can send, so it is not read: where Roundcube stands behind a proxy, let the web server
itself take the address from it (Apache's mod_remoteip, nginx's realip), and it stands in the address's place.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.syslog import entries
from responder.formats.table import parsed
from responder.sources.lines import Lines

INTERESTING = r"(?:Successful|Failed) login for "
"""What a line must hold to be looked at; only a first sieve, never a proof."""

LINE = r"^\[(?<stamp>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4})\]: (?<message>.*)"
STAMP = "%d-%b-%Y %H:%M:%S%.f %z"
"""The default of ``log_date_format``."""

CLIENT = r"(?<ip>[0-9A-Fa-f.:]+)(?:%[^\s()]*)?"
KEY = r"^(?:<(?<key>[^<>\s]+)> )?"
"""The beginning of the session's id (``log_session_id``)."""

SUCCESS = (
    KEY
    + rf"Successful login for (?<account>.+?) \(ID: \d+\) from {CLIENT}(?:\(.*\))? in session (?<session>\S+)$"
)
FAILURE = (
    KEY + rf"Failed login for (?<account>\S+) from {CLIENT}(?:\(X-(?:Real-IP|Forwarded-For): [^()]*\))?"
    r" in session (?<session>\S+) \(error: -?\d+\)$"
)
ANY_FAILURE = KEY + r"Failed login for .* in session (?<session>\S+) \(error: -?\d+\)$"
"""One whose name or proxy header is such that it cannot be told where the one ends and the other begins."""

NO_KEY = (
    "a login without the beginning of its session's id (log_session_id), without which a name that somebody "
    "tries can imitate it; passed over"
)

col = pl.col


def parse(lines: Lines) -> Parsed:
    """Logins in ``lines``.

    Roundcube writes a name that was tried as it came, line feeds included, but without anything in angle brackets
    (``strip_tags``): so a line is its own only if it begins with its session's id in those.
    """
    frame = _entries(lines)
    problems = list(lines.problems)
    good = _matched(frame, SUCCESS, "account", "ip")
    odd = good.filter(~col.own)
    problems += lines.told(odd["row"], NO_KEY)
    bad = _matched(frame, FAILURE, "account", "ip")
    other = _matched(frame.join(bad, on="row", how="anti"), ANY_FAILURE)
    none = pl.lit(None, pl.String)
    columns = ["row", "stamp", "time", "host", *(["text"] if lines.keep_text else [])]
    logins = [
        good.filter(col.own).select(*columns, "account", client_ip=_small("ip"), success=pl.lit(True)),
        bad.select(*columns, "account", client_ip=pl.when("own").then(_small("ip")), success=pl.lit(False)),
        other.select(*columns, account=none, client_ip=none, success=pl.lit(False)),
    ]
    return parsed(
        lines, problems, logins=pl.concat(logins).sort("row").with_columns(service=pl.lit("webmail"))
    )


def _small(name: str) -> pl.Expr:
    return col(name).str.to_lowercase()


def _entries(lines: Lines) -> pl.DataFrame:
    """Lines of Roundcube's own file, which names no host, and those of syslog, in their order."""
    keep = ["text"] if lines.keep_text else []
    columns = ["row", "stamp", "time", "host", "message", *keep]
    own = (
        pl.DataFrame({"text": lines.text})
        .with_row_index("row")
        .filter(col.text.str.starts_with("[") & col.text.str.contains(INTERESTING))
        .with_columns(parts=col.text.str.strip_chars_end("\r\n").str.extract_groups(LINE))
        .unnest("parts")
        .filter(col.message.is_not_null())
        .with_columns(host=pl.lit(""), time=_time(col.stamp))
        .select(columns)
    )
    through_syslog = entries(lines, "roundcube", INTERESTING).select(columns)
    return pl.concat([own, through_syslog]).sort("row")


def _time(stamp: pl.Expr) -> pl.Expr:
    time = stamp.str.to_datetime(STAMP, time_unit="us", strict=False)
    return time.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _matched(frame: pl.DataFrame, pattern: str, *names: str) -> pl.DataFrame:
    """The entries of that form, with ``own``: whether the session's id stands at both ends."""
    found = col.message.str.extract_groups(pattern).struct
    return (
        frame.with_columns(
            *(found.field(name) for name in names), key=found.field("key"), session=found.field("session")
        )
        .filter(col.session.is_not_null())
        .with_columns(own=col.session.str.starts_with(col.key).fill_null(False))
    )


SAMPLE = re.compile(
    r"^(?:\[\d\d-[A-Z][a-z]{2}-\d{4} [^\]]*\]|.{15,40} roundcube(?:\[\d+\])?): "
    r"(?:<[^<>\s]+> )?(?:Successful|Failed) login for "
)


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Roundcube's about a login."""
    return any(SAMPLE.search(line) for line in sample)


FORMAT = Format("roundcube", "Roundcube (userlogins, or through syslog)", recognises, parse, logins_only=True)
