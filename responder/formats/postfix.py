"""Postfix, as its own daemons write it, in any instance.

Every field is taken from the place where Postfix itself writes it: the text up to the process id says which
daemon speaks, and each daemon's line is split at its own marks from the left. What clients and remote servers
say stands further right or is checked against the form of a queue id, so it can never pass for a field.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.losses import SIEVE
from responder.formats.stamp import times
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

INTERESTING = (
    r"sasl_username=|, status=|: removed|authentication failed|, orig_queue_id="
    rf"|: NOQUEUE: client=|proxy-accept: END-OF-MESSAGE: 2|{SIEVE}"
)
"""What a line must hold to be looked at; only a first sieve, never a proof. An eleventh piece would double its cost."""

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

CLIENT = (
    r"^client=[A-Za-z0-9._-]+\[(?:[0-9A-Fa-f.:]+|unknown)\](?::\d+)?"
    r"(?:, orig_[a-z_]+=[^,]*)*, sasl_method=[A-Za-z0-9_-]+$"
)
"""The client's name and address: Postfix logs only names that are valid host names, or ``unknown``."""

ADDRESS = r'(?:"(?:[^"\\]|\\.)*"|[^">])*'
QUOTED = rf"^(?<recipient>to=<{ADDRESS})>(?:, orig_to=<(?<original>{ADDRESS})>)?(?<rest>, .*)"
UNQUOTED = (
    r"^(?<recipient>to=<.*?)>, (?:orig_to=<.*>, )?(?<original>)"
    r"(?<rest>relay=[^,]*(?:, \w+=[^,]*)*, dsn=[245]\.\d.*)"
)
"""``to=<`` with the address, and the remainder with the agent's own fields."""

PROGRAM = re.compile(r"^(\S+) (postfix[^/\s]*(?:/[^/\s]+)*)/([a-z]+)$")

col = pl.col


def _split(text: pl.Expr, mark: str, parts: int = 2) -> pl.Expr:
    """Text before the first ``mark``, then (before the second, and) after it."""
    return text.str.splitn(mark, parts)


def _part(number: int, name: str = "parts") -> pl.Expr:
    return col(name).struct.field(f"field_{number}")


def _upto(text: pl.Expr, mark: str) -> pl.Expr:
    """Text before the first ``mark``; null where there is none. In bytes, as ``find`` counts."""
    return text.cast(pl.Binary).bin.slice(0, text.str.find(mark, literal=True)).cast(pl.String)


def _between(text: pl.Expr, left: str, right: str) -> pl.Expr:
    """Text after the first ``left`` and before the first ``right``, which comes later."""
    start, end = text.str.find(left, literal=True) + 1, text.str.find(right, literal=True)
    return text.cast(pl.Binary).bin.slice(start, end - start).cast(pl.String)


