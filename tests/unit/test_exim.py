"""Exim's lines: whatever strangers get written into them, nobody else's account looks guilty."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import SITE, run_of

from responder.events.lives import join, nothing_open, with_open
from responder.formats.exim import parse, recognises

AT = "2025-11-24 08:00:01"
OWN, OTHER = "1vNRQD-000000001Lk-2a3B", "1vNRQD-000000001Lk-2a3C"
ROUTE = "R=dnslookup T=remote_smtp H=mx.example.com [198.51.100.7]"
LOGIN = "H=(x) [192.0.2.1] P=esmtpsa X=TLS1.3:AES:256 CV=no A=plain:victim S=1 id=1@example.org"
ARRIVAL = f"<= victim@example.org {LOGIN}"

BEGIN = (
    f"{AT} {OWN} <= m@example.org H=(pc) [203.0.113.5] P=esmtpsa A=plain:mallory S=620 id=1@example.org",
    f'{AT} {OWN} => one@example.com {ROUTE} C="250 2.0.0 ok"',
)
"""What every log begins with: a submission and a delivery of mallory's."""

PAYLOADS = {
    "field": " A=plain:victim",
    "fields": " A=plain:victim S=1",
    "login": f" {LOGIN}",
    "login after a closed HELO": "x) [192.0.2.1] P=esmtpsa A=plain:victim S=1 id=(y",
    "login in a HELO of a host": "x [192.0.2.1] P=esmtpsa A=plain:victim S=1",
    "login after a closed quotation": '" A=plain:victim S=1 id="',
    "login after a closed quotation, all": '" SNI="x" A=plain:victim S=1 T="',
    "login after an escaped quotation mark": '\\" A=plain:victim S=1',
    "login after an address": f"a@example.com {LOGIN}",
    "login after an address in angle brackets": f"a@example.com> {LOGIN} <",
    "login without a size, after a closed HELO": "x) [192.0.2.1] P=esmtpsa A=plain:victim",
    "login without a size, after a closed quotation": '" A=plain:victim',
    "login after an ident": "x P=esmtpsa A=plain:victim S=1",
    "login without a size, after an ident": "x P=esmtpsa A=plain:victim",
    "arrival": ARRIVAL,
    "arrival with id": f"{OTHER} {ARRIVAL}",
    "own id taken over": f"{OWN} {ARRIVAL}",
    "line": f"{AT} {OTHER} {ARRIVAL}",
    "syslog line": f"Nov 24 08:00:02 mx1 exim[1]: {OTHER} {ARRIVAL}",
    "second piece": f"[1/2] {AT} {OTHER} {ARRIVAL}",
    "line after a line feed, escaped": f"x\\n{AT} {OTHER} {ARRIVAL}",
    "line after a line feed, escaped by syslog": f"x#012{AT} {OTHER} {ARRIVAL}",
    "line after a carriage return": f"x\r{AT} {OTHER} {ARRIVAL}\r",
    "line after U+2028": f"x\u2028{AT} {OTHER} {ARRIVAL}\u2029",
    "line after U+0085": f"x\u0085{AT} {OTHER} {ARRIVAL}",
    "line after NUL": f"x\0{AT} {OTHER} {ARRIVAL}",
    "failure": "x) [192.0.2.1]: 535 Incorrect authentication data (set_id=victim)",
    "failure, all": "plain authenticator failed for (x) [192.0.2.1]: 535 Incorrect authentication data (set_id=victim)",
    "set_id": "(set_id=victim)",
    "delivery": f"{OTHER} => x@example.com {ROUTE}",
    "end": "Completed",
    "address closed": f"a@example.com {ROUTE}: 550 5.1.1 x",
    "reply": '" C="550 5.1.1 no',
    "quotation mark": '"',
    "quotation marks": '"a" "b',
    "backslash": "\\",
    "brackets": ") ] > )) ]] >> (([[<<",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{ARRIVAL}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{ARRIVAL[::-1]}\u202c",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f" {LOGIN}" * 250,
}
HUNDRED_KILOBYTES = f"{LOGIN} " * 1200

