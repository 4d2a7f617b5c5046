"""Dovecot's login processes (IMAP, POP3, submission, ManageSieve), of 2.3 and 2.4, in syslog or in its own file.

The user's name in these lines may hold anything but control characters, up to 80 bytes, where the server allows
it (``auth_username_chars``); a failed login's name is a stranger's text. What stands before it is Dovecot's own.
Behind it come Dovecot's own fields, of which the address is the first that we take: where the line could be read
in two ways, a failed login is one of nobody, and a successful one is told of and passed over. So is a proxy's
failure, in which the name stands before the fields too, where it imitates a proxy's success.

What the ``auth`` processes write tells of the same attempts, at times with the passwords; it is never looked at.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.stamp import instants, times
from responder.formats.table import parsed
from responder.sources.lines import Lines, Problem

MARK = "-login: "
"""What every line of a login process has after its head; only a first sieve, never a proof."""

STAMP = (
    r"(?:[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
"""Traditional or ISO-8601; in Dovecot's own file also without a zone, or with a space (``log_timestamp``)."""

PROGRAM = r"dovecot[A-Za-z0-9_.-]*(?:\[[0-9]*\])?: "

HEAD = rf"^(?<stamp>{STAMP}) (?:(?<host>\S+) {PROGRAM})?(?:imap|pop3|submission|managesieve)$"
"""A line up to the mark. Dovecot's own file has neither host nor program."""

PROXIED = r"proxy\([^()]*\): [Ss]tarted proxying to "
"""What a login process that hands sessions on says once the server behind it has let the user in."""

SUCCESS = re.compile(
    rf"(?:Info: )?(?:Login|Logged in|{PROXIED}[^\s()]+(?: (?:\([^()]*\)|from [^\s()]+|as user [^\s()]+))*)"
)
"""What a login process says of a success, before and since 2.4."""

FAILURE = re.compile(
    r"(?:Info: )?(?:Disconnected|Aborted login|Login aborted)\b.*"
    r"\(auth failed, ([0-9]{1,9}) attempts(?: in [0-9]+ secs)?\)(?: \([a-z_]+\))?"
)
"""... and of a failure: why the session ended, and how many attempts were made in it."""

LOGIN = (
    rf"^(?:Info: )?(?:(?:Login|Logged in): |{PROXIED}"
    r"|(?:Disconnected|Aborted login|Login aborted)\b.*\(auth failed, )"
)
"""Either of them, where no name follows."""

MOST_ATTEMPTS = 100
"""Attempts of one session that are counted."""

LONGEST_NAME = 80
"""Bytes of a name after which Dovecot cuts it and writes three dots."""

ADDRESS = r"[0-9A-Fa-f.:]+"
LAST = (
    rf", rip=(?<field_0>{ADDRESS}), lip={ADDRESS}(?:, mpid=[0-9]+)?(?:, (?:secured|TLS|TLS: Connection closed))?"
    r"(?:, session=<[A-Za-z0-9+/=]*>)?$"
)
"""The address and what follows it, up to the line's end, where no name can reach. Not with other errors of TLS:
one of them tells what a client's certificate says."""

NAMED = r"^(?:<(?<field_0>[^<>]*)>(?:, [^<>]*)?|(?<field_1>[^<>,]*)(?:, method=[^<>,]*)?)$"
"""The name in angle brackets and other fields before the address; or, where a comma ends it, with the mechanism."""

AGAIN = r", rip=|>, method=|: user="
"""What Dovecot does not write after the address: a second one, the end of a name where it wrote none (it leaves
the field out for clients of a local socket), and the beginning of its fields."""

IN_DOUBT = "a login whose fields are not where Dovecot writes them, or can be read in two ways; passed over"

OTHER_LAYOUT = (
    "a login that does not begin with user= (login_log_format_elements must begin with it, and have rip=); "
    "passed over, as are {} more such lines"
)

col = pl.col


def parse(lines: Lines) -> Parsed:
    """Logins; a session whose logins failed gives one for each attempt."""
    keys = ["row", "stamp", "time", "host", *(["text"] if lines.keep_text else [])]
    frame = _heard(lines)
    problems = [*lines.problems, *_other_layouts(frame, lines)]
    frame = frame.filter(col.fields.is_not_null())
    frame = frame.join(_outcomes(frame["reason"]), on="reason", maintain_order="left")
    frame = _fields(frame.with_columns(_times(frame["stamp"], lines)), keys)
    unread = col.success & col.doubtful
    problems += lines.told(frame.filter(unread)["row"], IN_DOUBT)
    return parsed(lines, problems, logins=_each_attempt(frame.filter(~unread)))