def parse(lines: Lines) -> Parsed:
    """Submissions, deliveries, failed logins and ends of messages in ``lines``."""
    interesting = lines.text.str.contains(INTERESTING) if lines.sieved is None else lines.sieved
    text = lines.text.filter(interesting)
    keep = ["text"] if lines.keep_text else []
    keys = ["row", "stamp", "time", "host", "queue_id", *keep]
    iso = text < ":"  # the character after 9: ISO-8601 stamps begin with a digit
    sieved = (
        pl.DataFrame({"row": interesting.arg_true(), "text": text, "iso": iso})
        .select_seq("row", "iso", *keep, parts=_split(col.text, ": ", 3))
        .select_seq("row", *keep, *_header(iso.any()), queue_id=_part(1), rest=_part(2))
        .pipe(lambda each: each.with_columns(times(each["stamp"], lines)))
    )
    frame = sieved.join(_daemons(sieved["from"]), on="from", how="inner", maintain_order="left")
    problems = list(lines.problems)
    smtpd = frame.filter(col.role == SMTPD)
    ends = frame.filter((col.role == QMGR) & ((col.rest == "removed\n") | (col.rest == "removed\r\n")))
    agents = frame.filter((col.role == AGENT) & col.rest.str.starts_with("to=<"))
    client = smtpd.filter(col.rest.str.starts_with("client=")).with_columns(
        parts=_split(col.rest, ", sasl_username=")
    )
    handed_in = client.filter(col.queue_id.str.contains(QUEUE_ID))
    authenticated = handed_in.filter(_part(1).is_not_null())
    links = [_handed_over(agents, keys), _came_back(handed_in.filter(_part(1).is_null()), keys)]
    if smtpd["queue_id"].is_in(BEFORE_QUEUE).any():
        proxied, others, accepted = _through_proxy(smtpd, client, lines, keys)
        authenticated = pl.concat([authenticated, proxied]).sort("row")
        ends = pl.concat([ends.select(keys), others]).sort("row")
        links.append(accepted)
    starts = _starts(authenticated, keys, lines, problems)
    deliveries = _deliveries(agents, keys, lines, problems)
    logins = _failed_logins(smtpd.filter(col.queue_id == "warning"), keys)
    found = parsed(lines, problems, starts, ends, deliveries, logins, pl.concat(links))
    return replace(found, noted=_others(sieved["row"], frame["row"]))


SMTPD, QMGR, AGENT = range(3)
ROLES = {"smtpd": SMTPD, "qmgr": QMGR, **dict.fromkeys(AGENTS, AGENT)}
"""What we hear each daemon for."""

CUT_SHORT = "a delivery without its status: the line was cut short; passed over"
NO_CLIENT = "what stands in the client's place is none, so Postfix did not write this; passed over"


def _header(iso: bool) -> tuple[pl.Expr, pl.Expr]:
    """The stamp, and the text from the host to the process id, of traditional and, where there are, ISO lines."""
    header = _part(0)
    stamp, rest = header.str.slice(0, 15), header.str.slice(16)
    if iso:
        parts = _split(header, " ")
        stamp = pl.when(col.iso).then(parts.struct[0]).otherwise(stamp)
        rest = pl.when(col.iso).then(parts.struct[1]).otherwise(rest)
    return stamp.alias("stamp"), _upto(rest, "[").alias("from")


def _daemons(texts: pl.Series) -> pl.DataFrame:
    """Host and role of each text before the process ids, those of Postfix that we hear only."""
    said = [(text, PROGRAM.match(text)) for text in texts.unique().to_list() if text]
    found = [(text, match[1], ROLES[match[3]]) for text, match in said if match and match[3] in ROLES]
    return pl.DataFrame(found, {"from": pl.String, "host": pl.String, "role": pl.UInt8}, orient="row")


def _others(rows: pl.Series, ours: pl.Series) -> pl.Series:
    """The places of the lines that are not of Postfix."""
    return rows.filter(~rows.is_in(ours.implode())) if len(rows) > len(ours) else rows.clear()


