"""Exim 4's main log: a file of its own, or through syslog.

Each line is ``STAMP (+ZONE) ([PID]) ID FLAG REST``. What clients write (HELO, addresses, message ids, subjects,
names in certificates) comes in REST, and Exim escapes line ends in it but neither spaces nor, mostly, quotation
marks. So REST is matched from the left in the order in which Exim writes it; where what follows allows of another
reading, the line says nothing and a problem tells of it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.stamp import instants, second_passes
from responder.formats.syslog import entries
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

col = pl.col

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?"
"""The date, the time, milliseconds and the zone (log_selector millisec; log_timezone)."""

IDS = {
    23: r"[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}",
    16: r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}",
}
"""The forms of a message's id and how long they are: since 4.97, and before."""

ID = f"(?:{'|'.join(IDS.values())})"

EXTRAS = r"^\S+ \S+ (?:[+-]\d{4} )?(?:\[\d+\] )?"
"""What stands before the id, with the zone and the process that are there in some logs."""

ADDRESS = r'(?:"(?:[^"\\]|\\.)*"|[^\s"<>])+'
"""An address as Exim keeps it: quoted strings may hold spaces, nothing else does."""

TOP = r'(?:"(?:[^"\\]|\\.)*"|[^">])*'
"""An address in angle brackets."""

IP = r"[0-9A-Fa-f:.]+"
HOST = (
    r"(?:[^\s()\[\]]+ )?(?:\((?:[^\s()\[\]]*|\[[^\s()\[\]]*\])\) )?"
    rf"\[(?P<client_ip>{IP})(?:%[\w.-]+)?\](?::\d+)?(?: I=\[[\w:.%-]+\](?::\d+)?)?"
)
"""``NAME (HELO) [IP]:PORT I=[IP]:PORT``, of a HELO that cannot be taken for the end of itself."""

SENT_FROM = (
    rf"(?:{ADDRESS}|<>)(?: R=\S+)?(?: DS)? H={HOST}(?: Ci=\S+)?(?: TFO\*?)?(?P<ident> U=\S+)?(?: P=\S+)?"
    r"(?: L[*.]?-?)?(?: X=\S+)?(?: CV=[a-z]+)?(?P<quoted> DN=\"[^\"]*\")?(?P<sni> SNI=(?:\"[^\"]*\"|[^\s\"]\S*))?"
)
"""What follows ``<=`` of a message that came by SMTP, up to the login."""

SIZE = " S="
LOGGED_IN = r"[\w.-]+:(?P<account>[^:]*?)(?::.*?)?(?: PRDR)?(?: PRX=\S+)?(?: K)? S=\d+(?:\s|$)"
"""What follows ``A=``: the authenticator, the account, the sender that the client gave (smtp_mailauth), the size."""

AGAIN = rf"\) \[{IP}\].* S=\d"
"""A second reading: what was read was in a HELO, and here it ends."""

AGAIN_IDENT = r" P=\S+ .*S=\d| P=\S+ S=\d"
"""The same of a name that the client's ident service gave."""

AGAIN_QUOTED = r'"(?: (?:SNI|A)=.*)?(?: PRDR)?(?: PRX=\S+)?(?: K)? S=\d'
"""The same of what stands between quotation marks, which Exim does not escape in there."""

AUTHENTICATED = r" P=\S*smtps?a .*A=[\w.-]+:"
"""A line that looks like that of a message that an account handed in, if only Exim's words could be told apart."""

AMBIGUOUS = "what clients wrote into this line allows of two readings, so nobody handed it in; passed over"
NO_RECIPIENT = "a delivery whose recipient cannot be told from the text around it; passed over"

