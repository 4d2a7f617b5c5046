"""What log lines are wrapped in: written anew, counted as often as they say, and never by a stranger's text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import SITE, run_of

from responder.events.lives import join, nothing_open, with_open
from responder.formats import formats
from responder.formats.postfix import parse
from responder.sources import carriers
from responder.sources.carriers import CUT_AT, MOST, REPEATED_MARK, unwrap
from responder.sources.lines import Lines

LINE = "Nov 24 08:00:01 mx1 postfix/smtpd[1]: connect from a[192.0.2.1]"
LOGIN = "4A1B2C3D4E: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=victim"
BY_VICTIM = f"Nov 24 08:00:01 mx1 postfix/smtpd[1]: {LOGIN}"


def unwrapped(*lines: str | bytes) -> list[str]:
    """The lines after it, without their line feeds; there may be no problem."""
    found = unwrap(run_of(*lines))
    assert found.problems == ()
    return texts(found)


def texts(lines: Lines) -> list[str]:
    found = lines.text.to_list()
    assert all(text.count("\n") == 1 and text.endswith("\n") for text in found)
    return [text.removesuffix("\n") for text in found]


def problems(*lines: str) -> list[str]:
    return [str(each) for each in unwrap(run_of(*lines)).problems]


def journal(**fields: object) -> str:
    """A line as ``journalctl -o json`` writes it; None takes a field away."""
    usual: dict[str, object] = {
        "__CURSOR": "s=1;i=2",
        "__REALTIME_TIMESTAMP": "1763971201123456",
        "__MONOTONIC_TIMESTAMP": "1",
        "_BOOT_ID": "0123",
        "PRIORITY": "6",
        "_HOSTNAME": "mx1",
        "SYSLOG_IDENTIFIER": "postfix/smtpd",
        "SYSLOG_PID": "12",
        "_PID": "12",
        "MESSAGE": "connect from a[192.0.2.1]",
    }
    usual.update(fields)
    return json.dumps({name: value for name, value in usual.items() if value is not None})


PLAIN = [
    LINE,
    "2025-11-24T08:00:01.123456+01:00 mx1 postfix/smtpd[1]: x",
    "",
    "{}",
    "<",
    "<34>",
    "<a@example.org> said {}",
    '{"createdDateTime":"2025-11-24T08:00:01Z","note":"x"}',
    '{"note":"\\"__REALTIME_TIMESTAMP\\":\\"1\\"","MESSAGE":"x"}',
    '{"note":{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}}',
    '{"__REALTIME_TIMESTAMP',
    '{"__REALTIME_TIMESTAMP":',
    "1 row of a table",
    "2025-11-24 08:00:01 1aBcDe-000000-01 <= a@example.org",
    "#Fields: date-time,client-ip",
]


def test_plain_lines_stay_as_they_are():
    """Other programs' JSON too; nothing is even copied where no line looks wrapped."""
    assert unwrapped(*PLAIN) == PLAIN
    lines = run_of(LINE, "{}", "message of the day")
    assert unwrap(lines) is lines
    empty = run_of()
    assert unwrap(empty) is empty


@pytest.mark.parametrize("line", PLAIN[:2])
def test_a_priority_before_the_stamp_is_taken_away(line):
    """As on the wire."""
    assert unwrapped(f"<22>{line}", line) == [line, line]


HEAD = "2025-11-24T08:00:01.123456+01:00 mx1"