def _heard(lines: Lines) -> pl.DataFrame:
    """What the login processes say of users: ``reason`` and ``fields``, before and after ``: user=``."""
    keep = ["text"] if lines.keep_text else []
    return (
        pl.DataFrame({"text": lines.text})
        .with_row_index("row")
        .filter(col.text.str.contains(MARK, literal=True))
        .lazy()
        .select("row", *keep, parts=col.text.str.splitn(MARK, 2))
        .select(
            "row",
            *keep,
            head=col.parts.struct[0].str.extract_groups(HEAD),
            said=col.parts.struct[1].str.strip_chars_end("\r\n").str.splitn(": user=", 2),
        )
        .select(
            "row",
            *keep,
            stamp=col.head.struct.field("stamp"),
            host=col.head.struct.field("host").fill_null(""),
            reason=col.said.struct[0],
            fields=col.said.struct[1],
        )
        .filter(col.stamp.is_not_null())
        .collect()
    )


def _other_layouts(frame: pl.DataFrame, lines: Lines) -> list[Problem]:
    """One problem where there are logins without ``: user=``."""
    rows = frame.filter(col.fields.is_null() & col.reason.str.contains(LOGIN))["row"]
    return lines.told(rows.head(1), OTHER_LAYOUT.format(len(rows) - 1))


def _times(stamps: pl.Series, lines: Lines) -> pl.Series:
    """The instants of ``stamps``. Dates without a zone are local; of two equal hours it is the first."""
    local = stamps.str.contains(r"^[0-9]{4}.{15}(?:\.[0-9]+)?$")
    if not local.any():
        return times(stamps, lines)
    read = stamps.str.replace(" ", "T").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    return instants(read, lines.zone).zip_with(local, times(stamps, lines)).rename("time")


def _outcomes(reasons: pl.Series) -> pl.DataFrame:
    """Success and number of attempts of each reason that tells of a login."""
    rows = []
    for reason in reasons.unique().to_list():
        if SUCCESS.fullmatch(reason):
            rows.append((reason, True, 1))
        elif match := FAILURE.fullmatch(reason):
            rows.append((reason, False, min(int(match[1]), MOST_ATTEMPTS)))
    return pl.DataFrame(
        rows, {"reason": pl.String, "success": pl.Boolean, "attempts": pl.Int64}, orient="row"
    )


def _fields(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """``<NAME>(, method=M), rip=IP, ...``; ``doubtful`` where it is not so, or for more than one name or address."""
    frame = (
        frame.lazy()
        .with_columns(sides=col.fields.str.splitn(", rip=", 2))
        .with_columns(before=col.sides.struct[0].str.extract_groups(NAMED), after=col.sides.struct[1])
        .with_columns(
            name=pl.coalesce(col.before.struct.field("field_0"), col.before.struct.field("field_1")),
            client_ip=col.after.str.extract(rf"^({ADDRESS})(?:%[^,\s]*)?,"),
            again=col.after.str.contains(AGAIN),
        )
        .with_columns(doubtful=col.name.is_null() | col.client_ip.is_null() | col.again)
        .collect()
    )
    if frame["again"].any():
        frame = frame.with_columns(
            client_ip=pl.when("again").then(col.fields.str.extract(LAST)).otherwise("client_ip")
        )
    cut = col.name.str.ends_with("...") & (col.name.str.len_bytes() > LONGEST_NAME - 4)
    return frame.select(
        *keys,
        "success",
        "attempts",
        doubtful="doubtful",
        account=pl.when(~col.doubtful & ~cut & (col.name != "")).then("name"),
        client_ip=col.client_ip.str.to_lowercase(),
    )


def _each_attempt(frame: pl.DataFrame) -> pl.DataFrame:
    if (frame["attempts"] == 1).all():
        return frame
    return (
        frame.with_columns(attempt=pl.int_ranges("attempts"))
        .explode("attempt")
        .filter(col.attempt.is_not_null())
    )


OWN_FILE = re.compile(
    rf"{STAMP} (?:(?:imap|pop3|submission|managesieve)-login: (?:Info|Warning|Error|Debug): |master: Info: Dovecot v)"
)
THROUGH_SYSLOG = re.compile(rf"{STAMP} \S+ {PROGRAM}[a-z0-9-]+[(:<]")


def recognises(sample: list[str]) -> bool:
    """Whether any of the lines is one of Dovecot's."""
    return any(THROUGH_SYSLOG.match(line) or OWN_FILE.match(line) for line in sample)


FORMAT = Format(
    "dovecot", "Dovecot 2.3 and 2.4 (syslog, or its own log file)", recognises, parse, logins_only=True
)
