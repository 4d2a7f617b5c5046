"""Forged text: whatever strangers get written into Postfix's lines, nobody else's account looks guilty.

Each place that a client or a remote server fills is filled with text that imitates what Postfix itself says of
another account. The log is that of one message of `mallory`, who alone may appear.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import events_of, read

import responder
from responder.events.account import canonical_name

AT = "Nov 24 08:00:01 mx1 postfix"
OWN = "4A1B2C3D4E"
OTHER = "4A1B2C3D4F"
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"
LOGIN = "client=unknown[203.0.113.9], sasl_method=LOGIN, sasl_username=victim"
SENT = f"to=<x@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)"

BEGIN = (
    f"{AT}/submission/smtpd[11]: {OWN}: client=unknown[203.0.113.5], sasl_method=PLAIN, sasl_username=mallory"
)
FIRST = f"{AT}/smtp[12]: {OWN}: to=<one@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)"
SECOND = f"{AT}/smtp[12]: {OWN}: to=<two@example.com>, {RELAY}, dsn=5.1.1, status=bounced (host said: 550 5.1.1 no)"
REMOVED = f"{AT}/qmgr[13]: {OWN}: removed"

PAYLOADS = {
    "field": ", sasl_username=victim",
    "fields": ", sasl_method=LOGIN, sasl_username=victim",
    "fields before another": "[203.0.113.9], sasl_method=LOGIN, sasl_username=victim, sasl_sender=a",
    "client": LOGIN,
    "client with id": f"{OTHER}: {LOGIN}",
    "own id taken over": f"{OWN}: {LOGIN}",
    "line": f"Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "iso line": f"2025-11-24T08:00:02+00:00 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after a line feed, escaped by syslog": f"x#012Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after a line feed, in words": f"x\\nNov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after a carriage return": f"x\rNov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after CR and its escape": f"x\r#012Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}\r",
    "line after U+2028": f"x\u2028Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after U+2029": f"x\u2029Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after U+0085": f"x\u0085Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after a vertical tab": f"x\x0bNov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after a form feed": f"x\x0cNov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after separators": f"x\x1c\x1d\x1eNov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "line after NUL": f"x\0Nov 24 08:00:02 mx1 postfix/smtpd[1]: {OTHER}: {LOGIN}",
    "end of a process id": f"1]: {OTHER}: {LOGIN}",
    "closed bracket, then client": f">]: {OTHER}: {LOGIN}",
    "delivery": f"]: {OTHER}: {SENT}",
    "delivery of its own": f">, {RELAY}, dsn=5.1.1, status=bounced (x), to=<y@example.com>, sasl_username=victim",
    "end of its own message": f"]: {OWN}: removed",
    "only the word": "removed",
    "hand-over to a filter": "a>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, "
    f"status=sent (250 2.0.0 Ok: queued as {OTHER})",
    "hand-over without an end": "a>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, "
    "status=sent (250 2.0.0 ",
    "answer of a filter": f"2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {OTHER}",
    "back from a filter": f"{OTHER}: client=localhost[127.0.0.1], orig_queue_id={OWN}",
    "fields of one who is back from a filter": f"[127.0.0.1], orig_queue_id={OWN}, orig_client=unknown[203.0.113.5]",
    "address closed": f"a>, {RELAY}, dsn=2.0.0, status=sent (250 ok)",
    "nonsense codes": "a>, dsn=nonsense, status=nonsense",
    "quotation mark": '"',
    "quotation marks": '"a" "b',
    "quotation closed": '"@example.com>, orig_to=<", sasl_username=victim',
    "backslash": "\\",
    "backslash and quotation mark": '\\"',
    "second address": "a>, orig_to=<b",
    "brackets": "]: ]: [[]]",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{LOGIN}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{LOGIN[::-1]}\u202c",
    "replacement character": f"\ufffd{LOGIN}",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f", sasl_username=victim, {LOGIN}" * 200,
}

HUNDRED_KILOBYTES = f"x, {LOGIN}, " * 1300

SILENT = {
    "helo of a reject": f"{AT}/smtpd[14]: NOQUEUE: reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 <x@example.com>: "
    "Relay access denied; from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<@@>",
    "sender of a reject": f"{AT}/smtpd[14]: NOQUEUE: reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 <@@>: "
    "Relay access denied; from=<@@> to=<x@example.com> proto=ESMTP helo=<a>",
    "recipient of a reject": f"{AT}/smtpd[14]: {OWN}: reject: RCPT from unknown[203.0.113.5]: 550 5.1.1 <@@>: "
    "Recipient address rejected; from=<a@example.com> to=<@@> proto=ESMTP helo=<a>",
    "whole of a reject": f"{AT}/smtpd[14]: {OWN}: reject: @@",
    "text of a milter": f"{AT}/cleanup[14]: {OWN}: milter-reject: END-OF-MESSAGE from a[203.0.113.5]: 5.7.1 @@; "
    "from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<a>",
    "host name connecting": f"{AT}/smtpd[14]: connect from @@[203.0.113.5]",
    "host name disconnecting": f"{AT}/smtpd[14]: disconnect from @@[203.0.113.5] ehlo=1 auth=1 quit=1 commands=3",
    "host name lost": f"{AT}/smtpd[14]: lost connection after AUTH from @@[203.0.113.5]",
    "host name of a client without login": f"{AT}/smtpd[14]: {OTHER}: client=@@[203.0.113.5]",
    "host name that does not resolve": f"{AT}/smtpd[14]: warning: hostname @@ does not resolve to address 203.0.113.5",
    "host name before a warning": f"{AT}/smtpd[14]: warning: @@[203.0.113.5]: request longer than 2048: a",
    "whole of a warning": f"{AT}/smtpd[14]: warning: @@",
    "long request": f"{AT}/smtpd[14]: warning: unknown[203.0.113.5]: request longer than 2048: @@",
    "command": f"{AT}/smtpd[14]: warning: non-SMTP command from unknown[203.0.113.5]: @@",
    "address syntax": f"{AT}/smtpd[14]: warning: Illegal address syntax from unknown[203.0.113.5] in MAIL command: @@",
    "pipelining": f"{AT}/smtpd[14]: improper command pipelining after EHLO from unknown[203.0.113.5]: @@",
    "pregreet": f"{AT}/postscreen[14]: PREGREET 6 after 1.2 from [203.0.113.5]:43421: @@",
    "certificate": f"{AT}/smtpd[14]: unknown[203.0.113.5]: Untrusted: subject_CN=@@, issuer_CN=@@, fingerprint=00",
    "sender in the queue": f"{AT}/qmgr[13]: {OWN}: from=<@@>, size=600, nrcpt=2 (queue active)",
    "sender of an expired message": f"{AT}/qmgr[13]: {OWN}: from=<@@>, status=expired, returned to sender",
    "sender of the local pickup": f"{AT}/pickup[14]: {OTHER}: uid=1000 from=<@@>",
    "message id": f"{AT}/cleanup[14]: {OWN}: message-id=<@@>",
    "message id without brackets": f"{AT}/cleanup[14]: {OWN}: message-id=@@",
    "resent message id": f"{AT}/cleanup[14]: {OWN}: resent-message-id=@@",
    "subject, info": f"{AT}/cleanup[14]: {OWN}: info: header Subject: @@ from unknown[203.0.113.5]; "
    "from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<a>",
    "subject, warning": f"{AT}/cleanup[14]: {OWN}: warning: header Subject: @@ from unknown[203.0.113.5]; "
    "from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<a>",
    "header, replaced": f"{AT}/cleanup[14]: {OWN}: replace: header X-A: @@ from unknown[203.0.113.5]; "
    "from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<a>: X-A: @@",
    "header, prepended": f"{AT}/cleanup[14]: {OWN}: prepend: header X-A: @@ from unknown[203.0.113.5]; "
    "from=<a@example.com> to=<x@example.com> proto=ESMTP helo=<a>: X-B: @@",
    "remote server's 4xx": f"{AT}/smtp[12]: {OWN}: host mx.example.com[198.51.100.7] said: 450 4.2.0 @@ "
    "(in reply to RCPT TO command)",
    "remote server's greeting": f"{AT}/smtp[12]: warning: host mx.example.com[198.51.100.7]:25 greeted me with @@",
    "remote server's name": f"{AT}/smtp[12]: connect to @@[198.51.100.7]:25: Connection refused",
    "non-delivery notice": f"{AT}/bounce[14]: {OWN}: sender non-delivery notification: @@",
    "name in another program": "Nov 24 08:00:01 mx1 dovecot: imap-login: Aborted login (auth failed): user=<@@>, "
    "method=PLAIN, rip=203.0.113.5",
    "line of another program": "Nov 24 08:00:01 mx1 sshd[14]: Failed password for invalid user @@ from 203.0.113.5",
    "line of a program without process id": "Nov 24 08:00:01 mx1 tinyproxy: GET @@",
    "line of a like-named program": "Nov 24 08:00:01 mx1 postfix-policyd: rcpt=@@",
}
"""Lines that are no event at all, whatever they hold."""

DELIVERED = {
    "reply": f"{AT}/smtp[12]: {OWN}: to=<three@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 @@)",
    "whole of the reply": f"{AT}/smtp[12]: {OWN}: to=<three@example.com>, {RELAY}, dsn=4.0.0, status=deferred (@@)",
    "reply without end": f"{AT}/lmtp[12]: {OWN}: to=<three@example.com>, {RELAY}, dsn=5.0.0, status=bounced (@@",
    "recipient, as before 3.5": f"{AT}/smtp[12]: {OWN}: to=<@@@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)",
    "recipient, whole": f"{AT}/smtp[12]: {OWN}: to=<@@>, {RELAY}, dsn=2.0.0, status=sent (250 ok)",
    "recipient, whole, and the reply": f"{AT}/smtp[12]: {OWN}: to=<@@>, {RELAY}, dsn=2.0.0, status=sent "
    f"(250 queued as {OTHER})",
    "original recipient, as before 3.5": f"{AT}/smtp[12]: {OWN}: to=<three@example.com>, orig_to=<@@>, {RELAY}, "
    "dsn=2.0.0, status=sent (250 ok)",
}
"""Lines that are one delivery of mallory's message."""