@pytest.mark.parametrize(
    ("wrapped", "line"),
    [
        (f"<34>1 {HEAD} postfix/smtpd 12 - - x: y", f"{HEAD} postfix/smtpd[12]: x: y"),
        (f"1 {HEAD} postfix/smtpd 12 - - x", f"{HEAD} postfix/smtpd[12]: x"),
        (f"<34>1 {HEAD} postfix/smtpd 12 - -  x", f"{HEAD} postfix/smtpd[12]: x"),
        (f"<34>1 {HEAD} postfix/smtpd 12 ID47 - \ufeffx", f"{HEAD} postfix/smtpd[12]: x"),
        (f"<34>1 {HEAD} dovecot - - - x", f"{HEAD} dovecot: x"),
        (f"<34>1 {HEAD} dovecot pid-x - - x", f"{HEAD} dovecot: x"),
        (f"<34>1 {HEAD} - - - - x", f"{HEAD} -: x"),
        (f"<34>1 {HEAD.replace('mx1', '-')} a 1 - - x", f"{HEAD.replace('mx1', '-')} a[1]: x"),
        ("<34>1 2025-11-24T08:00:01Z mx1 a 1 - - x", "2025-11-24T08:00:01Z mx1 a[1]: x"),
        (f"<34>1 {HEAD} a 1 - -", f"{HEAD} a[1]: "),
        (f"<34>1 {HEAD} a 1 - [x@1] y", f"{HEAD} a[1]: y"),
        (f'<34>1 {HEAD} a 1 - [x@1 n="v" m="w"][z@2 o="p"] y', f"{HEAD} a[1]: y"),
        (f'<34>1 {HEAD} a 1 - [x@1 n="\\" [a\\] \\\\ - "] y', f"{HEAD} a[1]: y"),
        (f"<34>1 {HEAD} a 1 - - [x] y", f"{HEAD} a[1]: [x] y"),
    ],
)
def test_rfc_5424(wrapped, line):
    """With and without priority, byte order mark, rsyslog's additional space and structured data."""
    assert unwrapped(LINE, wrapped, LINE) == [LINE, line, LINE]


@pytest.mark.parametrize(
    "line",
    [
        f"<34>1 {HEAD} a[9]:b 1 - - x",
        f"<34>1 {HEAD} a 1 - [x n=v] y",
        f'<34>1 {HEAD} a 1 - [x n="v] y',
        f"<34>1 {HEAD.replace('mx1', 'm<x')} a 1 - - x",
        "<34>1 - mx1 a 1 - - x",
        "1 2025-11-24T08:00:01Z",
    ],
)
def test_what_only_begins_as_rfc_5424_stays_and_is_told_of(line):
    """No program is made of what looks like none."""
    found = unwrap(run_of(LINE, line, line))
    assert texts(found) == [LINE, line, line]
    assert [str(each) for each in found.problems] == [
        "mail.log:2: begins as a line of RFC 5424 and is none; left as it is (and 1 more)"
    ]


JOURNAL_HEAD = "2025-11-24T08:00:01.123456+00:00 mx1 postfix/smtpd"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, f"{JOURNAL_HEAD}[12]: connect from a[192.0.2.1]"),
        ({"_PID": None}, f"{JOURNAL_HEAD}[12]: connect from a[192.0.2.1]"),
        ({"_PID": None, "SYSLOG_PID": None}, f"{JOURNAL_HEAD}: connect from a[192.0.2.1]"),
        ({"MESSAGE": 'é "q" \\ \U0001f600'}, f'{JOURNAL_HEAD}[12]: é "q" \\ \U0001f600'),
        ({"MESSAGE": list("été\n".encode())}, f"{JOURNAL_HEAD}[12]: été"),
        ({"MESSAGE": [120, 255, 27, 10, 121]}, f"{JOURNAL_HEAD}[12]: x\ufffd\ufffd\ufffdy"),
        ({"MESSAGE": "[120, 121]"}, f"{JOURNAL_HEAD}[12]: [120, 121]"),
        ({"MESSAGE": '"MESSAGE":[120]'}, f'{JOURNAL_HEAD}[12]: "MESSAGE":[120]'),
        ({"MESSAGE": ""}, f"{JOURNAL_HEAD}[12]: "),
        ({"MESSAGE": "removed\n"}, f"{JOURNAL_HEAD}[12]: removed"),
        ({"MESSAGE": f"x\n{BY_VICTIM}"}, f"{JOURNAL_HEAD}[12]: x\ufffd{BY_VICTIM}"),
        (
            {"MESSAGE": "a\rb\tc\0d\x85e\u2028f\u2029g\x7f"},
            f"{JOURNAL_HEAD}[12]: a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffd",
        ),
        (
            {"MESSAGE": "message repeated 5 times: [ x]"},
            f"{JOURNAL_HEAD}[12]: message repeated 5 times: [ x]",
        ),
    ],
)
def test_the_journal(fields, line):
    """Text and bytes; no line break or control character of the message comes through."""
    assert unwrapped(LINE, journal(**fields), LINE) == [LINE, line, LINE]


