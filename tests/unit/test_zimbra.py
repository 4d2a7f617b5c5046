"""Zimbra's logins: whatever strangers get written into them, nobody else's account looks guilty."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import run_of

from responder.formats import formats
from responder.formats.zimbra import parse, recognises

AT = "2025-11-24 08:00:01,435"
VICTIM = "security - cmd=Auth; account=victim; protocol=soap;"
THREAD = "[qtp1-7:https://mail.example.org/service/soap/AuthRequest]"
GOOD = f"{AT} INFO  {THREAD} [name=mallory;oip=203.0.113.5;] security - cmd=Auth; account=mallory; protocol=soap;"
TRIED = f"{AT} INFO  {THREAD} [oip=203.0.113.5;] SoapEngine - handler exception: authentication failed for [a], no"

PAYLOADS = {
    "login": VICTIM,
    "login after the context": f";] {VICTIM}",
    "login after another context": f"x;] [oip=198.51.100.1;] {VICTIM}",
    "address": ";oip=198.51.100.1;",
    "address, thrice": ";;;oip=198.51.100.1;;;ip=198.51.100.1;",
    "account": "a; account=victim; protocol=soap;",
    "protocol": "victim; protocol=soap;",
    "odd semicolon": ";",
    "semicolons": ";;;",
    "failure": "SoapEngine - handler exception: authentication failed for [victim], invalid password",
    "failure after the context": "] SoapEngine - handler exception: authentication failed for [victim], no",
    "end of a failure": "victim], invalid password",
    "line": f"{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}",
    "line after a line feed, escaped": f"x#012{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}",
    "line after a carriage return": f"x\r{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}\r",
    "line after U+2028": f"x\u2028{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}\u2029",
    "line after U+0085": f"x\u0085{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}",
    "line after NUL": f"x\0{AT} INFO  [Pop3Server-1] [ip=198.51.100.1;] {VICTIM}",
    "quotation mark": '"',
    "backslash": "\\",
    "brackets": "]] [[ ] [ [] []",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{VICTIM}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{VICTIM[::-1]}\u202c",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f", {VICTIM}" * 300,
}

CONTEXTS = {
    "user agent": f"{AT} INFO  {THREAD} [name=mallory;oip=203.0.113.5;port=1;ua=@@;soapId=1;] security - "
    "cmd=Auth; account=mallory; protocol=soap;",
    "user agent first": f"{AT} INFO  {THREAD} [ua=@@;oip=203.0.113.5;] security - "
    "cmd=Auth; account=mallory; protocol=soap;",
    "name": f"{AT} INFO  {THREAD} [name=@@;aname=@@;oip=203.0.113.5;] security - "
    "cmd=Auth; account=mallory; protocol=soap;",
    "forwarded for": f"{AT} INFO  {THREAD} [name=mallory;oip=@@, 203.0.113.5;] security - "
    "cmd=Auth; account=mallory; protocol=soap;",
}
FAILED = {
    "name": f"{AT} WARN  {THREAD} [name=@@;oip=203.0.113.5;] security - cmd=Auth; account=@@; protocol=soap; "
    "error=authentication failed for [@@], invalid password;",
    "user agent": f"{AT} WARN  {THREAD} [oip=203.0.113.5;ua=@@;] security - cmd=Auth; account=a; protocol=imap; "
    "error=authentication failed for [a], invalid password;",
}
RAW = {
    "name": f"{AT} INFO  {THREAD} [oip=203.0.113.5;] SoapEngine - handler exception: authentication failed for "
    "[@@], account not found",
    "other exception": f"{AT} INFO  {THREAD} [oip=203.0.113.5;] SoapEngine - handler exception: @@",
    "another logger": f"{AT} INFO  {THREAD} [oip=203.0.113.5;] soap - @@",
}
"""What mailbox.log has as it came."""

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
pieces = [payload for payload in PAYLOADS.values() if len(payload) < 1000]
pieces += [
    "victim",
    "; ",
    ";",
    "oip=",
    "198.51.100.1",
    "] ",
    "[",
    "cmd=Auth",
    "account=",
    " error=",
    "\n",
    f"\n{AT} INFO  ",
]
imitations = st.lists(st.one_of(text, st.sampled_from(pieces)), max_size=6).map("".join)


def logins(*lines: str) -> list[tuple[str | None, str | None, bool]]:
    return parse(run_of(*lines)).logins.select("account", "client_ip", "success").rows()


def put(line: str, payload: str) -> str:
    """As Zimbra encodes a value: a semicolon doubled, line feeds made blanks."""
    return line.replace("@@", payload.replace(";", ";;").replace("\r", " ").replace("\n", " "))


@pytest.mark.parametrize("line", CONTEXTS.values(), ids=CONTEXTS)
def test_what_a_client_says_of_itself_changes_nothing_of_a_login(line):
    """Neither whose it is nor where it came from."""
    for name, payload in PAYLOADS.items():
        assert logins(put(line, payload)) == [("mallory", "203.0.113.5", True)], name


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_a_failed_login_is_nothing_but_a_failed_login(line):
    """Whatever name was tried."""
    for name, payload in PAYLOADS.items():
        found = logins(put(line, payload), GOOD)
        assert [each[1:] for each in found] == [("203.0.113.5", False), ("203.0.113.5", True)], name


def test_a_failed_login_is_told_of_the_victim():
    """With its semicolons as they were."""
    assert logins(put(FAILED["name"], "victim"), put(FAILED["name"], "a;b")) == [
        ("victim", "203.0.113.5", False),
        ("a;b", "203.0.113.5", False),
    ]


@pytest.mark.parametrize("line", RAW.values(), ids=RAW)
def test_nothing_in_mailbox_log_logs_anybody_in(line):
    """Names stand there as they came, with line feeds."""
    for name, payload in PAYLOADS.items():
        for told in (payload, f"x\n{payload}", f"x\n{payload}\n", f"{payload}\n{payload}\n"):
            assert not any(success for *_, success in logins(line.replace("@@", told))), name


def test_a_login_among_lines_of_mailbox_log_is_told_of():
    """The operator is to give audit.log by itself."""
    parsed = parse(run_of(TRIED, GOOD))
    assert parsed.logins.select("account", "success").rows() == [("a", False)]
    assert [problem.line for problem in parsed.problems] == [2]


def test_a_hundred_kilobytes_are_passed_over():
    """Such a line says nothing; those around it are read."""
    for line in (*CONTEXTS.values(), *FAILED.values()):
        assert logins(put(line, f"{VICTIM} " * 2000), GOOD) == [("mallory", "203.0.113.5", True)]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(CONTEXTS.values())), imitations)
def test_any_context_leaves_a_login_as_it_was(line, payload):
    """As above, with what nobody thought of."""
    assert logins(put(line, payload)) == [("mallory", "203.0.113.5", True)]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(FAILED.values())), imitations)
def test_any_name_that_is_tried_logs_nobody_in(line, payload):
    """As above, with what nobody thought of."""
    assert [success for *_, success in logins(put(line, payload), GOOD)] == [False, True]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(RAW.values())), imitations)
def test_any_line_at_all_in_mailbox_log_logs_nobody_in(line, payload):
    """As above, with what nobody thought of."""
    assert not any(success for *_, success in logins(line.replace("@@", payload), payload))


def test_other_lines_of_audit_log_leave_its_logins_alone():
    """Whatever thread they are of."""
    other = f"{AT} INFO  [Timer of 1 task] [] security - cmd=ModifyAccount; name=a; description=x;; y;"
    assert logins(GOOD, other, other.replace(" of 1", "")) == [("mallory", "203.0.113.5", True)]


def test_an_address_that_is_none_is_not_known():
    """And one of an internet protocol of the sixth version is written small."""
    assert logins(GOOD.replace("203.0.113.5", "unknown")) == [("mallory", None, True)]
    assert logins(GOOD.replace("203.0.113.5", "2001:DB8::5%1")) == [("mallory", "2001:db8::5", True)]


def test_lines_without_any_of_zimbra_s_are_read_to_empty_tables():
    """Lines are kept where they are wanted."""
    for run in (run_of(), run_of("x"), run_of(f"{AT} x")):
        assert parse(run).logins.schema == parse(run_of(GOOD)).logins.schema
    assert parse(run_of(GOOD, keep_text=True)).logins["text"].to_list() == [f"{GOOD}\n"]


def test_it_knows_its_own_lines_only():
    """Not those of other servers."""
    for line in (GOOD, TRIED):
        assert recognises([line])
        assert not any(each.recognises([line]) for name, each in formats().items() if name != "zimbra")
    assert not recognises(["2025-11-24 08:00:01,435 INFO x", ""])


FIRST, LAST = 33, 39
"""The lines of Zimbra in the collection of other servers' lines."""


