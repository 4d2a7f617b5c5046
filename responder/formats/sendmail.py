"""Sendmail, as its daemon (sendmail, sm-mta) and its queue runners write it.

A login stands in a line of its own, without a queue id, so messages are joined to it by the process: Sendmail
serves each connection with a process of its own. What the client names (sender, message id) stands in the middle
of a line: fields are taken from its two ends, where only Sendmail writes.
"""

from __future__ import annotations

import re
from datetime import timedelta

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.syslog import entries
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

PROGRAMS = r"sendmail(?:-[A-Za-z0-9_-]+)?|sm-[A-Za-z0-9_-]+"
"""Names that Sendmail goes by in syslog: its own, and those that start scripts give it."""

INTERESTING = r"AUTH=server|: AUTH failure \(|: from=|: to=|: done; "
"""What a line must hold to be looked at; only a first sieve, never a proof."""

QUEUE_ID = r"^[0-9A-Za-z]{8}[0-9]{6,8}$"
"""The time, a sequence number and the process that made it."""

PROCESS = r" [^\s\[:]+\[(\d+)\]: "
SOLARIS = r"^\[ID \d+ [a-z0-9]+\.[a-z]+\] "
"""What Solaris writes before a message."""

RELAY = r"(?:[^\s,=\[\]]+ )?\[(?:IPv6:)?(?<ip>[0-9A-Fa-f:.]+)\](?: \(may be forged\))?"
"""A client: its name, as far as the resolver lets one pass, and its address (daemon.c, getauthinfo)."""

LOGIN = rf"^AUTH=server, relay={RELAY}, authid=(?<account>[^,]+), mech=[A-Za-z0-9_-]+, bits=\d+$"
CUT_LOGIN = (
    r"^AUTH=server, relay=[^\s,=\[\]]+(?: [^,=]*)?, authid=(?<account>[^,]+), mech=[A-Za-z0-9_-]+, bits=\d+$"
)
"""Until 8.14, Sendmail wrote no more than 100 letters of a client, so that of one with a long name says no address."""

FAILURE = r"^AUTH failure \([A-Za-z0-9_-]*\): [^,]*(?:, user=(?<account>.*))?, relay=(?<relay>[^,=]*)$"
OLD_FAILURE = r"^AUTH failure \([A-Za-z0-9_-]*\): [^,]*$"
"""Before 8.14, without the client."""

HANDED_IN = (
    r"^from=.*, proto=(?<proto>[A-Z0-9]+)(?:, daemon=[^,=]*)?(?:, tls_verify=[^,=]*)?(?:, auth=[^,=]*)?"
    rf", relay={RELAY}$"
)
"""From the protocol to the end of the line only Sendmail writes; what stands before, the client does."""

LONGEST = timedelta(hours=1)
"""So long after its login a process is believed to serve the same client, where the protocol does not say."""

QUOTED = r'"(?:[^"\\]|\\.)*"'
LIST = rf'(?:{QUOTED}|[^",]|,{QUOTED}|,[^\s"])*'
TIMING = r"(?:, ctladdr=.*?)?, delay=[0-9+:]+(?:, xdelay=[0-9+:]+)?(?:, mailer=[^,]*)?(?:, pri=-?\d+)?"
RESULT = (
    r"(?:, (?:quarantine|relay|tls_verify|verify)=[^,]*)*(?:, dsn=(?<dsn>[245]\.\d{1,3}\.\d{1,3}))?"
    r"(?:, reply=(?<reply>.*?))?, stat=(?<stat>.*)$"
)
DELIVERY = rf"^to=(?<to>{LIST})(?:, \[more\]|,? \[more\])?{TIMING}{RESULT}"
ODD_DELIVERY = rf"^to=(?<to>.*?){TIMING}{RESULT}"
"""A delivery; the second one where the addresses are not as Sendmail would take them."""

DONE = r"^done; delay=[0-9+:]+, ntries=\d+$"
"""Written where the log level is above the default of 9 (envelope.c)."""

