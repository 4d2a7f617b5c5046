"""Microsoft Exchange's message tracking logs (MSGTRK*.LOG), of 2010 to Subscription Edition.

Exchange writes a line for each stage of a message, on each server that it passes; one of them is counted:

- ``STOREDRIVER, RECEIVE``: a mailbox hands in a message (Outlook, OWA, ActiveSync, EWS). Its sender is what the
  server found to be the mailbox's own. ``SUBMIT``, ``NOTIFYMAPI`` and ``SMTP, RECEIVE`` of the same message say it
  again.
- ``SMTP, RECEIVE`` by the connector ``SERVER\\Client SERVER`` or ``SERVER\\Client Proxy SERVER``, which Exchange sets
  up for IMAP and POP users to log in to and send as themselves. What any other connector takes in has a sender that
  its client claims, so it is nobody's, also where an administrator has made a connector with a login of his own.
- ``SEND`` by any other connector than the one between the organisation's own servers, and ``DELIVER`` into a mailbox:
  a recipient got it. ``FAIL`` and ``DEFER``: a recipient did not. A message that an Edge server sends on is told of by
  it too; read the logs of one of both only.

The name of the sender is that of the mailbox that is sent *as*: who sends as a shared mailbox is not in this log.
A message whose sender and return path differ (an inbox rule's, or one on behalf of another) is nobody's.

A message is known by its network-message-id, which is the same on every server, so ``host`` is empty then; Exchange
takes that id from its own servers only. 2010 has none: there it is the number that a server gave it, and that server.

From 2013 on the start stands in ``MSGTRKMS*.LOG`` and the deliveries in ``MSGTRK2*.LOG`` and ``MSGTRKMD*.LOG``: name
those of the submission first when several are read at once.

A line break inside a field does not occur in these logs; if it does, such lines are passed over.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.records import (
    Headers,
    address,
    header_of,
    named,
    once,
    split,
    texts,
    timed,
    whole,
)
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

col = pl.col

OLDEST = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,"
    "internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,"
    "related-recipient-address,reference,message-subject,sender-address,return-path,message-info"
)
"""Exchange 2007 and 2010 before its first service pack, as Microsoft's ProcessTrackingLog.vbs lists them."""

DIRECTED = f"{OLDEST},directionality,tenant-id,original-client-ip,original-server-ip,custom-data"
"""Exchange 2010 from its first service pack on, as in files with ``#Version: 14.``."""

NUMBERED = DIRECTED.replace(",message-id,", ",message-id,network-message-id,")
"""Exchange 2013, as in files with ``#Version: 15.00.``."""

NEWEST = f"{NUMBERED},transport-traffic-type,log-id,schema-version"
"""Exchange 2016 to Subscription Edition, as in files with ``#Version: 15.01.`` and Microsoft's documentation."""

LAYOUTS = tuple(layout.split(",") for layout in (OLDEST, DIRECTED, NUMBERED, NEWEST))
"""Each has another number of columns, which tells them apart where no header is in the lines."""

FIELDS = "#Fields: "
HEADER = rf"^{FIELDS}date-time,(?:.*,)?event-id,"
KINDS = (",RECEIVE,", ",SEND,", ",DELIVER,", ",FAIL,", ",DEFER,")
"""What a line must hold to be looked at; only a first sieve, never a proof."""

WITHIN = "intra-organization smtp send connector"
"""The connector between the servers of an organisation; nobody can make, change or rename it."""

OUTCOMES = {"SEND": "sent", "DELIVER": "sent", "FAIL": "bounced", "DEFER": "deferred"}
CODE = r"^(?:\[?\{LRT=[^{}]*\};\{LED=)?[245]\d\d[ -](?<dsn>[245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|$)"
"""A reply with its enhanced code, by itself or as the last error of a recipient (since 2013)."""

EXPIRED = "4.4.7"
WANTED = (
    *("date-time", "client-ip", "client-hostname", "server-hostname", "connector-id", "source", "event-id"),
    *("internal-message-id", "network-message-id", "recipient-address", "recipient-status", "reference"),
    *("sender-address", "return-path", "directionality", "original-client-ip"),
)

GUID = r"^[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$"
CUT_SHORT = "the columns are not those of a line of this length: it was cut short; passed over"
NOT_ITS_OWN = "handed in by a mailbox, in another sender's name (on behalf of it, or by a rule); passed over"


def parse(lines: Lines) -> Parsed:
    """Submissions and deliveries in ``lines``."""
    problems = list(lines.problems)
    keep = ["text"] if lines.keep_text else []
    frame = whole(texts(lines), lines, problems)
    headers = Headers()
    for row, said in frame.filter(col.said.str.contains(HEADER)).select("row", "said").iter_rows():
        headers.add(row, header_of(said.removeprefix(FIELDS)))
    frame = frame.filter(~col.said.str.starts_with("#"))
    frame = frame.filter(col.said.str.contains_any(list(KINDS)))
    frame = split(frame, lines, problems)
    frame = named(frame, headers, LAYOUTS, WANTED, lines, problems)
    frame = _fitting(frame, lines, problems)
    frame = timed(frame.rename({"date-time": "stamp"}), lines, problems)
    keys = ["row", "stamp", "time", "host", "queue_id", *keep]
    starts = _starts(frame, keys, lines, problems)
    deliveries = _deliveries(frame, keys)
    return parsed(lines, problems, starts=starts, deliveries=deliveries)