FAILED = (
    rf"^(?:{STAMP}|- -) (?:\[\d+\] )?[\w-]+ authenticator failed for {HOST}(?: U=[^\s()\[\]]*)?"
    r": 535 Incorrect authentication data(?: \(set_id=(?P<account>.*)\))?\s*$"
)
FAILURE = (
    rf"^(?:{STAMP}|- -) (?:\[\d+\] )?[\w-]+ authenticator failed for .*: 535 Incorrect authentication data"
)
REASON = ": 535 Incorrect authentication data"
"""Which stands once in the line, or the names in it are anybody's guess."""

OUTCOMES = {"=> ": "sent", "-> ": "sent", ">> ": "sent", "== ": "deferred", "** ": "bounced"}
"""What the flags of deliveries say; ``*>`` is a rehearsal."""

DONE = "Completed"
"""What stands in a flag's place when a message leaves the queue."""

ODD = r'^(?:["|/>:]|save |blackhole |[^ ]*"|[^ ]+ (?:\(|<[^> ]*(?:"| |$)))'
"""A recipient that is more than an address, or an address and another in angle brackets."""

RECIPIENT = (
    rf"^(?P<address>{ADDRESS}|[|/>:].*?|save .*?)(?: \(.*?\))?(?: <(?P<top>{TOP})>)?"
    r"(?:: | (?:F|P|R|T|S|Q|H|SRS)=| routing| defer \(|:?\s*$)"
)
REPLIED = (": SMTP error from remote mail server after ", ": LMTP error after ")
REPLY = (
    rf"^(?:[A-Za-z ]+:<{TOP}>[^:]*|[^:<>\"]*): (?:host \S+ \[[^\]]*\]: )?(?P<code>[45])\d\d"
    r"(?:[ -](?P<dsn>[45]\.\d{1,3}\.\d{1,3})\b)?"
)
"""What the other server answered, to which command of ours."""

CONFIRMED = re.compile(rb'^ C="2\d\d[ -](2\.\d{1,3}\.\d{1,3})(?:[^.\d]|$)')
CONFIRMED_LENGTH = 18

TIMED_OUT = ": retry timeout exceeded"


def parse(lines: Lines) -> Parsed:
    """Submissions, deliveries, failed logins and ends of messages in ``lines``."""
    bare = lines.text.str.contains(r"^\d{4}-\d\d-\d\d ")
    frame = _written(lines, bare)
    keep = ["text"] if lines.keep_text else []
    keys = ["row", "stamp", "time", "host", "queue_id", *keep]
    problems = list(lines.problems)
    failed = _failed_logins(
        frame.filter(col.said.str.contains("authenticator failed for", literal=True)), lines
    )
    of_messages = _of_messages(frame, lines)
    starts = _starts(of_messages.filter(col.flag.is_in(["<= ", "(= "])), keys, lines, problems)
    ends = of_messages.filter((col.flag == DONE[:3]) & col.rest.str.contains(rf"^{DONE[3:]}(?: |\r?\n?$)"))
    deliveries = _deliveries(of_messages.filter(col.flag.is_in(list(OUTCOMES))), keys, lines, problems)
    found = parsed(lines, problems, starts, ends, _cut_through(deliveries, starts), failed)
    return replace(found, noted=(~bare).arg_true())  # Exim's own file has no other program's lines


def _written(lines: Lines, bare: pl.Series) -> pl.DataFrame:
    """What Exim wrote, line by line: row, host, ``said`` with a stamp or ``- -``, and ``outer``, syslog's time.

    ``bare``: which lines came through no syslog.
    """
    keep = ["text"] if lines.keep_text else []
    frame = pl.DataFrame({"text": lines.text}).with_row_index("row")
    own = frame if bare.all() else frame.filter(bare)
    own = own.select(
        "row",
        *([col.text] if keep else []),
        host=pl.lit(""),
        said="text",
        outer_stamp=pl.lit(None, pl.String),
        outer=pl.lit(None, pl.Datetime("us")),
    )
    if bare.all():
        return own
    rows = (~bare).arg_true()
    others = entries(replace(lines, text=lines.text.gather(rows)), r"exim[\w.-]*", sieve="exim")
    message = col.message.str.replace(r"^\[1[/\\]\d+\] ", "")
    others = (
        others.filter(~col.message.str.contains(r"^\[\d+[/\\]\d+\] ") | message.ne(col.message))
        .with_columns(message=message)
        .select(
            row=pl.lit(rows).gather(col.row).cast(frame["row"].dtype),
            **({"text": col.text} if keep else {}),
            host="host",
            said=pl.when(col.message.str.contains(rf"^{STAMP} "))
            .then(col.message)
            .otherwise("- - " + col.message),
            outer_stamp="stamp",
            outer="time",
        )
    )
    return pl.concat([own, others]).sort("row")