ADDRESS = rf'(?:{QUOTED}|[^",])+'
PERMANENT = (
    r"^(?:User unknown|Host unknown|Service unavailable|Data format error|Bad usage|Remote protocol error"
    r"|Local configuration error|Cannot |I/O error|Unknown |Internal error)"
)
"""How a failure begins where there is no code (sysexits.c)."""

UNKNOWN_LOGIN = "handed in after a login that stands in no line before it; passed over"
ODD_LOGIN = "a login that is not of Sendmail's form, or was cut short; passed over"
CUT_SHORT = "a delivery without its status: the line was cut short; passed over"

col = pl.col


def parse(lines: Lines) -> Parsed:
    """Submissions, deliveries and logins in ``lines``.

    A queue id is made of the time and never comes again, so nothing is lost where Sendmail does not write that a
    message is done, as it does not by default. A message of a session whose login stands in no line cannot be told
    whose it is; where Sendmail names the protocol, that is said.
    """
    keep = ["text"] if lines.keep_text else []
    keys = ["row", "stamp", "time", "host", *keep]
    frame = entries(lines, PROGRAMS, INTERESTING).with_columns(
        message=col.message.str.replace(SOLARIS, "").str.strip_chars_end("\r\n")
    )
    frame = frame.with_columns(pid=lines.text.gather(frame["row"]).str.extract(PROCESS))
    parts = col.message.str.splitn(": ", 2)
    numbered = parts.struct[0].str.contains(QUEUE_ID)
    frame = frame.with_columns(
        queue_id=pl.when(numbered).then(parts.struct[0]),
        said=pl.when(numbered).then(parts.struct[1]).otherwise(col.message),
    ).filter(col.said.is_not_null())
    problems = list(lines.problems)
    logins = _logins(frame.filter(col.said.str.starts_with("AUTH=server, ")), lines, problems)
    failures = _failures(frame.filter(col.said.str.starts_with("AUTH failure (")))
    mail = frame.filter(col.queue_id.is_not_null())
    starts = _starts(mail.filter(col.said.str.starts_with("from=")), logins, lines, problems)
    deliveries = _deliveries(mail.filter(col.said.str.starts_with("to=")), keys, lines, problems)
    ends = mail.filter(col.said.str.contains(DONE))
    both = pl.concat(
        [
            each.select(*keys, "account", "client_ip", success=pl.lit(success))
            for each, success in ((logins, True), (failures, False))
        ]
    ).sort("row")
    return parsed(lines, problems, starts, ends, deliveries, both)


def _address(text: pl.Expr) -> pl.Expr:
    """An address in small letters; null where there was none."""
    return pl.when(text != "").then(text.str.to_lowercase()).alias("client_ip")


