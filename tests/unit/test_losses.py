"""Notices of lost lines: every form that the daemons write, and none that somebody else did."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from reading import run_of, utc

from responder.events.loss import MOST, Loss, sentences, told
from responder.formats import format_named, formats
from responder.formats.losses import LOSSES, losses
from responder.sources.carriers import unwrap

LIMIT = "rsyslog: rate-limiting"
LOST = "imjournal: 5 messages lost due to rate-limiting"
ALLOWED = "(20000 allowed within 600 seconds)"
ACTION = "action 'action-3-builtin:omfile' (module 'builtin:omfile') message lost, could not be processed."
TRY = "[v8.2312.0 try https://www.rsyslog.com/e/2177 ]"

NOTICES = {
    "systemd-journald[320]: Suppressed 234 messages from postfix@-.service": (
        234,
        "journald: postfix@-.service",
    ),
    "systemd-journal[320]: Suppressed 917 messages from /system.slice/postfix.service": (
        917,
        "journald: /system.slice/postfix.service",
    ),
    "journal: Suppressed 2 messages from uid 1000": (2, "journald: uid 1000"),
    f"rsyslogd: {LOST}": (5, LIMIT),
    f"rsyslogd[12]: {LOST} {ALLOWED}": (5, LIMIT),
    f"rsyslogd-2177: {LOST}": (5, LIMIT),
    f"rsyslogd[12]: {LOST} {ALLOWED} {TRY}": (5, LIMIT),
    f"rsyslogd[12]: imuxsock[pid: 57, name: /usr/sbin/x]: 48814808 messages lost due to rate-limiting {ALLOWED}": (
        48814808,
        LIMIT,
    ),
    "rsyslogd[12]: imjournal: begin to drop messages due to rate-limiting": (None, LIMIT),
    "rsyslogd-2177: imuxsock[pid 22830]: begin to drop messages due to rate-limiting": (None, LIMIT),
    "rsyslogd[12]: imjournal from <mx1:postfix/smtpd>: begin to drop messages due to rate-limiting": (
        None,
        LIMIT,
    ),
    "rsyslogd-2177: imuxsock lost 56 messages from pid 2918 due to rate-limiting": (56, LIMIT),
    "rsyslogd-2177: imuxsock begins to drop messages from pid 2918 due to rate-limiting": (None, LIMIT),
    f"rsyslogd[12]: rsyslogd: {ACTION} Check for additional error messages before this one. {TRY}": (
        None,
        "rsyslog: could not be written",
    ),
}
"""What a daemon says, how many lines it says were lost, and why."""

TEXTS = [notice.partition(": ")[2] for notice in NOTICES]


def found(*said: str, format_: str = "postfix") -> list[tuple[int, int | None, str]]:
    """Line, number and reason of what is lost in lines of mx1, as a format's own sieve finds it and without that."""
    lines = run_of(*(f"Nov 24 08:00:01 mx1 {each}" for each in said))
    rows = losses(lines, format_named(format_).parse(lines).noted).select("line", "lost", "reason").rows()
    assert losses(lines).select("line", "lost", "reason").rows() == rows
    return rows


@pytest.mark.parametrize(("notice", "says"), NOTICES.items())
def test_a_daemon_s_notice_is_a_loss(notice, says):
    """With how many lines where it tells."""
    assert found("cron[1]: x", notice) == [(2, *says)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "said",
    [
        "postfix/smtpd[1]: {}",
        "postfix/smtpd[1]: rsyslogd: {}",
        "postfix/smtpd[1]: systemd-journald[1]: {}",
        "postfix/smtpd[1]: 4A1B2C3D4E: client=rsyslogd[1]: {}[192.0.2.5], sasl_username=ann",
        "postfix/smtp[2]: 4A1B2C3D4E: to=<a@example.com>, status=bounced (rsyslogd[1]: {})",
        "postfix/smtpd[1]: warning: unknown[192.0.2.5]: SASL LOGIN authentication failed: (), sasl_username={}",
        "dovecot: imap-login: Aborted login: user=<mx1 rsyslogd[1]: {}>",
        "exim[1]: H=(rsyslogd: {}) rejected",
        "my-rsyslogd[1]: {}",
        "rsyslogd.example.org[1]: {}",
        "rsyslogd[1]: the error statement was: insert into logs values ('{}')",
        "rsyslogd[1]: x {}",
        "systemd-journald[1]: x {}",
        "systemd-journald-evil[1]: {}",
    ],
)
def test_the_same_words_in_another_s_line_are_none(said, text):
    """A client, a remote server or a program of a similar name; nor what rsyslog quotes of a message."""
    assert found(said.format(text)) == []


def test_a_daemon_says_only_what_is_its_own():
    """rsyslog does not speak for journald, nor the other way round."""
    assert found("rsyslogd[1]: Suppressed 5 messages from a.service", f"systemd-journald[1]: {LOST}") == []


@pytest.mark.parametrize(
    "text",
    [
        "rsyslogd[1]: imjournal: messages lost due to rate-limiting",
        "rsyslogd[1]: imjournal: 5 messages lost due to rate-limiting (a lot)",
        "rsyslogd[1]: action 'action-3' suspended (module 'builtin:omfwd'), next retry is now",
        "rsyslogd[1]: imjournal: 99999999999999999999 messages lost due to rate-limiting",
        "systemd-journald[1]: Missed 5 kernel messages",
        "systemd-journald[1]: Suppressed 99999999999999999999 messages from a.service",
        "systemd-journald[1]: Suppressed 5 messages from ",
        "syslog-ng[1]: Log statistics; dropped='dst.tcp=5'",
    ],
)
def test_what_is_no_notice_of_lost_lines(text):
    """Or says a number that cannot be."""
    assert found(text) == []