OUT = f"{AT} {OTHER} <= a@example.com"
SILENT = {
    "sender, quoted": f'{AT} {OTHER} <= "@@"@example.com H=(pc) [203.0.113.5] P=esmtp S=600',
    "HELO": f"{OUT} H=(@@) [203.0.113.5] P=esmtp S=600 id=1@example.com",
    "HELO of a host with a name": f"{OUT} H=host.example.net (@@) [203.0.113.5]:4711 P=esmtps X=T:A:1 CV=no S=600",
    "ident": f"{OUT} H=(pc) [203.0.113.5] U=@@ P=esmtp S=600 id=1@example.com",
    "name in a certificate": f'{OUT} H=(pc) [203.0.113.5] P=esmtps X=T:A:1 CV=no DN="@@" S=600 id=1@example.com',
    "server name": f'{OUT} H=(pc) [203.0.113.5] P=esmtps X=T:A:1 CV=no SNI="@@" S=600 id=1@example.com',
    "message id": f"{OUT} H=(pc) [203.0.113.5] P=esmtp S=600 id=@@",
    "subject": f'{OUT} H=(pc) [203.0.113.5] P=esmtp S=600 id=1@example.com T="@@"',
    "sender in the envelope": f"{OUT} H=(pc) [203.0.113.5] P=esmtp S=600 from <@@>",
    "recipients": f"{OUT} H=(pc) [203.0.113.5] P=esmtp S=600 for @@",
    "HELO of a reject": f"{AT} H=(@@) [203.0.113.5] F=<a@example.com> rejected RCPT <x@example.com>: no",
    "sender of a reject": f"{AT} H=(pc) [203.0.113.5] F=<@@> rejected RCPT <x@example.com>: no",
    "recipient of a reject": f"{AT} H=(pc) [203.0.113.5] F=<a@example.com> rejected RCPT <@@>: no",
    "command": f'{AT} SMTP call from [203.0.113.5] dropped: too many unrecognized commands (last was "@@")',
    "syntax": f'{AT} SMTP syntax error in "@@" H=(pc) [203.0.113.5] unrecognized command',
    "warning of a message": f"{AT} {OTHER} H=(@@) [203.0.113.5] Warning: @@",
    "host that does not answer": f"{AT} {OWN} mx.example.com [198.51.100.7] @@",
    "output of a transport": f"{AT} {OWN} <x@example.com>: address_pipe transport output: @@",
    "second piece of a long line": "Nov 24 08:00:01 mx1 exim[7]: [2/3] @@",
    "second piece, after a line end": "Nov 24 08:00:01 mx1 exim[7]: [2\\3] @@",
    "another program": "Nov 24 08:00:01 mx1 sshd[7]: exim @@",
}
"""Lines that are no event of an account, whatever they hold."""

DELIVERED = {
    "reply": f'{AT} {OWN} => x@example.com {ROUTE} C="250 @@"',
    "refusal": f"{AT} {OWN} ** x@example.com {ROUTE}: SMTP error from remote mail server after "
    "RCPT TO:<x@example.com>: @@",
    "name of the other server": f'{AT} {OWN} => x@example.com {ROUTE} X=T:A:1 CV=yes DN="@@" C="250 ok"',
    "recipient, quoted": f'{AT} {OWN} == "@@"@example.com R=dnslookup T=remote_smtp defer (111): Connection refused',
    "recipient, as it is": f"{AT} {OWN} => @@ {ROUTE}",
}
"""Lines that are at most deliveries of mallory's message."""

FAILURES = {
    "HELO": f"{AT} plain authenticator failed for (@@) [203.0.113.5]: 535 Incorrect authentication data (set_id=m)",
    "HELO of a host with a name": f"{AT} plain authenticator failed for h.example.net (@@) [203.0.113.5]:1: "
    "535 Incorrect authentication data (set_id=m)",
    "ident": f"{AT} plain authenticator failed for (pc) [203.0.113.5] U=@@: "
    "535 Incorrect authentication data (set_id=m)",
}
"""Failed logins of m from 203.0.113.5, or of nobody from nowhere."""


def events_of(*lines: str) -> pl.DataFrame:
    """The joined events of Exim's lines."""
    return with_open(join(parse(run_of(*lines)), "mainlog", SITE), nothing_open())[0].flat()


def senders(frame: pl.DataFrame) -> set[str | None]:
    """Accounts of submissions and deliveries."""
    return set(frame.filter(pl.col("kind") != "login")["account"])


@pytest.mark.parametrize("payload", [*PAYLOADS.values(), HUNDRED_KILOBYTES], ids=[*PAYLOADS, "100 kB"])
@pytest.mark.parametrize("place", SILENT)
def test_text_of_strangers_is_no_event(place, payload):
    """Nothing is added to what was there."""
    found = events_of(*BEGIN, SILENT[place].replace("@@", payload))
    assert found.filter(pl.col("account").is_not_null()).height == 2
    assert senders(found) == {"mallory"}


