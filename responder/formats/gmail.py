"""Gmail's log of messages sent: JSON with one record a line, from the Reports API or from BigQuery.

Read are two shapes of the same log, by Google's published schema (``event_info`` and ``message_info``):

- Activities of the Admin SDK's Reports API whose application is ``gmail``, with nested parameters
  (``jq -c '.items[]'``); they may stand in a list with one a line.
- Rows of the ``activity`` table that Workspace exports to BigQuery: ``email``, and the record ``gmail``.
  ``event_info`` and ``message_info`` may also stand at the top.

Of all stages that the log has of a message, only ``mail_event_type`` 1 (message sent) is an account's doing. The
account is the delegate who acted (``delegate_user_email``), or else the actor (``actor.email``, in BigQuery
``email``): Google writes these. What the sender says of himself (``source.address``, the From header, the subject)
is not read. What came from an SMTP server (``smtp-inbound``, ``smtp-relay``) is nobody's, and told of.

Seen in documentation: every field read here, the numbers of ``mail_event_type``, the form of
``flattened_destinations`` (``service:selector:address,...``), that ``smtp_reply_code`` is an SMTP reply, and that
``success`` is false where a policy rejects. Seen only in what others read and show of it: the nesting of parameters,
the columns ``email`` and ``gmail``, and ``smtp-inbound``. Seen nowhere: a whole record of a message sent;
``smtp-relay`` is the name of the service and may be written otherwise.

How a message fared after Gmail had taken it stands in records without account, that join to this one only by a
message id which anybody may write: they are not read, so later bounces are not known. For the same reason the
queue id here is the account and the message id. The numbers of ``action_type`` and ``rcpt_response`` are not read.

A message with several records is counted once in one part of an export.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.records import address, inside, nested, objects, once, since_1970, texts, timed
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

col = pl.col

FIELDS = {
    "type": ("event_info", "mail_event_type"),
    "microseconds": ("event_info", "timestamp_usec"),
    "success": ("event_info", "success"),
    "delegate": ("event_info", "client_context", "session_context", "delegate_user_email"),
    "message": ("message_info", "rfc2822_message_id"),
    "recipients": ("message_info", "flattened_destinations"),
    "service": ("message_info", "source", "service"),
    "reply": ("message_info", "connection_info", "smtp_reply_code"),
    "client": ("message_info", "connection_info", "client_ip"),
}
"""What is read of a record, by the path that it has in both shapes."""

VALUES = ("value", "intValue", "boolValue")
"""Where a parameter of the Reports API has its value."""


def _parameters(depth: int) -> pl.List:
    """The type of parameters of the Reports API that are ``depth`` deep."""
    fields: dict[str, pl.DataType] = dict.fromkeys(("name", *VALUES), pl.String())
    if depth > 1:
        fields["messageValue"] = pl.Struct({"parameter": _parameters(depth - 1)})
    return pl.List(pl.Struct(fields))


RECORDS = nested(FIELDS.values())
SCHEMA: dict[str, pl.DataType] = {
    "id": pl.Struct({"time": pl.String(), "applicationName": pl.String()}),
    "actor": pl.Struct({"email": pl.String()}),
    "ipAddress": pl.String(),
    "events": pl.List(pl.Struct({"name": pl.String(), "parameters": _parameters(4)})),
    "email": pl.String(),
    "gmail": pl.Struct(RECORDS),
    **RECORDS,
}

SENT = "1"
FROM_SERVERS = ("smtp-inbound", "smtp-relay")
NO_ACCOUNT = "a sent message without its account; export the table 'activity', which has 'email'; passed over"
BY_SERVER = "came from an SMTP server, so it may be of a stranger; counted for nobody"


def parse(lines: Lines) -> Parsed:
    """Submissions and deliveries in ``lines``."""
    problems = list(lines.problems)
    keep = ["text"] if lines.keep_text else []
    frame = objects(texts(lines), SCHEMA, lines, problems)
    both = pl.concat([_activities(frame, keep), _rows(frame, keep)]).sort("row", maintain_order=True)
    frame = timed(_of_accounts(both.filter(col.type == SENT), lines, problems), lines, problems)
    frame = frame.with_columns(
        host=pl.lit(""),
        queue_id=pl.concat_str(col.account.str.to_lowercase(), pl.lit(" "), col.message.fill_null("")),
    )
    starts = frame.filter(col.queue_id.is_first_distinct())
    return parsed(lines, problems, starts=starts, deliveries=_deliveries(frame))


def _activities(frame: pl.DataFrame, keep: list[str]) -> pl.DataFrame:
    """One row for each event of an activity of Gmail."""
    frame = frame.filter(col.id.struct.field("applicationName") == "gmail").explode("events")
    parameters = col.events.struct.field("parameters")
    frame = frame.with_columns(_below(parameters, name).alias(name) for name in RECORDS)
    return frame.select(
        "row",
        *keep,
        **{name: _parameter(path) for name, path in FIELDS.items()},
        stamp=col.id.struct.field("time"),
        actor=col.actor.struct.field("email"),
        address="ipAddress",
    )


def _parameter(path: Sequence[str]) -> pl.Expr:
    """The value of the parameter at ``path``, null where there is none."""
    parameters = pl.col(path[0])
    for name in path[1:-1]:
        parameters = _below(parameters, name)
    found = _named(parameters, path[-1])
    return pl.coalesce(*(found.struct.field(name) for name in VALUES))


def _below(parameters: pl.Expr, name: str) -> pl.Expr:
    """The parameters of the one of that name."""
    return _named(parameters, name).struct.field("messageValue").struct.field("parameter")


def _named(parameters: pl.Expr, name: str) -> pl.Expr:
    """The parameter of that name."""
    return parameters.list.eval(pl.element().filter(pl.element().struct.field("name") == name)).list.first()


def _rows(frame: pl.DataFrame, keep: list[str]) -> pl.DataFrame:
    """One row for each row of a table."""
    tops = (pl.coalesce(name, col.gmail.struct.field(name)) for name in RECORDS)
    frame = frame.with_columns(tops).filter(col.event_info.is_not_null())
    fields = {name: inside(pl.col(path[0]), path[1:]) for name, path in FIELDS.items()}
    time = since_1970(fields["microseconds"].cast(pl.Int64, strict=False))
    return frame.select(
        "row",
        *keep,
        **fields,
        stamp=time.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
        actor="email",
        address=pl.lit(None, pl.String),
    )


def _of_accounts(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``frame`` with ``account`` and ``client_ip``, without messages that are nobody's."""
    by_server = frame["service"].is_in(FROM_SERVERS).fill_null(False)
    problems += once(frame.filter(by_server)["row"], BY_SERVER, lines)
    frame = frame.filter(~by_server).with_columns(
        account=pl.coalesce(_with_at(col.delegate), _with_at(col.actor)),
        client_ip=pl.coalesce(address(col.address), address(col.client)),
    )
    problems += once(frame.filter(col.account.is_null())["row"], NO_ACCOUNT, lines)
    return frame.filter(col.account.is_not_null())