@pytest.mark.parametrize("format_", [*formats(), "postfix+dovecot", "dovecot+exim"])
def test_notices_are_found_whatever_the_format(format_):
    """They stand among the lines of any program."""
    assert found(f"rsyslogd[12]: {LOST}", format_=format_) == [(1, 5, LIMIT)]


def test_a_notice_is_of_its_host_and_time():
    """With its text where lines are kept, and its number where one line stands for several."""
    lines = run_of(
        "Nov 24 08:00:01 mx1 cron[7]: message repeated 3 times: [ x]",
        f"2025-11-24T09:30:00.5+01:00 mx2 rsyslogd[12]: {LOST}\r",
        keep_text=True,
    )
    (row,) = losses(unwrap(lines)).rows(named=True)
    text = row.pop("text")
    assert text.strip().endswith(LOST)
    assert row == {
        "line": 2,
        "time": utc(2025, 11, 24, 8, 30) + timedelta(milliseconds=500),
        "host": "mx2",
        "lost": 5,
        "reason": LIMIT,
        "silent_since": None,
    }


def test_a_notice_from_the_journal_and_of_rfc_5424():
    """The program is the one that the carrier names."""
    journal = (
        '{"__REALTIME_TIMESTAMP":"1763971201000000","_HOSTNAME":"mx1","_PID":"320","MESSAGE":"Suppressed 7 messages '
        'from postfix@-.service","SYSLOG_IDENTIFIER":"systemd-journald"}'
    )
    lines = run_of(
        journal,
        journal.replace("systemd-journald", "smtpd"),
        f"<46>1 2025-11-24T08:00:01Z mx1 rsyslogd 1 - - {LOST}",
    )
    assert losses(unwrap(lines)).select("line", "lost").rows() == [(1, 7), (3, 5)]


def test_a_notice_of_an_impossible_time_is_passed_over():
    """Nobody can say what it is about."""
    assert len(losses(run_of(f"Nov 31 08:00:01 mx1 rsyslogd[12]: {LOST}"))) == 0


def frame(*rows: tuple[str, int | None, int | None, str]) -> pl.DataFrame:
    """Losses of mail.log: host (empty in a gap), minute, number or minutes without a line, reason."""
    eight = utc(2025, 11, 24, 8)
    return pl.DataFrame(
        [
            {
                "line": 1,
                "time": eight + timedelta(minutes=minute),
                "host": host or None,
                "lost": number if host else None,
                "reason": reason,
                "silent_since": None if host else eight + timedelta(minutes=minute - number),
            }
            for host, minute, number, reason in rows
        ],
        schema=LOSSES,
    ).with_columns(source=pl.lit("mail.log"))


def test_a_loss_in_words():
    """In the reader's zone; a source without a line may have had nothing to say."""
    lost, unknown, gap = told(frame(("mx1", 1, 234, LIMIT), ("mx2", 2, None, LIMIT), ("", 60, 42, "no line")))
    assert lost.words() == "mx1 lost 234 lines at 2025-11-24 08:01 UTC (rsyslog: rate-limiting)"
    assert (
        unknown.words(ZoneInfo("Europe/Paris"))
        == "mx2 lost lines at 2025-11-24 09:02 CET (rsyslog: rate-limiting)"
    )
    between = "between 2025-11-24 08:18 UTC and 2025-11-24 09:00 UTC"
    assert gap.sentence() == f"lines may be missing: mail.log had no line for 42 minutes {between}"
    eight = utc(2025, 11, 24, 8).replace(tzinfo=UTC)
    assert lost == Loss("mx1", eight + timedelta(minutes=1), eight + timedelta(minutes=1), 234, None, LIMIT)


def test_what_one_place_lost_is_one_sentence():
    """Summed up; where not every notice had a number the sum is the least that was lost."""
    found = sentences(
        frame(
            ("mx1", 1, 200, LIMIT),
            ("mx2", 1, 1, LIMIT),
            ("mx1", 3, 34, LIMIT),
            ("", 20, 16, "no line for 16 minutes"),
            ("mx2", 4, None, LIMIT),
            ("", 60, 30, "no line for 30 minutes"),
        )
    )
    day = "2025-11-24"
    gap = f"between {day} 08:04 UTC and {day} 09:00 UTC"
    assert found == (
        f"lines are missing: mx1 lost 234 lines between {day} 08:01 UTC and {day} 08:03 UTC ({LIMIT})",
        f"lines are missing: mx2 lost at least 1 lines between {day} 08:01 UTC and {day} 08:04 UTC ({LIMIT})",
        f"lines may be missing: mail.log had no line for 46 minutes, 2 times {gap}",
    )


def test_a_log_that_was_never_whole_is_told_of_in_a_few_sentences():
    """The rest is a number; and of a whole one nothing is said."""
    found = sentences(frame(*((f"mx{n}", n, 1, LIMIT) for n in range(MOST + 3))))
    assert len(found) == MOST + 1
    assert found[-1] == "and 3 more such"
    assert sentences(frame()) == ()