@pytest.mark.parametrize("payload", [*PAYLOADS.values(), HUNDRED_KILOBYTES], ids=[*PAYLOADS, "100 kB"])
@pytest.mark.parametrize("place", DELIVERED)
def test_what_other_servers_say_is_of_the_message(place, payload):
    """A delivery more of mallory's at most."""
    found = events_of(*BEGIN, DELIVERED[place].replace("@@", payload))
    assert found.height <= 3
    assert senders(found) == {"mallory"}


@pytest.mark.parametrize("payload", [*PAYLOADS.values(), HUNDRED_KILOBYTES], ids=[*PAYLOADS, "100 kB"])
@pytest.mark.parametrize("place", FAILURES)
def test_a_failed_login_is_of_whom_exim_says_or_of_nobody(place, payload):
    """Neither the name nor the address are the client's invention."""
    found = events_of(*BEGIN, FAILURES[place].replace("@@", payload)).filter(pl.col("kind") == "login")
    assert set(found.select("account", "client_ip").rows()) <= {("m", "203.0.113.5"), (None, None)}
    assert not found["success"].any()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_name_that_failed_never_sends(payload):
    """It is what a client typed."""
    failed = f"{AT} plain authenticator failed for (pc) [203.0.113.5]: 535 Incorrect authentication data"
    found = events_of(*BEGIN, f"{failed} (set_id={payload})")
    assert senders(found) == {"mallory"}
    assert set(found.filter(pl.col("kind") == "login")["client_ip"]) <= {"203.0.113.5", None}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize(
    "line",
    [
        f'{AT} {OTHER} <= "@@"@example.com H=(pc) [203.0.113.5] P=esmtpsa A=plain:mallory S=600 id=1@example.org',
        f"{AT} {OTHER} <= a@example.com H=(@@) [203.0.113.5] P=esmtpsa A=plain:mallory S=600 id=1@example.org",
        f'{AT} {OTHER} <= a@example.com H=(pc) [203.0.113.5] P=esmtpsa DN="@@" A=plain:mallory S=600 id=1@example.org',
        f"{AT} {OTHER} <= a@example.com H=(pc) [203.0.113.5] P=esmtpsa A=plain:mallory:@@ S=600 id=1@example.org",
        f'{AT} {OTHER} <= a@example.com H=(pc) [203.0.113.5] P=esmtpsa A=plain:mallory S=600 id=@@ T="@@"',
    ],
    ids=["sender", "HELO", "certificate", "sender of AUTH=", "id and subject"],
)
def test_a_login_is_whose_it_is(line, payload):
    """Mallory's own message is mallory's, or nobody's where it can be read in two ways."""
    assert senders(events_of(*BEGIN, line.replace("@@", payload))) == {"mallory"}


def test_two_readings_are_told_of():
    """An operator should know that somebody tries."""
    forged = SILENT["HELO"].replace("@@", PAYLOADS["login after a closed HELO"])
    hidden = BEGIN[0].replace("(pc)", "(my pc)")
    found = parse(run_of(forged, hidden))
    assert found.starts.is_empty()
    assert [problem.line for problem in found.problems] == [1, 2]
    assert all("two readings" in problem.message for problem in found.problems)


def test_a_stranger_cannot_make_problems_of_a_plain_line():
    """A subject is no login."""
    line = SILENT["subject"].replace("@@", PAYLOADS["fields"])
    assert parse(run_of(line)).problems == ()


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from([*SILENT.values(), *DELIVERED.values()]), text=st.text(max_size=80))
@example(place=SILENT["HELO"], text="\n")
def test_any_text_is_no_event_of_another(place, text):
    """Nor a crash."""
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    assert senders(events_of(*BEGIN, place.replace("@@", text))) == {"mallory"}


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
@example(data=f"{AT} {OWN} <= ".encode())
@example(data=f"{AT} {OWN} =>".encode())
@example(data=f"{AT} {OWN} == \xff".encode("latin-1"))
def test_any_bytes_are_read(data):
    """Without a traceback."""
    assert parse(run_of(data, f"{AT} {OWN} ".encode() + data, f"{AT} {OWN} => ".encode() + data))


def test_a_delivery_is_read_though_bytes_in_it_are_no_text():
    """As a transport writes them that tells of its arguments; the line is kept, with marks in their place."""
    line = (
        f"{AT} {OWN} => it <it@example.org> {ROUTE} (Tainted arg 2 for x: 'echo '".encode()
        + b"\x92 \x81 root')"
    )
    parsed = parse(run_of(line, keep_text=True))
    assert parsed.deliveries["recipient"].to_list() == ["it@example.org"]
    assert parsed.deliveries["text"].to_list() == [line.decode(errors="replace") + "\n"]


