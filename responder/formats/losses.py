"""Lines that are not there, as the log daemons themselves tell of them; the same in logs of every format.

A notice is believed only where the daemon's own line has it: its program, and its words from the message's first
character on. The same words in a line of any other program are that program's text.

Where the words come from (the sources of each project):

- journald, ``Suppressed N messages from UNIT``: systemd's journald-server.c and journald-manager.c; in older ones UNIT
  is the path of a control group or ``uid N``. The program is ``systemd-journald``; in logs of older systems that people
  quote also ``systemd-journal`` (as in rsyslog's page on imjournal) and ``journal``.
- rsyslog, ``NAME: N messages lost due to rate-limiting``, in later versions with `` (N allowed within N seconds)``, and
  ``NAME: begin to drop messages due to rate-limiting``, later ``NAME from <HOST:PROGRAM>: ...``: ratelimit.c. NAME is
  that of an input module, with a process in brackets. ``imuxsock lost N messages from pid P due to rate-limiting`` and
  ``imuxsock begins to drop messages from pid P due to rate-limiting``: an older imuxsock.c. ``action 'A' (module 'M')
  message lost, could not be processed``: action.c. The program may be ``rsyslogd-NUMBER``, as people quote it.

Not taken: journald's ``Missed N kernel messages`` (no mail), rsyslog's ``action 'A' suspended`` (messages wait) and the
numbers of what its queues discard, syslog-ng's ``Log statistics`` (both only add up since the start) and ``Destination
queue full`` (written when debugging only). Postfix's postlogd.c has no notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from responder.formats.format import Schema
from responder.formats.syslog import entries
from responder.sources.lines import Lines

LOSSES: Schema = {
    "line": pl.UInt64,
    "time": pl.Datetime("us"),
    "host": pl.String,
    "lost": pl.UInt64,
    "reason": pl.String,
    "silent_since": pl.Datetime("us"),
}
"""Lines that are missing at or before ``time`` (UTC), and why.

``lost``: how many, null where nobody knows. ``silent_since``: in a gap, the time of the last line before it; else null.
"""

SIEVE = r"rate-limiting|: Suppressed |message "
"""What a line must hold to be looked at: few pieces, so that a format's own sieve can look for them too.

The last one is also in lines that stand for several (see ``sources.carriers``).
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a daemon writes of lines that it lost: in ``form`` group 1 is how many, group 2 what ends the reason."""

    programs: str
    form: str
    reason: str


RSYSLOG = r"rsyslogd(?:-\d+)?"
BEGINS = r"^(?:rsyslogd: )?"
MODULE = r"im[a-z0-9]+(?:\[.*\])?"
END = r"(?: \[v[^\]]*\])?$"

NOTICES = (
    Notice(r"systemd-journald?|journal", r"^Suppressed (\d{1,18}) messages from (\S.{0,199})$", "journald: "),
    Notice(
        RSYSLOG,
        rf"{BEGINS}{MODULE}: (\d{{1,18}}) messages lost due to rate-limiting"
        rf"(?: \(\d+ allowed within \d+ seconds\))?{END}",
        "rsyslog: rate-limiting",
    ),
    Notice(
        RSYSLOG,
        rf"{BEGINS}imuxsock lost (\d{{1,18}}) messages from pid \d+ due to rate-limiting{END}",
        "rsyslog: rate-limiting",
    ),
    Notice(
        RSYSLOG,
        rf"{BEGINS}(?:{MODULE}(?: from <.*>)?: begin to drop messages"
        rf"|imuxsock begins to drop messages from pid \d+) due to rate-limiting{END}",
        "rsyslog: rate-limiting",
    ),
    Notice(
        RSYSLOG,
        rf"{BEGINS}action '.*' \(module '.*'\) message lost, could not be processed\. .*$",
        "rsyslog: could not be written",
    ),
)

col = pl.col


def no_losses(keep_text: bool = False) -> pl.DataFrame:
    """Nothing that is missing."""
    return pl.DataFrame(schema={**LOSSES, **({"text": pl.String} if keep_text else {})})


def losses(lines: Lines, rows: pl.Series | None = None) -> pl.DataFrame:
    """The notices in ``lines`` of lines that were lost (see ``LOSSES``), with text where it is kept.

    ``rows``: the places of all lines that the sieve lets through, where they are known.
    """
    if rows is None:
        rows = lines.text.str.contains(SIEVE).arg_true()
    if not len(rows):
        return no_losses(lines.keep_text)
    these = replace(lines, text=lines.text.gather(rows))
    frame = entries(these, "|".join(notice.programs for notice in NOTICES), SIEVE)
    frame = frame.with_columns(row=pl.lit(rows).gather("row"))
    found = [
        frame.filter(col.program.str.contains(f"^(?:{each.programs})$") & col.message.str.contains(each.form))
        .with_columns(
            line=lines.numbered(col.row),
            lost=col.message.str.extract(each.form).cast(pl.UInt64),
            reason=pl.concat_str(
                pl.lit(each.reason), col.message.str.extract(each.form, 2), ignore_nulls=True
            ),
            silent_since=pl.lit(None, pl.Datetime("us")),
        )
        .filter(col.time.is_not_null())
        for each in NOTICES
    ]
    return pl.concat(found).select(no_losses(lines.keep_text).columns).sort("line")