def _of_messages(frame: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    """The lines with a message's id, split: queue_id, flag and rest, and their times."""
    found, others = [], frame
    for length, form in IDS.items():
        place = others["said"].str.slice(19, length + 2)
        these = place.str.contains(rf"^ {form} $")
        if these.any():
            queue_id, after = place.filter(these).str.slice(1, length), col.said.str.slice(20 + length + 1)
            found.append(_split(others.filter(these), pl.lit(queue_id), after))
            others = others.filter(~these)
    others = others.filter(others["said"].str.contains(rf"{EXTRAS}{ID} "))
    exact = not len(others)
    if len(others) or not found:
        after = col.said.str.replace(rf"{EXTRAS}{ID} ", "")
        found.append(_split(others, col.said.str.extract(rf"{EXTRAS}({ID})"), after))
    return _timed(found[0] if len(found) == 1 else pl.concat(found).sort("row"), lines, exact)


def _split(frame: pl.DataFrame, queue_id: pl.Expr, after: pl.Expr) -> pl.DataFrame:
    """``frame`` with id, and what comes ``after`` it: a flag with its space, and the rest."""
    frame = frame.with_columns(queue_id=queue_id, rest=after)
    return frame.with_columns(flag=col.rest.str.slice(0, 3), rest=col.rest.str.slice(3))


def _timed(frame: pl.DataFrame, lines: Lines, exact: bool = False) -> pl.DataFrame:
    """``frame`` with stamp and time: Exim's own, which has a year, or else syslog's.

    ``exact``: nothing stands between the seconds and the rest.
    """
    stamps = frame["said"].str.slice(0, 19)
    runs = stamps.rle().struct.unnest()  # lines of one second follow one another
    local = runs["value"].str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    time = second_passes(instants(local, lines.zone).alias("time"), runs["value"], lines)
    frame = frame.with_columns(
        runs.select(time=time.repeat_by(runs["len"]).explode()).to_series(), stamps.alias("stamp")
    )
    if not exact:
        frame = _to_the_millisecond(frame)
    own = ~col.said.str.starts_with("- - ")
    if frame["outer"].null_count() == len(frame):
        return frame
    return frame.with_columns(
        time=pl.when(own).then(col.time).otherwise(col.outer),
        stamp=pl.when(own).then(col.stamp).otherwise(col.outer_stamp),
    )


def _to_the_millisecond(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the fraction and the zone of its stamps counted, where there are any."""
    if not frame["said"].str.contains(r"^.{19}(?:\.| [+-])").any():
        return frame
    after = col.said.str.slice(19, 14)
    fraction = after.str.extract(r"^\.(\d{1,6})").str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    offset = after.str.extract(r"^(?:\.\d+)? ([+-]\d{4}) ")
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    minutes = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    local = col.stamp.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    time = pl.when(minutes.is_not_null()).then(local - pl.duration(minutes=minutes)).otherwise(col.time)
    return frame.with_columns(time=time + pl.duration(microseconds=fraction))


def _starts(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``<= SENDER H=NAME (HELO) [IP] P=P X=C CV=V DN="D" SNI=N A=AUTHENTICATOR:ACCOUNT K S=N id=I T="S" ...``."""
    frame = frame.filter(col.rest.str.contains(" A=", literal=True)).select(*keys, "rest")
    parts = col.rest.str.splitn(" A=", 2)
    found = frame.with_columns(head=parts.struct[0], tail=parts.struct[1])
    each = found.select(col.head.unique())
    each = each.with_columns(parts=col.head.str.extract_groups(f"^{SENT_FROM}$")).unnest("parts")
    found = found.join(each, on="head", how="left", maintain_order="left")
    odd = found["client_ip"].is_null()
    if odd.any():  # the first A= was in quotation marks, or there is none of Exim's
        again = frame.filter(odd).with_columns(
            parts=col.rest.str.extract_groups(f"^(?P<head>{SENT_FROM}) A=(?P<tail>.*)")
        )
        found = pl.concat([found.filter(~odd), again.unnest("parts").select(found.columns)]).sort("row")
    quoted = col.quoted.is_not_null() | col.sni.str.starts_with(' SNI="').fill_null(False)
    ended = col.tail.str.contains(AGAIN)
    told = found.filter(ended | col.ident.is_not_null() | quoted | col.client_ip.is_null()).filter(
        ended
        | (col.ident.is_not_null() & col.tail.str.contains(AGAIN_IDENT))
        | (quoted & col.tail.str.contains(AGAIN_QUOTED))
        | (col.client_ip.is_null() & col.rest.str.contains(AUTHENTICATED))
    )
    if len(told):
        problems += lines.told(told["row"], AMBIGUOUS)
        found = found.join(told, on="row", how="anti", maintain_order="left")
    found = found.filter(found["client_ip"].is_not_null())
    found = found.with_columns(_logged_in(found["tail"]).alias("account")).filter(col.account != "")
    return found.select_seq(*keys, "account", col.client_ip.str.to_lowercase())


def _logged_in(tails: pl.Series) -> pl.Series:
    """The account of what follows ``A=``; so few stand before the first size that each is read once."""
    found = tails.to_frame().with_columns(parts=tails.str.splitn(SIZE, 2)).unnest("parts")
    usual = found["field_1"].str.contains(r"^\d+(?:\s|$)").fill_null(False)
    each = found.select(pl.col("field_0").unique())
    each = each.with_columns(
        account=pl.concat_str("field_0", pl.lit(f"{SIZE}0")).str.extract(f"^{LOGGED_IN}")
    )
    quick = found.join(each, on="field_0", how="left", maintain_order="left")["account"]
    return quick if usual.all() else quick.zip_with(usual, tails.str.extract(f"^{LOGGED_IN}"))


def _deliveries(frame: pl.DataFrame, keys: list[str], lines: Lines, problems: list[Problem]) -> pl.DataFrame:
    """``FLAG ADDRESS (PARENT) <ORIGINAL> R=ROUTER T=TRANSPORT ...``, with the other server's words at the end."""
    odd = frame["rest"].str.contains(ODD)
    found = _plain(frame.filter(~odd) if odd.any() else frame)
    if odd.any():
        others = frame.filter(odd).with_columns(parts=col.rest.str.extract_groups(RECIPIENT)).unnest("parts")
        problems += lines.told(others.filter(col.address.is_null())["row"], NO_RECIPIENT)
        bare = pl.when(~col.address.str.contains(r"^(?:[|/>:]|save |blackhole$)")).then("address")
        others = others.with_columns(recipient=pl.coalesce("top", bare))
        found = pl.concat([found, others.select(found.columns)])
    found = found.filter(col.recipient.is_not_null() & (col.recipient != ""))
    taken = col.flag.is_in(["=> ", "-> ", ">> "])
    return (
        pl.concat([_taken(found.filter(taken), keys), _refused(found.filter(~taken), keys)])
        .sort("row")
        .with_columns(col.recipient.str.to_lowercase())
    )


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with its recipients, which are one word; where another in angle brackets follows, that one."""
    parts = col.parts.struct
    frame = frame.with_columns(parts=col.rest.str.splitn(" ", 2))
    frame = frame.with_columns(recipient=parts[0].str.strip_chars_end("\r\n:"), more=parts[1]).drop("parts")
    if (pointed := frame["more"].str.starts_with("<").fill_null(False)).any():
        top = col.more.str.splitn(" ", 2).struct[0].str.strip_chars("<>:\r\n")
        frame = frame.with_columns(recipient=pl.when(pointed).then(top).otherwise("recipient"))
    return frame.drop("more")


def _taken(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Deliveries, with the code of ``C="250 2.0.0 ..."``; so few different ones come that each is read once."""
    start = col.rest.str.find(' C="', literal=True)
    frame = frame.with_columns(reply=col.rest.cast(pl.Binary).bin.slice(start, CONFIRMED_LENGTH))
    each = frame["reply"].unique()
    read = [CONFIRMED.match(reply or b"") for reply in each.to_list()]
    dsn = pl.Series([match[1].decode() if match else None for match in read], dtype=pl.String)
    table = pl.DataFrame({"reply": each, "dsn": dsn})
    return frame.join(table, on="reply", how="left", maintain_order="left", nulls_equal=True).select(
        *keys, "recipient", "flag", "dsn", outcome=pl.lit("sent")
    )


def _refused(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What was put off or sent back, with the code of the reply."""
    told = pl.coalesce(col.rest.str.splitn(mark, 2).struct[1] for mark in REPLIED)
    reply = told.str.extract_groups(REPLY)
    given_up = col.rest.str.strip_chars_end("\r\n").str.ends_with(TIMED_OUT) & (
        reply.struct.field("code").fill_null("4") != "5"
    )
    return frame.select(
        *keys,
        "recipient",
        "flag",
        dsn=reply.struct.field("dsn"),
        outcome=pl.when(col.flag == "== ")
        .then(pl.lit("deferred"))
        .when(given_up)
        .then(pl.lit("expired"))
        .otherwise(pl.lit("bounced")),
    )


def _cut_through(deliveries: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """``deliveries``, those of ``>>`` at the line of their message: Exim writes them before its ``<=``."""
    early = deliveries["flag"] == ">> "
    if not early.any() or not len(starts):
        return deliveries
    at = starts.select("host", "queue_id", begun="row").sort("begun")
    moved = deliveries.filter(early).join_asof(
        at,
        left_on="row",
        right_on="begun",
        by=["host", "queue_id"],
        strategy="forward",
        check_sortedness=False,
    )
    moved = moved.with_columns(row=pl.coalesce("begun", "row")).select(deliveries.columns)
    return pl.concat([deliveries.filter(~early), moved]).sort("row")


def _failed_logins(frame: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    """``AUTHENTICATOR authenticator failed for NAME (HELO) [IP]:PORT: 535 REASON (set_id=ACCOUNT)``."""
    frame = _timed(frame.filter(col.said.str.contains(FAILURE)), lines)
    once = col.said.str.count_matches(REASON, literal=True) == 1
    parts = pl.when(once).then(col.said.str.extract_groups(FAILED))
    return frame.with_columns(
        client_ip=parts.struct.field("client_ip").str.to_lowercase(),
        account=parts.struct.field("account"),
        success=pl.lit(False),
    )


LOGGED = re.compile(
    rf"^{STAMP} (?:\[\d+\] )?(?:{ID} (?:<=|\(=|=>|->|>>|==|\*\*|\*>|Completed)"
    r"|exim \d\S* daemon started|(?:Start|End) queue run|[\w-]+ authenticator failed for |H=.* rejected )"
)
THROUGH_SYSLOG = re.compile(
    r"^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ exim[\w.-]*(?:\[\d+\])?: "
)


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Exim's."""
    return any(LOGGED.search(line) or THROUGH_SYSLOG.search(line) for line in sample)


FORMAT = Format("exim", "Exim 4 (main log, or through syslog)", recognises, parse)