@pytest.mark.parametrize(
    "fields",
    [
        {"SYSLOG_IDENTIFIER": None},
        {"SYSLOG_IDENTIFIER": "a b"},
        {"SYSLOG_IDENTIFIER": "postfix/smtpd[1]: x"},
        {"SYSLOG_IDENTIFIER": "a\nb"},
        {"SYSLOG_IDENTIFIER": ["a", "b"]},
        {"_HOSTNAME": "mx1 postfix/smtpd[1]:"},
        {"_HOSTNAME": None},
        {"MESSAGE": None},
        {"MESSAGE": ["x", "y"]},
        {"MESSAGE": [300]},
        {"__REALTIME_TIMESTAMP": "yesterday"},
        {"__REALTIME_TIMESTAMP": "9" * 25},
    ],
)
def test_a_record_of_the_journal_that_is_odd_is_told_of(fields):
    """And gives no line; the others do."""
    found = unwrap(run_of(journal(), journal(**fields), journal()))
    good = f"{JOURNAL_HEAD}[12]: connect from a[192.0.2.1]"
    assert texts(found) == [good, "", good]
    assert [str(each) for each in found.problems] == [
        "mail.log:2: is of the journal, but its time, host, program or message is none; passed over"
    ]


def test_what_journalctl_left_out_is_told_of():
    """It writes null for what is longer than 4 KiB, unless it is called with ``--all``."""
    assert problems(journal(MESSAGE="x" * 9).replace('"xxxxxxxxx"', "null")) == [
        "mail.log:1: is of the journal, but its time, host, program or message is none; passed over"
    ]


def test_json_that_breaks_off_stops_nothing():
    """A last line that was cut, say."""
    good = f"{JOURNAL_HEAD}[12]: connect from a[192.0.2.1]"
    cut = journal()[:-5]
    assert unwrapped(journal(), cut, journal(MESSAGE=[120])) == [good, cut, f"{JOURNAL_HEAD}[12]: x"]


@pytest.mark.parametrize("head", ["Nov 24 08:00:05 mx1 postfix/smtpd[1]: ", f"{HEAD} dovecot: "])
@pytest.mark.parametrize("said", ["x", "x [a] ]", "", "a: message repeated 9 times: [ y]"])
def test_a_repeated_message_counts_as_often_as_rsyslog_says(head, said):
    """Each with the number of its line."""
    found = unwrap(run_of(LINE, f"{head}message repeated 3 times: [ {said}]", LINE, first=10))
    assert texts(found) == [LINE, *[f"{head}{said}"] * 3, LINE]
    assert [found.number(row) for row in range(5)] == [10, 11, 11, 11, 12]
    assert found.problems == ()


def test_repeated_in_rfc_5424():
    """Both at once."""
    wrapped = f"<22>1 {HEAD} postfix/smtpd 12 - -  message repeated 2 times: [ x]"
    assert unwrapped(wrapped) == [f"{HEAD} postfix/smtpd[12]: x"] * 2


@pytest.mark.parametrize("by", ["", "syslogd: ", "syslogd[7]: "])
def test_the_last_message_repeated(by):
    """As sysklogd and the BSDs write it, more than once for one line too."""
    again = f"Nov 24 08:00:09 mx1 {by}last message repeated"
    found = unwrap(run_of(LINE, f"{again} 2 times", f"{again} 1 time", "x"))
    assert texts(found) == [*[LINE] * 4, "x"]
    assert [found.number(row) for row in range(5)] == [1, 2, 2, 3, 4]


@pytest.mark.parametrize("before", [[], [LINE.replace("mx1", "mx2")], ["x"], ["Nov 24 08:00:09 mx1"]])
def test_the_last_message_must_stand_before_and_be_of_the_same_host(before):
    """Else it is told of and counts nothing."""
    line = "Nov 24 08:00:09 mx1 last message repeated 2 times"
    found = unwrap(run_of(*before, line))
    assert texts(found) == [*before, line]
    assert [each.message for each in found.problems] == [
        "repeats a line that does not stand before it; not counted"
    ]