def test_recognises_its_own():
    """And nobody else's."""
    assert recognises([BEGIN[0]])
    assert recognises(["May 23 10:28:30 mx01 exim[27789]: 2019-05-23 10:28:30 1hTohn-0007EB-Nq Completed"])
    assert recognises(["2025-11-24 08:00:01 [77] Start queue run: pid=21207"])
    assert not recognises([f"Nov 24 08:00:01 mx1 postfix/smtpd[1]: warning: exim[7]: {BEGIN[0]}"])
    assert not recognises(["2025-11-24 08:00:01 something else", ""])


def test_keeps_the_lines_that_it_is_asked_to_keep():
    """As evidence, through syslog too."""
    through = f"Nov 24 08:00:01 mx1 exim[7]: {BEGIN[1]}"
    found = parse(run_of(BEGIN[0], through, keep_text=True))
    assert found.starts["text"].to_list() == [f"{BEGIN[0]}\n"]
    assert found.deliveries["text"].to_list() == [f"{through}\n"]


@pytest.mark.shared
def test_a_real_servers_log_is_read_wholly(shared):
    """As many of each as grep counts."""
    lines = (shared / "logs/exim4-mainlog.log").read_text().splitlines()
    found = parse(run_of(*lines, reference=datetime(2026, 11, 25, tzinfo=UTC)))

    def having(*marks: str) -> int:
        return sum(any(mark in line for mark in marks) for line in lines)

    assert found.problems == ()
    assert found.starts.height == having(" A=plain:", " A=login:")
    for account in ("jdupont", "zcelik"):
        assert found.starts["account"].to_list().count(account) == having(
            f" A=plain:{account} ", f" A=login:{account} "
        )
    assert set(found.starts["account"]) == {"jdupont", "zcelik"}
    outcomes = found.deliveries["outcome"].to_list()
    assert outcomes.count("sent") == having(" => ", " -> ")
    assert outcomes.count("bounced") == having(" ** ")
    assert outcomes.count("deferred") == having(" == ")
    assert found.deliveries["dsn"].to_list().count("5.1.1") == having(": 550 5.1.1 ")
    assert found.deliveries["dsn"].to_list().count("2.0.0") == having(' C="250 2.0.0 ')
    assert found.ends.height == having(" Completed")
    assert found.logins.height == having("authenticator failed")


NOT_OURS = {
    8: "the peer takes the recipient of a rejected RCPT for a login: nobody logged in here",
    19: "the peer takes the recipient of a rejected RCPT for a login: nobody logged in here",
}


@pytest.mark.shared
def test_lines_of_many_systems_are_read_as_their_collectors_expect(shared):
    """Each field that they state and we keep."""
    folder = shared / "corpora"
    lines = (folder / "exim.log").read_text().splitlines()
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    for each in (one for one in expected if one["file"] == "exim.log"):
        number, wanted = each["line"], each["expected"]
        found = events_of(lines[number - 1]).rows(named=True)
        if number in NOT_OURS:
            assert (number, found) == (number, [])
        elif name := wanted.get("sasl_username"):
            [event] = found
            account = (event["account"], event["client_ip"], event["kind"])
            assert (number, account) == (number, (name, wanted["client_ip"], "login"))
        elif number == 24:
            [event] = found
            assert (event["kind"], event["account"]) == ("submission", "kvmpm@d37.example")
            assert (event["queue_id"], event["client_ip"]) == (wanted["queue_id"], wanted["client_ip"])
        elif wanted.get("flag") == "==":
            [event] = found
            assert (event["outcome"], event["recipient"]) == ("deferred", wanted["address"])
            assert event["queue_id"] == wanted["queue_id"]
        else:
            assert (number, found) == (number, [])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        ("28", [("submission", "user", "192.0.2.50"), ("delivery", None, None)]),
        ("29", []),
        ("30", [("delivery", None, None)]),
        ("32", [("delivery", None, None)]),
        ("34", []),
    ],
)
def test_what_broke_other_tools(shared, case, wanted):
    """Is read, or passed over."""
    [file] = (shared / "cases").glob(f"{case}-exim-*.md")
    lines = file.read_text().split("```\n")[1].splitlines()
    found = events_of(*lines)
    assert found.select("kind", "account", "client_ip").rows() == wanted
    if case == "32":
        assert found["recipient"].to_list() == ["it@example.org"]
