"""Microsoft Entra's sign-in logs, interactive and not, as exported: JSON with one object a line, or CSV.

They come from Microsoft Graph's ``auditLogs/signIns``, from diagnostic settings (a record with ``properties``), from
Log Analytics (names with capitals) and from the portal's download as CSV, with its header.

The user principal name of a success is the directory's word. That of a failure is a victim's, or whatever somebody
typed (also a password, once in a while): without an ``@`` it is not kept. Names that users show, user agents and
names of applications are not read, and neither is the place, which is worked out from the address anew.

A sign-in that was interrupted, to ask for a second factor or for consent, is neither: its end is a record of its own.
Sign-ins of applications have no user, and say nothing.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.records import address, header_of, is_json, loose, objects, once, table, texts, timed
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

col = pl.col

STATUS = pl.Struct({"errorCode": pl.String()})
SIGN_IN = {
    "createdDateTime": pl.String(),
    "userPrincipalName": pl.String(),
    "ipAddress": pl.String(),
    "status": STATUS,
}
"""As Microsoft Graph has it; as ``properties`` in what diagnostic settings write."""

SCHEMA = {
    **SIGN_IN,
    "properties": pl.Struct(SIGN_IN),
    **dict.fromkeys(("TimeGenerated", "CreatedDateTime", "UserPrincipalName", "IPAddress"), pl.String()),
    "ResultType": pl.String(),
}
COLUMNS = [
    "dateutc",
    "createddatetime",
    "username",
    "userprincipalname",
    "ipaddress",
    "signinerrorcode",
    "status",
]
"""The names in the portal's CSV, in small letters and without marks."""

INTERRUPTED = (
    *("16000", "50058", "50072", "50074", "50076", "50079", "50097", "50125", "50140", "50199", "65001"),
    "interrupted",
)
"""Codes of what is asked for in the course of a sign-in (Microsoft's list of AADSTS errors), and the portal's word."""

NO_OUTCOME = "does not say whether the sign-in succeeded; passed over"


def parse(lines: Lines) -> Parsed:
    """Logins in ``lines``."""
    problems = list(lines.problems)
    keep = ["text"] if lines.keep_text else []
    frame = texts(lines)
    json = is_json(frame)
    frame = _from_json(frame, lines, problems) if json else _from_csv(frame, lines, problems)
    frame = frame.select("row", *keep, "stamp", "account", "client_ip", "code")
    frame = timed(frame.filter(col.account != ""), lines, problems)
    code = col.code.str.strip_chars(" ").str.to_lowercase()
    frame = frame.with_columns(code=code, host=pl.lit("")).filter(~code.is_in(INTERRUPTED).fill_null(False))
    told = col.code.str.contains(r"^(?:\d+|success|failure)$").fill_null(False)
    problems += once(frame.filter(~told)["row"], NO_OUTCOME, lines)
    frame = frame.filter(told).with_columns(
        success=col.code.str.contains("^(?:0+|success)$"), client_ip=address(col.client_ip)
    )
    named = col.success | col.account.str.contains("@", literal=True)
    logins = frame.with_columns(account=pl.when(named).then(col.account.str.strip_chars(" ")))
    keys = ["row", "stamp", "time", "host", *keep]
    return parsed(lines, problems, logins=logins.select(*keys, "account", "client_ip", "success"))


def _from_json(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """Records of one of the three forms; ``account`` null where none is known."""
    frame = objects(frame, SCHEMA, lines, problems)
    inner = col.properties.struct
    return frame.with_columns(
        stamp=pl.coalesce(
            "createdDateTime", inner.field("createdDateTime"), "CreatedDateTime", "TimeGenerated"
        ),
        account=pl.coalesce("userPrincipalName", inner.field("userPrincipalName"), "UserPrincipalName"),
        client_ip=pl.coalesce("ipAddress", inner.field("ipAddress"), "IPAddress"),
        code=pl.coalesce(
            col.status.struct.field("errorCode"),
            inner.field("status").struct.field("errorCode"),
            "ResultType",
        ),
    )


def _from_csv(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """Lines after a header."""
    frame = table(frame, {"ipaddress", "status"}, COLUMNS, lines, problems)
    word = col.status.str.strip_chars(" ").str.to_lowercase()
    number = pl.when(col.signinerrorcode != "").then(col.signinerrorcode)
    return frame.select(
        "row",
        *(["text"] if lines.keep_text else []),
        stamp=pl.coalesce("dateutc", "createddatetime"),
        account=pl.coalesce("username", "userprincipalname"),
        client_ip="ipaddress",
        code=pl.when(word == "interrupted").then(word).otherwise(pl.coalesce(number, word)),
    )


SAMPLE = re.compile(r'^[\[,\s]*\{.*"(?:createdDateTime|CreatedDateTime|TimeGenerated)"\s*:')
KEYS = {"userprincipalname", "ipaddress"}
HEADERS = (
    {"dateutc", "username", "ipaddress", "signinerrorcode"},
    {"createddatetime", "userprincipalname", "ipaddress", "status"},
)


def recognises(sample: list[str]) -> bool:
    """Whether a line is a record of a sign-in, or the first one is a header with the names of one."""
    for line in sample:
        if SAMPLE.match(line):
            keys = {loose(key) for key in re.findall(r'"(\w+)"\s*:', line)}
            if keys >= KEYS and {"errorcode", "resulttype"} & keys:
                return True
    filled = [line for line in sample if line.strip() and not line.startswith("#TYPE ")]
    names = {loose(name) for name in header_of(filled[0].strip().lstrip("\ufeff\ufffd"))} if filled else set()
    return any(names >= header for header in HEADERS)


FORMAT = Format(
    "entra-signin",
    "Microsoft Entra sign-ins (JSON lines, or CSV with its header)",
    recognises,
    parse,
    logins_only=True,
)