QUOTED = {
    "recipient": f'{AT}/smtp[12]: {OWN}: to=<"@@"@example.com>, {RELAY}, dsn=5.1.1, status=bounced (host said: "no")',
    "original recipient": f'{AT}/smtp[12]: {OWN}: to=<"@@"@example.com>, orig_to=<"@@"@example.com>, {RELAY}, '
    "dsn=5.1.1, status=bounced (no)",
    "original recipient alone": f'{AT}/smtp[12]: {OWN}: to=<three@example.com>, orig_to=<"@@"@example.net>, {RELAY}, '
    "dsn=5.1.1, status=bounced (no)",
}
"""One bounced delivery, the sender's text quoted as Postfix 3.5 and later do: `"` and `\\` after a backslash."""

HANDED_IN = {
    "sender by AUTH=": f"{AT}/smtpd[11]: {OTHER}: client=unknown[203.0.113.5], sasl_method=PLAIN, "
    "sasl_username=mallory, sasl_sender=@@",
}
"""Lines that are one submission of mallory's."""

FAILED = {
    "name": f"{AT}/smtpd[14]: warning: unknown[203.0.113.5]: SASL LOGIN authentication failed: "
    "(reason unavailable), sasl_username=@@",
    "reason": f"{AT}/smtpd[14]: warning: unknown[203.0.113.5]: SASL LOGIN authentication failed: @@",
    "reason and name": f"{AT}/smtpd[14]: warning: unknown[203.0.113.5]: SASL LOGIN authentication failed: @@, "
    "sasl_username=@@",
}
"""Lines that are one failed login."""

text = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=40)
imitations = st.lists(
    st.one_of(
        text,
        st.sampled_from(
            [
                *(payload for payload in PAYLOADS.values() if len(payload) < 1000),
                *(
                    ", sasl_username=",
                    "victim",
                    "client=",
                    "]: ",
                    ": ",
                    ">, ",
                    "to=<",
                    ", orig_to=<",
                    ", dsn=5.1.1",
                ),
                *(
                    ", status=sent ",
                    "[203.0.113.9]",
                    ", sasl_method=",
                    ", sasl_sender=",
                    OWN,
                    OTHER,
                    AT,
                    "/smtpd[1",
                ),
            ]
        ),
    ),
    max_size=6,
).map("".join)


def put(line: str, payload: str) -> str:
    return line.replace("@@@", payload + "@").replace("@@", payload)


def escaped(payload: str) -> str:
    return payload.replace("\\", "\\\\").replace('"', '\\"')


def judged(*lines: str) -> pl.DataFrame:
    """The events of a message of mallory's on a host for each line, the line among those of the message.

    Only mallory has handed in or delivered anything, and no login is one with success.
    """
    log = [
        each.replace(" mx1 postfix", f" {host_of(n)} postfix", 1)
        for n, line in enumerate(lines)
        for each in (BEGIN, FIRST, line, SECOND, REMOVED)
    ]
    events = events_of(*log)
    sending = events.filter(pl.col("kind") != "login")
    assert {canonical_name(name, "example.org") for name in sending["account"]} == {"mallory"}
    assert not events.filter(pl.col("kind") == "login")["success"].any()
    return events