def test_no_line_counts_for_ever():
    """However many it says."""
    found = unwrap(run_of(BY_VICTIM.replace(LOGIN, "message repeated 999999999 times: [ x]")))
    assert len(found) == MOST
    assert [str(each) for each in found.problems] == [
        "mail.log:1: says that it stands for more than 1000 lines; counted 1000 times"
    ]


def test_many_lines_do_not_count_for_ever_together(monkeypatch):
    """A program that writes such lines again and again does not fill the memory."""
    monkeypatch.setattr(carriers, "MOST_TOGETHER", 5)
    found = unwrap(run_of(*["Nov 24 08:00:05 mx1 a[1]: message repeated 2 times: [ x]"] * 4))
    assert [found.number(row) for row in range(len(found))] == [1, 1, 2, 2, 3, 4]
    assert [str(each) for each in found.problems] == [
        "mail.log:3: repeats a line after more than a million repetitions nearby; counted once (and 1 more)"
    ]


def test_none_is_none():
    """Repeated no times."""
    assert unwrapped(LINE, "Nov 24 08:00:05 mx1 a[1]: message repeated 0 times: [ x]") == [LINE]


def test_a_text_that_rsyslog_cut_is_not_counted():
    """The account at its end may be another's: victim2 cut to victim."""
    for length in (CUT_AT - 1, CUT_AT):
        line = f"Nov 24 08:00:05 mx1 a[1]: message repeated 2 times: [ {'é' * (length // 2)}{'x' * (length % 2)}]"
        assert problems(line) == ["mail.log:1: repeats a text that syslog cut short; not counted again"]
    assert problems(f"Nov 24 08:00:05 mx1 a[1]: message repeated 2 times: [ {'x' * (CUT_AT - 2)}]") == []


def test_events_have_the_number_and_the_text_of_their_line():
    """What is kept as evidence is the line as it is read."""
    first = BY_VICTIM.replace(LOGIN, "warning: a[192.0.2.1]: SASL LOGIN authentication failed: x")
    again = first.replace("warning", "message repeated 2 times: [ warning") + "]"
    parsed = parse(unwrap(run_of(LINE, first, again, LINE, first, keep_text=True)))
    assert parsed.logins["line"].to_list() == [2, 3, 3, 5]
    assert parsed.logins["text"].to_list() == [f"{first}\n"] * 4


FORGED = {
    "journal": journal(MESSAGE=LOGIN),
    "rfc 5424": f"<34>1 {HEAD} postfix/smtpd 12 - - {LOGIN}",
    "rfc 5424 without priority": f"1 {HEAD} postfix/smtpd 12 - - {LOGIN}",
    "priority": f"<22>{BY_VICTIM}",
    "repeated": f"message repeated 5 times: [ {LOGIN}]",
    "whole line repeated": BY_VICTIM.replace(LOGIN, f"message repeated 5 times: [ {LOGIN}]"),
    "end of a repetition": f"]: message repeated 5 times: [ {LOGIN}]",
    "last": "Nov 24 08:00:01 mx1 last message repeated 5 times",
    "structured data": f'" ] {LOGIN}',
    "end of structured data": f'"] {LOGIN}',
    "end of a JSON string": f'","MESSAGE":"{LOGIN}","x":"',
    "line feed, journal": "\\n" + journal(MESSAGE=LOGIN),
    "carriage return": f"\r<22>{BY_VICTIM}\r",
    "other separators": f"\u2028<22>{BY_VICTIM}\u2029\x85\x0b\x0c\x1e",
}
TEMPLATES = {
    "helo": "NOQUEUE: reject: RCPT from a[192.0.2.9]: 554 5.7.1 <x@example.com>: no; from=<a@example.com> helo=<@@>",
    "command": "warning: non-SMTP command from unknown[192.0.2.9]: @@",
    "end of a command": "warning: Illegal address syntax from unknown[192.0.2.9] in MAIL command: @@",
    "connect": "connect from @@[192.0.2.9]",
    "failed login": "warning: a[192.0.2.9]: SASL LOGIN authentication failed: x, sasl_username=@@",
}