@pytest.mark.shared
def test_the_corpus_is_read_as_it_says(shared):
    """Failures of mailbox.log, each with its name and address."""
    lines = (shared / "corpora/other.log").read_text(encoding="utf-8").splitlines()
    parsed = parse(run_of(*lines))
    rows = {row[0]: row[1:] for row in parsed.logins.select("line", "account", "client_ip", "success").rows()}
    assert set(rows) == set(range(FIRST, LAST + 1))
    names = [line.split("failed for [")[1].split("]")[0] for line in lines[FIRST - 1 :]]
    assert [row[0] for row in rows.values()] == names
    assert {row[1] for row in rows.values()} == {"192.168.7.15", "192.168.7.101"}
    assert not any(row[2] for row in rows.values())
    for row in map(json.loads, (shared / "corpora/expected.jsonl").read_text(encoding="utf-8").splitlines()):
        if row["file"] == "other.log" and row["expected"].get("program") == "zimbra":
            stated = row["expected"]
            assert rows[row["line"]][:2] == (stated["sasl_username"], stated["client_ip"])


@pytest.mark.shared
def test_the_scenario_is_seven_failures(shared):
    """Of six names, from one address; nothing of another server's lines is one of Zimbra's."""
    lines = (shared / "corpora/scenarios/zimbra-bf.log").read_text(encoding="utf-8").splitlines()
    found = logins(*lines)
    assert (len(found), len({name for name, *_ in found})) == (7, 6)
    assert {(address, success) for _, address, success in found} == {("192.168.7.15", False)}
    for file in sorted((shared / "corpora").glob("*.log")):
        if file.name != "other.log":
            others = file.read_text(encoding="utf-8").splitlines()
            assert not recognises(others), file
            assert not logins(*others), file
