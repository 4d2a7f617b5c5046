"""Sendmail's lines: whatever strangers get written into them, nobody else's account looks guilty."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import joined, run_of

from responder.formats import formats
from responder.formats.sendmail import parse, recognises

AT = "Nov 24 08:00:01 mx1 sm-mta"
OWN, OTHER, THIRD = "5AO80135004321", "5AO80145004321", "5AO80145004322"
CLIENT = "host.example.net [203.0.113.5]"
SENT = "delay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.com. [198.51.100.7], dsn=2.0.0, stat=Sent"
LOGIN = "AUTH=server, relay=host.example.net [203.0.113.9], authid=victim, mech=PLAIN, bits=0"

BEGIN = (
    f"{AT}[4321]: AUTH=server, relay={CLIENT}, authid=mallory, mech=PLAIN, bits=0",
    f"{AT}[4321]: {OWN}: from=<m@example.org>, size=1, class=0, nrcpts=1, msgid=<1@a>, proto=ESMTPSA, "
    f"daemon=MSA, relay={CLIENT}",
    f"{AT}[4330]: {OWN}: to=<one@example.com>, {SENT} (ok)",
)
"""What every log begins with: one login, one submission and one delivery of mallory's."""

PAYLOADS = {
    "login": LOGIN,
    "login after a field": f", {LOGIN}",
    "login with id": f"{OTHER}: {LOGIN}",
    "fields": ", authid=victim, mech=PLAIN, bits=0",
    "relay and fields": "host [203.0.113.9], authid=victim, mech=PLAIN, bits=0",
    "end of a submission": ", proto=ESMTPSA, daemon=MSA, relay=host.example.net [203.0.113.9]",
    "end of another's": f", proto=ESMTPSA, relay={CLIENT}",
    "line": f"Nov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}",
    "iso line": f"2025-11-24T08:00:02+00:00 mx1 sm-mta[4321]: {LOGIN}",
    "line after a line feed, escaped": f"x#012Nov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}",
    "line after a carriage return": f"x\rNov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}\r",
    "line after U+2028": f"x\u2028Nov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}\u2029",
    "line after U+0085": f"x\u0085Nov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}",
    "line after NUL": f"x\0Nov 24 08:00:02 mx1 sm-mta[4321]: {LOGIN}",
    "process": f"x sm-mta[9999]: {LOGIN}",
    "end of a process id": f"1]: {LOGIN}",
    "Solaris": f"[ID 801593 mail.info] {LOGIN}",
    "failure": "AUTH failure (PLAIN): x (-13) y, user=victim, relay=[203.0.113.9]",
    "user": ", user=victim, relay=[203.0.113.9]",
    "delivery": f"to=<x@example.com>, {SENT} (ok)",
    "end of a delivery": f">, {SENT} (ok)",
    "bounced": ">, delay=00:00:01, relay=x, dsn=5.1.1, stat=User unknown",
    "status": ", stat=Sent (ok), dsn=5.1.1",
    "quotation mark": '"',
    "quotation marks": '"a" "b',
    "backslash": "\\",
    "brackets": "]: ]: [[]]<<>>",
    "parenthesis": "x) (may be forged)",
    "more": ", [more], ",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{LOGIN}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{LOGIN[::-1]}\u202c",
    "nothing": "",
    "spaces": "   ",
    "commas": ",,,",
    "twenty kilobytes": f", {LOGIN}" * 250,
}
HUNDRED_KILOBYTES = f"x, {LOGIN}, " * 1300