def _starts(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``ID: client=NAME[IP](:PORT)(, orig_...), sasl_method=M, sasl_username=U(, sasl_sender=S)``."""
    frame = frame.select_seq(
        *keys,
        client_ip=pl.when(_part(0).str.contains(CLIENT)).then(
            _between(_part(0), "[", "]").str.to_lowercase()
        ),
        account=_part(1).str.strip_chars_end("\r\n"),
    )
    if (frame["account"] == "").any():
        frame = frame.filter(col.account != "")
    if frame["client_ip"].has_nulls():
        odd = frame.filter(col.client_ip.is_null())["row"]
        problems += lines.told(odd, NO_CLIENT)
        frame = frame.filter(col.client_ip.is_not_null())
    sender = frame["account"].str.contains(", sasl_sender=", literal=True)
    if sender.any():
        frame = frame.with_columns(account=_split(col.account, ", sasl_sender=").struct[0])
    return frame


CAME_BACK = (
    r"^client=[A-Za-z0-9._-]+\[(?:[0-9A-Fa-f.:]+|unknown)\](?::\d+)?, orig_queue_id=(?<field_0>[0-9A-Za-z]+)"
    r"(?:, orig_client=[A-Za-z0-9._-]+\[(?:[0-9A-Fa-f.:]+|unknown)\](?::\d+)?)?\s*$"
)
"""A message that a content filter hands back, which told its earlier id (XFORWARD, from trusted clients only)."""

HANDED_OVER = (
    r"^to=<[^>\"]*>(?:, orig_to=<[^>\"]*>)?, relay=[^\[\],; ]*\[(?:127\.\d+\.\d+\.\d+|::1)\]:\d+"
    r", (?:conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, dsn=2\.\d+\.\d+, status=sent \(250 .*"
    r"queued as (?<field_0>[0-9A-Za-z]+)\)\s*$"
)
"""A content filter on this machine takes a message and says which new id Postfix has given it."""


def _came_back(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``ID: client=NAME[IP], orig_queue_id=ORIGIN, orig_client=...``; a login comes first."""
    found = frame.select_seq(*keys, origin=col.rest.str.extract(CAME_BACK), late=pl.lit(False))
    return found.filter(found["origin"].str.contains(QUEUE_ID))


def _handed_over(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The links of deliveries that were a hand-over to a filter on this machine."""
    here = frame.filter(frame["rest"].str.contains(r"\[(?:127\.|::1\])"))
    if len(here):
        alone = col.rest.str.count_matches(", relay=", literal=True) == 1  # none in an address, as before 3.5
        here = here.filter(alone & col.queue_id.str.contains(QUEUE_ID))
    here = here.with_columns(origin="queue_id", queue_id=col.rest.str.extract(HANDED_OVER), late=pl.lit(True))
    return here.select_seq(*keys, "origin", "late").filter(here["queue_id"].str.contains(QUEUE_ID))


NO_QUEUE = "NOQUEUE"
BEFORE_QUEUE = [NO_QUEUE, "proxy-accept"]
"""What stands in the place of an id; the answer's line begins with the first one only in later releases."""

PROCESS = r"^[^\[\]]*\[(\d+)\]: "
ACCEPTED = r"^(?:proxy-accept: )?END-OF-MESSAGE: 250 [^;]*\bqueued as ([0-9A-Za-z]+); from=<"
"""What a filter before the queue (smtpd_proxy_filter) answered, up to where the sender's own words begin."""


def _through_proxy(
    smtpd: pl.DataFrame, client: pl.DataFrame, lines: Lines, keys: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Who logged in to hand messages to a filter before the queue, who did not, and the links to their queue ids.

    ``NOQUEUE: client=...`` comes once a message; until the filter has taken it, its id is that of the process.
    """
    process = lines.text.gather(smtpd["row"]).str.extract(PROCESS)
    smtpd = smtpd.with_columns(origin=pl.concat_str(pl.lit("["), process, pl.lit("]")))
    client = client.filter(col.queue_id == NO_QUEUE).join(smtpd.select("row", "origin"), on="row")
    client = client.with_columns(queue_id="origin").drop("origin")
    accepted = (
        smtpd.filter(col.queue_id.is_in(BEFORE_QUEUE))
        .with_columns(queue_id=col.rest.str.extract(ACCEPTED), late=pl.lit(True))
        .filter(col.queue_id.str.contains(QUEUE_ID))
        .select(*keys, "origin", "late")
    )
    done = accepted.with_columns(queue_id="origin").select(keys)
    named = _part(1).is_not_null()
    return client.filter(named), pl.concat([client.filter(~named).select(keys), done]), accepted


def _deliveries(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``ID: to=<A>(, orig_to=<O>), relay=R(, ...), dsn=D, status=S (...)``; what was cut short is told of.

    A and O are what the sender wrote. Where there are two, or quotation marks in the line, they are matched as
    a whole. Where that fails, or what follows is not the agent's (Postfix before 3.5 did not quote), they are
    whatever stands before fields of the agent's form.
    """
    frame = frame.filter(col.queue_id.str.contains(QUEUE_ID))
    odd = frame["rest"].str.contains(r'"|>, orig_to=<')
    plain = frame.filter(~odd) if odd.any() else frame
    plain = plain.with_columns(recipient=_upto(col.rest, ">"), original=pl.lit(None, pl.String))
    found = _outcomes(plain, keys)
    if odd.any():
        found = pl.concat([found, _outcomes(_matched(frame.filter(odd), QUOTED, keys), keys)]).sort("row")
    if found["outcome"].has_nulls():
        rest = frame.join(
            found.filter(col.outcome.is_null()).select("row"), on="row", how="semi", maintain_order="left"
        )
        again = _outcomes(_matched(rest, UNQUOTED, keys), keys)
        problems += lines.told(again.filter(col.outcome.is_null())["row"], CUT_SHORT)
        found = pl.concat([found, again]).filter(col.outcome.is_not_null()).sort("row")
    return found


def _matched(frame: pl.DataFrame, pattern: str, keys: list[str]) -> pl.DataFrame:
    """Addresses and remainder where they can only be told apart by a pattern."""
    frame = frame.with_columns(col.rest.str.extract_groups(pattern)).unnest("rest")
    return frame.with_columns(original=pl.when(col.original != "").then(col.original))


def _outcomes(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Recipient, code and outcome, from the first ``, dsn=`` of ``rest``; null where there is none.

    So few different ones come that each is read once and then looked up.
    """
    start = col.rest.str.find(", dsn=", literal=True)
    result = col.rest.cast(pl.Binary).bin.slice(start, RESULT_LENGTH)
    # In small letters, which is a copy: a slice would keep the whole line's memory for as long as the event.
    frame = frame.select_seq(
        *keys, col.recipient.str.slice(4).str.to_lowercase(), col.original.str.to_lowercase(), result=result
    )
    each = frame["result"].unique()
    read = [RESULT.match(text or b"") for text in each.to_list()]
    table = pl.DataFrame(
        {
            "result": each,
            "dsn": [match[1].decode() if match else None for match in read],
            "outcome": [OUTCOMES.get(match[2].decode()) if match else None for match in read],
        },
        {"result": pl.Binary, "dsn": pl.String, "outcome": pl.String},
    )
    return frame.join(table, on="result", how="left", maintain_order="left", nulls_equal=True).drop("result")


RESULT_LENGTH = 28
RESULT = re.compile(rb"^, dsn=([245]\.\d{1,3}\.\d{1,3}), status=([a-z]{4})")
"""``, dsn=D, status=`` and the first letters of the status, which tell it."""


FAILED = (
    r"^[^\[\] ]+\[(?<client_ip>[0-9A-Fa-f.:]+)\](?::\d+)?: SASL [A-Za-z0-9_-]+ authentication failed: "
    r"(?<reason>[^\r\n]*)"
)


def _failed_logins(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``warning: NAME[IP](:PORT): SASL M authentication failed: R(, sasl_username=U)``."""
    found = frame.with_columns(col.rest.str.extract_groups(FAILED)).unnest("rest")
    return found.filter(found["client_ip"].is_not_null()).select_seq(
        *keys,
        "client_ip",
        account=col.reason.str.extract(r"^[^,]*, sasl_username=(.*)$"),
        success=pl.lit(False),
    )


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Postfix's."""
    return any(re.search(r" postfix\S*/[a-z]+\[\d+\]: ", line) for line in sample)


FORMAT = Format(
    "postfix", "Postfix (syslog, traditional or ISO-8601 stamps)", recognises, parse, sieve=INTERESTING
)