def host_of(number: int) -> str:
    return f"mx{number + 1}"


def counts(events: pl.DataFrame, number: int = 0) -> tuple[int, int, int]:
    """Submissions, deliveries and logins on one of the hosts."""
    kinds = events.filter(pl.col("host") == host_of(number))["kind"].to_list()
    return kinds.count("submission"), kinds.count("delivery"), kinds.count("login")


def counted(line: str, quote: bool = False) -> dict[str, tuple[int, int, int]]:
    """Of each payload in ``line``, what was counted."""
    events = judged(*(put(line, escaped(payload) if quote else payload) for payload in PAYLOADS.values()))
    return {name: counts(events, number) for number, name in enumerate(PAYLOADS)}


@pytest.mark.parametrize("line", SILENT.values(), ids=SILENT)
def test_text_in_a_line_that_is_no_event_says_nothing(line):
    """Only mallory's own message and its two deliveries are found."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (1, 2, 0))


@pytest.mark.parametrize("line", DELIVERED.values(), ids=DELIVERED)
def test_text_in_a_delivery_stays_one_delivery_of_its_sender(line):
    """Neither another account nor a recipient less: who sends cannot hide a delivery by its address either."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (1, 3, 0))


@pytest.mark.parametrize("line", QUOTED.values(), ids=QUOTED)
def test_a_quoted_address_changes_nothing_of_what_became_of_it(line):
    """The outcome and the domain are those that Postfix wrote, not those inside the quotation marks."""
    assert counted(line, quote=True) == dict.fromkeys(PAYLOADS, (1, 3, 0))
    events = judged(*(put(line, escaped(payload)) for payload in PAYLOADS.values()))
    rows = events.filter(pl.col("line") % 5 == 3).select("outcome", "dsn", "recipient_domain").rows()
    domain = "example.net" if "example.net" in line else "example.com"
    assert rows == [("bounced", "5.1.1", domain)] * len(PAYLOADS)


@pytest.mark.parametrize("line", HANDED_IN.values(), ids=HANDED_IN)
def test_text_beside_a_login_stays_a_submission_of_that_login(line):
    """The sender that a client names by AUTH= is its own claim."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (2, 2, 0))


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_a_failed_login_is_nothing_but_a_failed_login(line):
    """Whoever is named in it, it is one login without success."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (1, 2, 1))


@pytest.mark.parametrize(
    "lines", [SILENT, DELIVERED, HANDED_IN, FAILED], ids=["silent", "sent", "in", "failed"]
)
def test_the_form_of_the_stamps_changes_nothing(lines):
    """Logs with ISO-8601 stamps, and those of both kinds."""
    iso = "2025-11-24T08:00:01.5+00:00 "
    for line in lines.values():
        plain = judged(*(put(line, payload) for payload in PAYLOADS.values()))
        changed = judged(*(iso + put(line, payload)[16:] for payload in PAYLOADS.values()))
        assert changed.drop("time").equals(plain.drop("time"))