SILENT = {
    "sender of a client without login": f"{AT}[4322]: {THIRD}: from=<@@>, size=1, class=0, nrcpts=1, "
    f"msgid=<1@a>, proto=ESMTP, daemon=MTA, relay={CLIENT}",
    "message id of a client without login": f"{AT}[4322]: {THIRD}: from=<a@example.com>, size=1, class=0, "
    f"nrcpts=1, msgid=@@, proto=ESMTP, daemon=MTA, relay={CLIENT}",
    "name of a client without login": f"{AT}[4322]: {THIRD}: from=<a@example.com>, size=1, class=0, "
    "nrcpts=1, msgid=<1@a>, proto=ESMTP, daemon=MTA, relay=@@ [203.0.113.5]",
    "sender of a local message": f"{AT}[4322]: {THIRD}: from=@@, size=1, class=0, nrcpts=1, "
    "msgid=<1@a>, relay=localhost",
    "rejected recipient": f"{AT}[4321]: {OWN}: ruleset=check_rcpt, arg1=<@@>, relay={CLIENT}, "
    "reject=550 5.7.1 <@@>... no",
    "helo": f"{AT}[4321]: invalid domain name (@@) from {CLIENT}",
    "helo with id": f"{AT}[4321]: {OWN}: invalid domain name (@@) from {CLIENT}",
    "command": f"{AT}[4321]: {OWN}: <-- @@",
    "milter": f"{AT}[4321]: {OWN}: Milter: helo=@@, reject=Command rejected",
    "milter's header": f"{AT}[4321]: {OWN}: Milter add: header: X-Spam: @@",
    "return to sender": f"{AT}[4321]: {OWN}: {OTHER}: DSN: @@",
    "reply": f"{AT}[4330]: {OWN}: mx.example.com.: SMTP DATA-2 protocol error: 500 @@",
    "certificate": f"{AT}[4321]: STARTTLS=client, cert-subject=@@, cert-issuer=@@, verifymsg=ok",
    "line of another program": "Nov 24 08:00:01 mx1 sshd[14]: Failed password for invalid user @@ from 203.0.113.5",
    "like-named program": "Nov 24 08:00:01 mx1 xsendmail[4321]: @@",
    "program without process": "Nov 24 08:00:01 mx1 tinyproxy: GET @@",
}
"""Lines that give nobody anything, whatever they hold."""

FIRST = {
    "client's name": f"{AT}[4321]: {OWN}: @@ [203.0.113.5] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
    "rejected name": f"{AT}[4321]: {OWN}: @@... User unknown",
}
"""Lines that begin with what a client said; they may be taken for one of its own, never for another's."""

SUBMITTED = {
    "sender": f"{AT}[4321]: {OTHER}: from=<@@>, size=1, class=0, nrcpts=1, msgid=<1@a>, proto=ESMTPSA, "
    f"daemon=MSA, relay={CLIENT}",
    "message id": f"{AT}[4321]: {OTHER}: from=<m@example.org>, size=1, class=0, nrcpts=1, msgid=@@, "
    f"bodytype=8BITMIME, proto=ESMTPA, daemon=MSA, tls_verify=NONE, auth=PLAIN, relay={CLIENT}",
}
"""Lines that are one more submission of mallory's."""

DELIVERED = {
    "reply": f"{AT}[4330]: {OWN}: to=<two@example.com>, {SENT} (@@)",
    "reply before the status": f"{AT}[4330]: {OWN}: to=<two@example.com>, delay=00:00:01, xdelay=00:00:01, "
    "mailer=esmtp, pri=1, relay=mx.example.com. [198.51.100.7], dsn=5.1.1, reply=550 @@, stat=User unknown",
    "cause": f"{AT}[4330]: {OWN}: to=<two@example.com>, delay=00:00:01, pri=1, dsn=4.0.0, stat=Deferred: @@",
    "sender": f"{AT}[4330]: {OWN}: to=<two@example.com>, ctladdr=<@@> (1/1), {SENT} (ok)",
}
"""Lines that are one more delivery of mallory's message."""

ADDRESSED = {"recipient": f"{AT}[4330]: {OWN}: to=<@@@example.com>, {SENT} (ok)"}
"""Lines that are deliveries of mallory's message, as many as mallory's odd address looks like."""

FAILED = {
    "name": f"{AT}[4322]: {THIRD}: AUTH failure (PLAIN): authentication failure (-13) SASL(-13): x, "
    f"user=@@, relay={CLIENT}",
}
"""Lines that are one failed login."""

text = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=40)
pieces = [payload for payload in PAYLOADS.values() if len(payload) < 1000]
pieces += [", authid=", "victim", "AUTH=server, ", ": ", ", relay=", ", stat=", "[203.0.113.5]", OWN, OTHER]
imitations = st.lists(st.one_of(text, st.sampled_from(pieces)), max_size=6).map("".join)


def put(line: str, payload: str) -> str:
    return line.replace("@@@", payload + "@").replace("@@", payload)


def events_of(*lines: str) -> pl.DataFrame:
    return joined(parse(run_of(*lines)))


def judged(*lines: str) -> list[tuple[int, int, int]]:
    """Of each line, after a message of mallory's on a host of its own, what it adds: (in, deliveries, failures).

    Mallory alone may have logged in or sent anything.
    """
    log = [each.replace(" mx1 ", f" mx{n} ", 1) for n, line in enumerate(lines) for each in (*BEGIN, line)]
    events = events_of(*log)
    good = events.filter((pl.col("kind") != "login") | pl.col("success"))
    assert set(good["account"].drop_nulls()) == {"mallory"}
    assert good.filter(pl.col("kind") == "login").height == len(lines)
    found = []
    for n in range(len(lines)):
        here = events.filter(pl.col("host") == f"mx{n}")
        kinds = here["kind"].to_list()
        failures = here.filter(~pl.col("success").fill_null(True)).height
        found.append((kinds.count("submission") - 1, kinds.count("delivery") - 1, failures))
    return found