def _with_at(text: pl.Expr) -> pl.Expr:
    """An address, null where the text is none: of what is no user's doing ``email`` is the domain's path."""
    text = text.str.strip_chars(" ")
    return pl.when(text.str.contains("@", literal=True)).then(text)


def _deliveries(frame: pl.DataFrame) -> pl.DataFrame:
    """One delivery for each recipient of a message."""
    reply = col.reply.str.slice(0, 1)
    outcome = (
        pl.when((col.success == "false") | (reply == "5"))
        .then(pl.lit("bounced"))
        .when(reply == "4")
        .then(pl.lit("deferred"))
        .otherwise(pl.lit("sent"))
    )
    each = frame.with_columns(outcome=outcome, each=col.recipients.str.split(",")).explode("each")
    recipient = col.each.str.splitn(":", 3).struct[2].str.strip_chars(" ").str.to_lowercase()
    each = each.with_columns(recipient=recipient, dsn=pl.lit(None, pl.String))
    each = each.filter(col.recipient.str.contains("@", literal=True))
    return each.filter(pl.struct("queue_id", "recipient").is_first_distinct())


ACTIVITY = re.compile(r'^[\[,\s]*\{.*"applicationName"\s*:\s*"gmail"')
KEYS = {"event_info", "message_info", "timestamp_usec", "rfc2822_message_id"}


def recognises(sample: list[str]) -> bool:
    """Whether a line is an activity of Gmail, or a row with the records of its schema."""
    return any(
        '"events"' in line and '"uniqueQualifier"' in line
        if ACTIVITY.match(line)
        else re.match(r"[\[,\s]*\{", line) and set(re.findall(r'"(\w+)"\s*:', line)) >= KEYS
        for line in sample
    )


FORMAT = Format("gmail", "Gmail messages sent (Reports API or BigQuery, JSON lines)", recognises, parse)