def test_a_host_name_that_is_none_is_nobodys_submission_and_is_told_of():
    """Postfix logs only valid host names, or 'unknown': a line with another was not written by it."""
    line = f"{AT}/smtpd[11]: {OTHER}: client=@@[203.0.113.5], sasl_method=PLAIN, sasl_username=mallory"
    names = [name for name in PAYLOADS if name != "only the word"]
    found = counted(line)
    assert [found[name] for name in names] == [(1, 2, 0)] * len(names)
    assert [str(problem) for problem in read(put(line, ", sasl_username=victim")).problems] == [
        "mail.log:1: what stands in the client's place is none, so Postfix did not write this; passed over"
    ]


def test_a_failed_login_that_names_the_victim_is_told_of_the_victim_without_success():
    """The victim of a guesser is known, and accused of nothing."""
    events = judged(put(FAILED["name"], "victim"))
    logins = events.filter(pl.col("kind") == "login")
    assert logins.select("account", "success", "client_ip").rows() == [("victim", False, "203.0.113.5")]


@pytest.mark.parametrize("places", [SILENT, DELIVERED, QUOTED, HANDED_IN, FAILED])
def test_a_hundred_kilobytes_are_no_line_of_syslog_and_are_passed_over(places):
    """Such a line is told of and says nothing; those around it are read."""
    for line in places.values():
        assert counts(judged(put(line, HUNDRED_KILOBYTES))) == (1, 2, 0)


@pytest.mark.parametrize("tail", ["", ", sasl_sender=a"])
def test_a_queue_id_that_is_none_begins_no_message(tail):
    """Words and empty ids are no messages."""
    for word in (
        "proxy-accept",
        "warning",
        "",
        "connect from unknown[203.0.113.5]",
        "removed",
        "4A1B2",
        "victim",
    ):
        assert counts(judged(f"{AT}/smtpd[14]: {word}: {LOGIN}{tail}")) == (1, 2, 0)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(SILENT.values())), imitations)
@example(SILENT["host name of a client without login"], PAYLOADS["fields before another"])
def test_any_text_in_a_line_that_is_no_event_says_nothing(line, payload):
    """As above, with what nobody thought of."""
    assert counts(judged(put(line, payload)))[:2] == (1, 2)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*DELIVERED.values(), *QUOTED.values()]), imitations)
def test_any_text_in_a_delivery_stays_one_delivery(line, payload):
    """As above, with what nobody thought of."""
    shown = escaped(payload) if line in QUOTED.values() else payload
    assert counts(judged(put(line, shown))) == (1, 3, 0)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([*HANDED_IN.values(), *FAILED.values()]), imitations)
def test_any_text_beside_a_login_changes_nothing(line, payload):
    """As above, with what nobody thought of."""
    handed_in = line in HANDED_IN.values()
    assert counts(judged(put(line, payload))) == ((2, 2, 0) if handed_in else (1, 2, 1))


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_line_at_all_accuses_nobody_and_stops_nothing(line):
    """Lines that no Postfix wrote are passed over, and the message around them is read."""
    events = events_of(BEGIN, FIRST, f"Nov 24 08:00:01 mx1 x: {line}", SECOND, REMOVED)
    assert counts(events) == (1, 2, 0)


NAIVE = (
    ('client = smtpd.filter(col.rest.str.starts_with("client="))', "client = smtpd"),
    ("handed_in = client.filter(col.queue_id.str.contains(QUEUE_ID))", "handed_in = client"),
    ("smtpd = frame.filter(col.role == SMTPD)", "smtpd = frame"),
    ("pl.when(_part(0).str.contains(CLIENT)).then(", "pl.when(pl.lit(True)).then("),
)
"""A search for the field anywhere in a line, in the place of the parser's care."""


def test_a_naive_search_for_the_login_would_be_caught(tmp_path):
    """This suite fails on a copy of the package that looks for ``sasl_username=`` anywhere."""
    shutil.copytree(Path(responder.__file__).parent, tmp_path / "responder")
    file = tmp_path / "responder/formats/postfix.py"
    text = file.read_text(encoding="utf-8")
    for careful, naive in NAIVE:
        assert careful in text
        text = text.replace(careful, naive)
    file.write_text(text, encoding="utf-8")
    here = Path(__file__).resolve()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "says_nothing", str(here)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "test_text_in_a_line_that_is_no_event_says_nothing" in done.stdout
    assert "victim" in done.stdout