def counted(line: str) -> dict[str, tuple[int, int, int]]:
    return dict(zip(PAYLOADS, judged(*(put(line, each) for each in PAYLOADS.values())), strict=True))


@pytest.mark.parametrize("line", SILENT.values(), ids=SILENT)
def test_text_in_a_line_that_is_no_event_says_nothing(line):
    """Nobody has handed in, delivered or tried anything by it."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (0, 0, 0))


@pytest.mark.parametrize("line", FIRST.values(), ids=FIRST)
def test_text_at_the_beginning_of_a_line_accuses_nobody_else(line):
    """No resolver lets such a name pass; if one did, it would be its owner's loss."""
    assert all(submissions == 0 for submissions, *_ in counted(line).values())


def test_a_client_cannot_log_in_as_another_by_its_name():
    """What is not Sendmail's form from end to end is told of and is no login."""
    line = f"{AT}[1]: AUTH=server, relay=@@ [203.0.113.5], authid=mallory, mech=PLAIN, bits=0"
    for payload in PAYLOADS.values():
        parsed = parse(run_of(put(line, payload)))
        assert set(parsed.logins["account"]) <= {"mallory"}
        assert len(parsed.logins) + len(parsed.problems) >= 1


@pytest.mark.parametrize("line", SUBMITTED.values(), ids=SUBMITTED)
def test_text_in_a_submission_stays_one_of_whoever_logged_in(line):
    """What the client calls itself and its message changes nothing."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (1, 0, 0))


@pytest.mark.parametrize("line", DELIVERED.values(), ids=DELIVERED)
def test_text_in_a_delivery_stays_one_delivery(line):
    """Nor does what remote servers say."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (0, 1, 0))


