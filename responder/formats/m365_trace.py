"""Microsoft 365's message traces, as exported: JSON with one object a line, or CSV with a header.

They come from ``Get-MessageTrace`` and ``Get-MessageTraceV2`` (``SenderAddress``), from Microsoft Graph's
``messageTraces`` (``senderAddress``), both one record a recipient, and from the enhanced summary report
(``sender_address``), one record a message.

A sender's address is what the sender says, if he is a stranger. So a message is taken to be of that account only
where the service itself says that it did not come from outside:

- In a trace of a recipient: where ``FromIP`` is there and empty, as it is for what leaves Exchange Online, in every
  record of the message in these lines. Where it is not empty the message came by SMTP, from a stranger or from a
  server of one's own, which looks the same. From where an account sent, this trace does not say.
- In the report: where ``directionality`` is ``Originating`` or 2, and the message went through no connector: through
  one it may have come from a server that takes mail from strangers. ``original_client_ip`` is whence it was sent.

Everything else gives deliveries of nobody's messages. A record of a recipient tells of its last state, and so does
the report: whether it ``Failed`` for good, not with which code. What is marked as spam is delivered, to the junk
folder; what is quarantined waits. Records of one message stand together in an export; where they do not, or where an
export is read in parts, the message may be counted once for each part.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.records import address, header_of, is_json, loose, objects, once, table, texts, timed
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

col = pl.col

NAMES = {
    "stamp": ("Received", "receivedDateTime", "origin_timestamp_utc", "origin_timestamp"),
    "trace": ("MessageTraceId", "id", "network_message_id"),
    "sender": ("SenderAddress", "senderAddress", "sender_address"),
    "recipient": ("RecipientAddress", "recipientAddress"),
    "status": ("Status", "status"),
    "from_ip": ("FromIP", "fromIP"),
    "statuses": ("recipient_status", "Recipient_status"),
    "direction": ("directionality",),
    "origin_ip": ("original_client_ip",),
    "connector": ("connector_id",),
    "event": ("event_id",),
}
"""Each field, under the names that the exports have for it."""

SCHEMA = {name: pl.String() for names in NAMES.values() for name in names}
COLUMNS = {field: list(dict.fromkeys(map(loose, names))) for field, names in NAMES.items()}
OUTCOMES = {
    "delivered": "sent",
    "filteredasspam": "sent",
    "failed": "bounced",
    "pending": "deferred",
    "quarantined": "deferred",
}
"""What became of a recipient; ``Expanded`` (a list, whose members follow) and ``GettingStatus`` are nothing yet."""

LAST = {"deliver": "sent", "send": "sent", "fail": "bounced", "defer": "deferred"}
"""The last of what the report says of a recipient: ``Receive, Deliver``."""

EMPTY_FROM_IP = r'(?i)"FromIP"\s*:\s*null'
"""In JSON only the key itself can be written so: quotation marks inside a text have a backslash before them."""

OUTBOUND = ("originating", "2")
NO_FROM_IP = (
    "has no FromIP (not even an empty one), so nobody can tell whose message it is; export that column too"
)
NO_EXTENDED = (
    "is of an extended report, with a record for each stage; export the enhanced summary report instead"
)
BY_CONNECTOR = "sent through a connector, so it may be of a stranger; counted for nobody"


def parse(lines: Lines) -> Parsed:
    """Submissions and deliveries in ``lines``."""
    problems = list(lines.problems)
    keep = ["text"] if lines.keep_text else []
    frame = texts(lines)
    json = is_json(frame)
    if json:
        frame = objects(frame, SCHEMA, lines, problems)
        known = {field: list(names) for field, names in NAMES.items()}
    else:
        wanted = sorted({name for names in COLUMNS.values() for name in names})
        frame = table(frame, {"senderaddress"}, wanted, lines, problems)
        known = COLUMNS
    frame = frame.select(
        "row", *keep, "said", *(pl.coalesce(names).alias(field) for field, names in known.items())
    )
    extended = frame["event"].is_not_null()
    problems += once(frame.filter(extended)["row"], NO_EXTENDED, lines)
    frame = timed(frame.filter(~extended), lines, problems).with_columns(
        json=pl.lit(json), host=pl.lit(""), queue_id=col.trace.fill_null("").str.to_lowercase()
    )
    keys = ["row", "stamp", "time", "host", "queue_id", *keep]
    frame = frame.filter(col.queue_id != "")
    report = frame.filter(col.statuses.is_not_null() | col.direction.is_not_null())
    traces = frame.join(report.select("row"), on="row", how="anti", maintain_order="left")
    starts = pl.concat([_of_traces(traces, lines, problems), _of_report(report, lines, problems)]).sort("row")
    starts = starts.filter(pl.struct("host", "queue_id").is_first_distinct())
    deliveries = pl.concat([_recipients(traces, keys), _statuses(report, keys)]).sort("row")
    return parsed(lines, problems, starts=starts.select(*keys, "account", "client_ip"), deliveries=deliveries)


def _with_account(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``account``, without messages of nobody: ``<>`` sends what has no sender."""
    sender = col.sender.str.strip_chars(" ")
    return frame.with_columns(account=sender).filter(col.account.str.contains("@", literal=True))