def _logins(frame: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``AUTH=server, relay=R, authid=U, mech=M, bits=B``."""
    whole, cut = col.said.str.extract_groups(LOGIN), col.said.str.extract_groups(CUT_LOGIN)
    frame = frame.with_columns(
        _address(whole.struct.field("ip")),
        account=pl.coalesce(whole.struct.field("account"), cut.struct.field("account")),
    )
    problems += lines.told(frame.filter(col.account.is_null())["row"], ODD_LOGIN)
    return frame.filter(col.account.is_not_null())


def _failures(frame: pl.DataFrame) -> pl.DataFrame:
    """``AUTH failure (M): E (N) D(, user=U), relay=R``; U is whatever the client said."""
    parts = col.said.str.extract_groups(FAILURE)
    relay = parts.struct.field("relay")
    return frame.with_columns(
        _address(relay.str.extract(rf"^{RELAY}$".replace("?<ip>", ""))),
        account=parts.struct.field("account"),
        known=relay.is_not_null() | col.said.str.contains(OLD_FAILURE),
    ).filter(col.known)


def _starts(frame: pl.DataFrame, logins: pl.DataFrame, lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``ID: from=..., proto=P, daemon=D, relay=R``, by a process whose client logged in.

    P ends in A after a login, as RFC 3848 wants it (since 8.14). Where no line says so, the same address must
    have logged in to the same process shortly before.
    """
    parts = col.said.str.extract_groups(HANDED_IN)
    frame = (
        frame.with_columns(_address(parts.struct.field("ip")), proto=parts.struct.field("proto"))
        .filter(col.proto.is_not_null() & col.pid.is_not_null())
        .with_columns(told=col.proto.str.ends_with("A"))
        .join_asof(
            logins.select("row", "host", "program", "pid", "account", login_ip="client_ip", login="time"),
            on="row",
            by=["host", "program", "pid"],
            check_sortedness=False,
        )
    )
    same = (col.client_ip == col.login_ip) | (col.login_ip.is_null() & col.told)
    near = (col.time - col.login) <= LONGEST
    silent = ~col.told.any().over("host")
    frame = frame.with_columns(
        ours=(col.account.is_not_null() & same & (col.told | (near & silent))).fill_null(False)
    )
    problems += lines.told(frame.filter(col.told & ~col.ours)["row"], UNKNOWN_LOGIN)
    return frame.filter(col.ours)


def _deliveries(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``ID: to=A,B, ..., dsn=D, stat=S``, one row for each address."""
    frame = _read(frame, DELIVERY)
    odd = frame.filter(col.stat.is_null())
    if len(odd):
        frame = pl.concat([frame.filter(col.stat.is_not_null()), _read(odd, ODD_DELIVERY)]).sort("row")
        problems += lines.told(frame.filter(col.stat.is_null())["row"], CUT_SHORT)
    return (
        frame.with_columns(outcome=_outcome())
        .filter(col.outcome.is_not_null())
        .with_columns(recipient=col.to.str.extract_all(ADDRESS))
        .explode("recipient")
        .with_columns(recipient=col.recipient.str.strip_chars(" ").str.to_lowercase())
        .filter(~col.recipient.is_in(["", "[more]"]))
        .select(
            *keys,
            "queue_id",
            "outcome",
            "dsn",
            recipient=col.recipient.str.strip_prefix("<").str.strip_suffix(">"),
        )
    )


def _read(frame: pl.DataFrame, pattern: str) -> pl.DataFrame:
    parts = col.said.str.extract_groups(pattern)
    return frame.with_columns(parts.struct.field(name) for name in ("to", "dsn", "reply", "stat"))


def _outcome() -> pl.Expr:
    """What became of the recipient; null where nothing was tried yet.

    After a remote server's reply, the status may be that server's text: then the code alone counts.
    """
    kind = pl.coalesce(col.dsn.str.slice(0, 1), _kind_without_code())
    own = col.reply.is_null()
    return (
        pl.when(own & (col.stat == "queued"))
        .then(None)
        .when((kind == "2") & (~own | col.stat.str.starts_with("Sent")))
        .then(pl.lit("sent"))
        .when(kind == "4")
        .then(pl.lit("deferred"))
        .when(kind == "5")
        .then(pl.lit("bounced"))
    )


def _kind_without_code() -> pl.Expr:
    return (
        pl.when(col.stat.str.starts_with("Sent"))
        .then(pl.lit("2"))
        .when(col.stat.str.starts_with("Deferred"))
        .then(pl.lit("4"))
        .when(col.stat.str.contains(PERMANENT))
        .then(pl.lit("5"))
    )


SAMPLE = re.compile(
    rf" (?:{PROGRAMS})\[\d+\]: (?:\[ID [^\]]*\] )?"
    r"(?:[0-9A-Za-z]{8}\d{6,8}: |AUTH=server, |STARTTLS=server, |NOQUEUE: )"
)


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Sendmail's."""
    return any(SAMPLE.search(line) for line in sample)


FORMAT = Format(
    "sendmail",
    "Sendmail (syslog, traditional or ISO-8601 stamps)",
    recognises,
    parse,
    before=rf" (?:{PROGRAMS})\[\d+\]: (?:\[ID [^\]]*\] )?(?:[0-9A-Za-z]{{14,16}}: )?AUTH=server, ",
)