@pytest.mark.parametrize("line", ADDRESSED.values(), ids=ADDRESSED)
def test_an_odd_address_hides_no_delivery(line):
    """It may look like several, never like none, and never like another's."""
    assert {name for name, found in counted(line).items() if found[1] < 1 or found[::2] != (0, 0)} == set()


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_a_failed_login_is_nothing_but_a_failed_login(line):
    """Whoever is named in it."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (0, 0, 1))


def test_a_failed_login_is_told_of_the_victim():
    """With the address that it came from, not one that the name pretends."""
    (line,) = FAILED.values()
    parsed = parse(run_of(put(line, "victim"), put(line, "victim, relay=[192.0.2.1]")))
    assert parsed.logins.select("account", "client_ip", "success").rows() == [
        ("victim", "203.0.113.5", False),
        ("victim, relay=[192.0.2.1]", "203.0.113.5", False),
    ]


@pytest.mark.parametrize("lines", [SILENT, SUBMITTED, DELIVERED, FAILED])
def test_a_hundred_kilobytes_are_no_line_of_syslog_and_are_passed_over(lines):
    """Such a line says nothing; those around it are read."""
    assert judged(*(put(line, HUNDRED_KILOBYTES) for line in lines.values())) == [(0, 0, 0)] * len(lines)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*SUBMITTED.values(), *DELIVERED.values(), *FAILED.values()]), imitations)
@example(SUBMITTED["message id"], PAYLOADS["end of a submission"])
def test_any_text_in_an_event_changes_nothing_of_whose_it_is(line, payload):
    """As above, with what nobody thought of."""
    assert sum(judged(put(line, payload))[0]) == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([line for name, line in SILENT.items() if "program" not in name]), imitations)
def test_any_text_in_a_line_that_is_no_event_accuses_nobody(line, payload):
    """As above, with what nobody thought of."""
    submissions, deliveries, _ = judged(put(line, payload))[0]
    assert (submissions, deliveries) == (0, 0)


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_line_at_all_stops_nothing(line):
    """Lines that no Sendmail wrote are passed over, and those around them are read."""
    assert judged(f"Nov 24 08:00:01 mx1 x: {line}") == [(0, 0, 0)]
    parse(run_of(line, f"{AT}[1]: {line}", f"{AT}[1]: {OWN}: to={line}", f"{AT}[1]: {OWN}: from={line}"))


def test_a_login_of_a_client_with_a_long_name_still_says_whose_the_message_is():
    """Older versions cut the client after 100 letters, so the address is missing there."""
    name = "a." * 60 + "example.net"
    login = f"{AT}[1]: AUTH=server, relay={name[:100]}, authid=ann, mech=PLAIN, bits=0"
    mail = f"{AT}[1]: {OWN}: from=<a@b>, size=1, class=0, nrcpts=1, proto=ESMTPA, relay={name} [192.0.2.5]"
    parsed = parse(run_of(login, mail))
    assert parsed.logins.select("account", "client_ip").rows() == [("ann", None)]
    assert parsed.starts.select("account", "client_ip").rows() == [("ann", "192.0.2.5")]


@pytest.mark.parametrize(
    ("host", "pid", "client"),
    [
        ("mx1", 4322, CLIENT),
        ("mx2", 4321, CLIENT),
        ("mx1", 4321, "host.example.net [203.0.113.6]"),
        ("mx1", 4321, "host.example.net"),
    ],
)
def test_a_message_of_another_process_host_or_address_is_not_that_account_s(host, pid, client):
    """Whether it says that somebody had logged in, or not."""
    for protocol in ("ESMTPSA", "ESMTP"):
        line = (
            f"{AT}[{pid}]: {THIRD}: from=<a@b>, size=1, class=0, nrcpts=1, proto={protocol}, relay={client}"
        )
        assert parse(run_of(BEGIN[0], line.replace("mx1", host))).starts.is_empty()


def test_a_message_ends_where_sendmail_says_so():
    """At log levels above the default."""
    ends = parse(run_of(f"{AT}[1]: {OWN}: done; delay=00:00:01, ntries=1", f"{AT}[1]: {OWN}: done; x")).ends
    assert ends.rows() == [(1, "mx1", OWN)]


def test_lines_without_any_of_sendmail_s_are_read_to_empty_tables():
    """And impossible times are told of."""
    for run in (run_of(), run_of("x"), run_of(*BEGIN)):
        assert parse(run).starts.schema == parse(run_of(*BEGIN)).starts.schema
    problems = parse(run_of(BEGIN[0].replace("Nov 24", "Nov 31"))).problems
    assert [str(problem) for problem in problems] == [
        "mail.log:1: 'Nov 31 08:00:01' is no possible time; passed over"
    ]


def test_lines_are_kept_where_they_are_wanted():
    """As evidence."""
    parsed = parse(run_of(*BEGIN, keep_text=True))
    assert [getattr(parsed, name)["text"].to_list() for name in ("logins", "starts", "deliveries")] == [
        [f"{line}\n"] for line in BEGIN
    ]


def test_it_knows_its_own_lines_only():
    """Not those of Postfix's command of that name."""
    assert all(recognises([line]) for line in BEGIN)
    assert not recognises(["Nov 24 08:00:01 mx1 postfix/sendmail[1]: fatal: x", "sendmail", ""])
    assert not formats()["postfix"].recognises(list(BEGIN))


REFERENCE = datetime(2025, 6, 1, tzinfo=UTC)
SENT_TO = re.compile(r"\]: (\w{14}): to=<?([^>,]*)>?,.* dsn=([\d.]+), stat=Sent")

NO_STATUS = 130
"""The line of the corpus whose status its collection had taken away; told of as cut short."""


@pytest.mark.shared
def test_the_corpus_is_read_as_it_says(shared):
    """Every delivery of it; nothing else in it is an event, since nobody logs in there."""
    lines = (shared / "corpora/sendmail.log").read_text(encoding="utf-8").splitlines()
    parsed = parse(run_of(*lines, reference=REFERENCE))
    wanted = {}
    for number, line in enumerate(lines, 1):
        if match := SENT_TO.search(line):
            wanted[number] = (match[1], match[2].lower(), match[3], "sent")
    rows = parsed.deliveries.select("line", "queue_id", "recipient", "dsn", "outcome").rows()
    assert {row[0]: row[1:] for row in rows} == wanted
    assert len(wanted) > 50
    assert len(parsed.starts) == len(parsed.logins) == 0
    assert [problem.line for problem in parsed.problems] == [NO_STATUS]
    for row in map(json.loads, (shared / "corpora/expected.jsonl").read_text(encoding="utf-8").splitlines()):
        if row["file"] == "sendmail.log" and "status_raw" in row["expected"]:
            stated = row["expected"]
            assert wanted[row["line"]] == (stated["queue_id"], stated["recipient"], stated["dsn"], "sent")