def _of_traces(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """Messages all of whose records have an empty ``FromIP``."""
    told = frame["from_ip"].is_not_null() | (frame["json"] & frame["said"].str.contains(EMPTY_FROM_IP))
    problems += once(frame.filter(~told)["row"], NO_FROM_IP, lines)
    own = told & (frame["from_ip"].fill_null("") == "")
    frame = frame.with_columns(own=own).filter(col.own.all().over("queue_id"))
    return _with_account(frame.drop("own")).with_columns(client_ip=pl.lit(None, pl.String))


def _of_report(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """Messages that the service calls outbound, and that went through no connector."""
    frame = frame.filter(col.direction.str.to_lowercase().is_in(OUTBOUND).all().over("queue_id"))
    direct = frame["connector"].fill_null("").str.strip_chars(" ") == ""
    problems += once(frame.filter(~direct)["row"], BY_CONNECTOR, lines)
    return _with_account(frame.filter(direct)).with_columns(client_ip=address(col.origin_ip))


def _recipients(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One delivery a record."""
    return frame.select(
        *keys,
        recipient=col.recipient.str.strip_chars(" ").str.to_lowercase(),
        outcome=col.status.str.to_lowercase().replace_strict(OUTCOMES, default=None, return_dtype=pl.String),
        dsn=pl.lit(None, pl.String),
    ).filter((col.recipient != "") & col.outcome.is_not_null())


def _statuses(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``A##Receive, Deliver;B##Receive, Fail``, one delivery for each."""
    frame = frame.with_columns(one=col.statuses.str.split(";")).explode("one")
    parts = col.one.str.splitn("##", 2)
    last = parts.struct[1].str.extract(r"([A-Za-z]+)\s*$").str.to_lowercase()
    return frame.select(
        *keys,
        recipient=parts.struct[0].str.strip_chars(" ").str.to_lowercase(),
        outcome=last.replace_strict(LAST, default=None, return_dtype=pl.String),
        dsn=pl.lit(None, pl.String),
    ).filter((col.recipient != "") & col.outcome.is_not_null())


SAMPLE = re.compile(r'^[\[,\s]*\{.*"(?:MessageTraceId|senderAddress|SenderAddress)"\s*:')
REPORT = {"senderaddress", "recipientstatus", "networkmessageid"}
TRACE = {"senderaddress", "recipientaddress", "messagetraceid", "status"}


def recognises(sample: list[str]) -> bool:
    """Whether a line is a record of a trace, or the first one is a header with its names."""
    filled = [line for line in sample if line.strip() and not line.startswith("#TYPE ")]
    if any(SAMPLE.match(line) and _is_record(line) for line in filled):
        return True
    if not filled or filled[0].startswith("#"):
        return False
    names = {loose(name) for name in header_of(filled[0].strip().lstrip("\ufeff\ufffd"))}
    return names >= REPORT or names >= TRACE


def _is_record(line: str) -> bool:
    """Whether all keys are there that every trace has."""
    keys = {loose(key) for key in re.findall(r'"(\w+)"\s*:', line)}
    return {"senderaddress", "recipientaddress", "status"} <= keys and bool(
        {"messagetraceid", "fromip"} & keys
    )


FORMAT = Format(
    "m365-trace", "Microsoft 365 message trace (JSON lines, or CSV with its header)", recognises, parse
)