def carried(message: str) -> list[str]:
    """One message of Postfix in every carrier that a file can have."""
    return [
        f"Nov 24 08:00:01 mx1 postfix/smtpd[1]: {message}",
        f"<22>Nov 24 08:00:01 mx1 postfix/smtpd[1]: {message}",
        f"{HEAD} postfix/smtpd[1]: {message}",
        f"<22>1 {HEAD} postfix/smtpd 1 - - {message}",
        f"1 {HEAD} postfix/smtpd 1 - -  {message}",
        f'<22>1 {HEAD} postfix/smtpd 1 - [a@1 b="c"] {message}',
        f"Nov 24 08:00:01 mx1 postfix/smtpd[1]: message repeated 2 times: [ {message}]",
        journal(MESSAGE=message),
        journal(MESSAGE=list(message.encode())),
    ]


def senders(*lines: str) -> set[str | None]:
    """The accounts that hand something in or log in."""
    parsed = parse(unwrap(run_of(*lines)))
    events = with_open(join(parsed, "mail.log", SITE), nothing_open())[0].flat()
    sent = events.filter(events["kind"] != "login")["account"].to_list()
    return {*sent, *parsed.logins.filter(parsed.logins["success"])["account"].to_list()}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("payload", FORGED.values(), ids=FORGED)
def test_no_strangers_text_is_unwrapped(template, payload):
    """Whatever carries the line, text in the place of a HELO or a command stays text: one line, no sender."""
    message = template.replace("@@", payload)
    for line in carried(message):
        found = texts(unwrap(run_of(LINE, line, LINE)))
        assert (found[0], found[-1]) == (LINE, LINE)
        assert len(found) == (4 if "]: message repeated 2 times: [ " + message in line else 3)
        assert all("postfix/smtpd[1]: " in each or "postfix/smtpd[12]: " in each for each in found)
    assert senders(*carried(message)) == set()


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.sampled_from(list(FORGED.values())))
@example("\n", BY_VICTIM)
@example("]\n", FORGED["repeated"])
def test_no_random_text_makes_a_sender(text, payload):
    """In any carrier; a line feed in it is what syslog and the journal never write as such."""
    message = TEMPLATES["command"].replace("@@", text + payload)
    flat = message.replace("\n", "#012")
    assert senders(*carried(flat)[:-2], *carried(message)[-2:]) == set()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")), max_size=8))
@example([b"<34>1 2025-11-24T08:00:01Z mx1 a 1 - - \xff"])
@example([b'{"__REALTIME_TIMESTAMP":"1","_HOSTNAME":"a","SYSLOG_IDENTIFIER":"b","MESSAGE":"\\ud800"}'])
@example([b'{"__REALTIME_TIMESTAMP":1}', b'{"__REALTIME_TIMESTAMP":"1","MESSAGE":[[1]]}'])
def test_any_bytes_are_read_without_a_fault(lines):
    """And each line is still a line."""
    for lead in (
        b"",
        b"<1>1 2025-11-24T",
        b'{"__REALTIME_TIMESTAMP":',
        b"Nov 24 08:00:01 a b: message repeated ",
    ):
        texts(unwrap(run_of(*(lead + line for line in lines))))


def test_every_sieve_lets_repeated_lines_through():
    """Else what they stand for would be lost."""
    sieves = [each.sieve for each in formats().values() if each.sieve]
    assert sieves
    assert all(re.search(sieve, REPEATED_MARK) for sieve in sieves)


@pytest.mark.parametrize("line", [LINE, BY_VICTIM])
@pytest.mark.parametrize("repeat", ["message repeated 2 times: [ x]", "last message repeated 2 times"])
def test_looking_for_both_at_once_finds_the_same(line, repeat):
    """Lines that stand for several are found, and where there are none the format's are known already."""
    sieve = formats()["postfix"].sieve
    begin = "Nov 24 08:00:05 mx1 " + ("" if repeat.startswith("last") else "a[1]: ")
    run = run_of(line, begin + repeat)
    assert texts(unwrap(run, sieve)) == texts(unwrap(run))
    assert len(unwrap(run, sieve)) == 3
    alone = unwrap(run_of(line), sieve)
    assert alone.sieved is not None
    assert alone.sieved.to_list() == [line is BY_VICTIM]