def _fitting(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` without lines cut to the length of an older layout, whose columns would be read as others."""
    number = col("network-message-id").fill_null("")
    right = ((number == "") | number.str.contains(GUID)) & ~col("recipient-address").str.contains(GUID)
    problems += lines.told(frame.filter(~right)["row"], CUT_SHORT)
    return frame.filter(right)


def _identified(frame: pl.DataFrame, server: pl.Expr) -> pl.DataFrame:
    """``frame`` with the message's id, and the server where that is needed to know it; ``queue_id`` "" for none."""
    number, own = col("network-message-id").fill_null(""), col("internal-message-id").fill_null("")
    name = server.fill_null("").str.to_lowercase().str.replace(r"^([^.:]*[a-z][^.:]*)\..*$", "$1")
    return frame.with_columns(
        queue_id=pl.when(number != "").then(number.str.to_lowercase()).otherwise(own),
        host=pl.when(number != "").then(pl.lit("")).otherwise(name),
    )


def _starts(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``RECEIVE`` from a mailbox, or from a client that logged in."""
    without = col("return-path").fill_null("").is_in(["", "<>"])
    frame = frame.filter((col("event-id") == "RECEIVE") & ~without)
    by_mailbox = (col.source == "STOREDRIVER") & (col("reference").fill_null("") == "")
    by_client = (col.source == "SMTP") & _for_clients() & (col.directionality.fill_null("") != "Incoming")
    frame = frame.filter(by_mailbox | by_client)
    same = col("sender-address").str.to_lowercase() == col("return-path").str.to_lowercase()
    other = frame.filter(~same.fill_null(False))
    problems += once(other["row"], NOT_ITS_OWN, lines)
    client = pl.when(col.source == "SMTP").then(address(col("client-ip")))
    frame = _identified(frame.filter(same), col("server-hostname")).with_columns(
        account=col("return-path"),
        client_ip=pl.coalesce(address(col("original-client-ip")), client),
    )
    again = ~pl.struct("host", "queue_id").is_first_distinct() & (col.queue_id != "")
    return frame.filter(~again).select(*keys, "account", "client_ip")


def _for_clients() -> pl.Expr:
    """Whether the connector is ``SERVER\\Client SERVER`` or ``SERVER\\Client Proxy SERVER``."""
    parts = col("connector-id").str.to_lowercase().str.splitn("\\", 2)
    server, name = parts.struct[0], parts.struct[1]
    return ((name == "client " + server) | (name == "client proxy " + server)).fill_null(False)


def _deliveries(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``SEND``, ``DELIVER``, ``FAIL`` and ``DEFER``, one row for each recipient.

    What became of a message once and for all is counted once, though two services may say it.
    """
    kind = col("event-id")
    within = (col("connector-id").fill_null("").str.to_lowercase() == WITHIN) & (col.source == "SMTP")
    right = ((kind == "SEND") & (col.source == "SMTP") & ~within) | (
        (kind == "DELIVER") & (col.source == "STOREDRIVER")
    )
    frame = frame.filter(right | kind.is_in(["FAIL", "DEFER"]))
    own = pl.when(col("client-hostname") != "").then(col("client-hostname")).otherwise(col("server-hostname"))
    status = col("recipient-status").fill_null("")
    frame = _identified(frame, own).filter(col.queue_id != "")
    frame = frame.with_columns(
        recipient=col("recipient-address").fill_null("").str.to_lowercase().str.split(";"),
        status=pl.when(status.str.starts_with("[{"))
        .then(status.str.split("];["))
        .otherwise(status.str.split(";")),
    )
    alone = pl.concat_list(status)
    number = col.recipient.list.len()
    nothing = pl.lit("").repeat_by(number)
    frame = frame.with_columns(
        status=pl.when(number == 1)
        .then(alone)
        .when(col.status.list.len() == number)
        .then(col.status)
        .otherwise(nothing)
    ).explode("recipient", "status")
    frame = frame.with_columns(
        recipient=col.recipient.str.strip_chars(" "),
        dsn=col.status.str.extract(CODE),
        outcome=col("event-id").replace_strict(OUTCOMES, default=None, return_dtype=pl.String),
    ).filter(col.recipient != "")
    expired = (col.outcome == "bounced") & (col.dsn == EXPIRED).fill_null(False)
    frame = frame.with_columns(outcome=pl.when(expired).then(pl.lit("expired")).otherwise(col.outcome))
    said = ~pl.struct("host", "queue_id", "recipient", "outcome").is_first_distinct()
    return frame.filter(~(said & (col.outcome != "deferred"))).select(*keys, "recipient", "outcome", "dsn")


def recognises(sample: list[str]) -> bool:
    """Whether the lines begin with the head of a tracking log, or are lines of one in their number of columns."""
    for line in sample:
        line = line.lstrip("\ufeff")
        if line.startswith("#Log-type: "):
            return line.strip() == "#Log-type: Message Tracking Log"
        if line.startswith(FIELDS):
            return re.match(HEADER, line) is not None
    return any(_is_line(line) for line in sample)


def _is_line(line: str) -> bool:
    if not line[:4].isdigit() or '"' in line[:24]:
        return False
    names = header_of(line.rstrip("\r\n"))
    known = {len(layout) for layout in LAYOUTS}
    return len(names) in known and SOURCES.fullmatch(names[7]) is not None and names[8].isupper()


SOURCES = re.compile(
    "ADMIN|AGENT|APPROVAL|BOOTLOADER|DNS|DSN|GATEWAY|MAILBOXRULE|MEETINGMESSAGEPROCESSOR|ORAR|PICKUP"
    "|POISONMESSAGE|PUBLICFOLDER|QUEUE|REDUNDANCY|RESOLVER|ROUTING|SAFETYNET|SMTP|STOREDRIVER|TRANSPORT"
)
"""The components that write such lines."""

FORMAT = Format(
    "exchange", "Microsoft Exchange message tracking (CSV, 2010 to Subscription Edition)", recognises, parse
)
