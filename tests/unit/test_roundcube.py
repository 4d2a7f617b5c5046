"""Roundcube's logins: whatever strangers get written into them, nobody else's account looks guilty."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import run_of

from responder.formats import formats
from responder.formats.roundcube import parse, recognises

AT = "[24-Nov-2025 08:00:01 +0000]:"
SYSLOG = "Nov 24 08:00:01 web1 roundcube:"
SESSION = "in session 0a1b2c3d4e5f6a7b"
KEY = "<0a1b2c3d>"
VICTIM = "Successful login for victim (ID: 1) from 198.51.100.1"
GOOD = f"{AT} {KEY} Successful login for mallory (ID: 12) from 203.0.113.5 {SESSION}"

PAYLOADS = {
    "login": f"{VICTIM} {SESSION}",
    "login with key": f"{KEY} {VICTIM} {SESSION}",
    "fields": f"victim (ID: 1) from 198.51.100.1 {SESSION}",
    "end of a failure": f"victim from 198.51.100.1 {SESSION} (error: 0)",
    "end and beginning": f"x from 198.51.100.1 {SESSION} (error: 0){AT} {KEY} {VICTIM} {SESSION}",
    "proxy": "victim from 198.51.100.1(X-Forwarded-For: ",
    "proxy, closed": f"victim from 198.51.100.1(X-Forwarded-For: a) {SESSION} (error: 0)",
    "brackets closed": f") {SESSION}",
    "line": f"{AT} {KEY} {VICTIM} {SESSION}",
    "syslog line": f"{SYSLOG} {KEY} {VICTIM} {SESSION}",
    "line after a line feed, escaped": f"x#012{AT} {KEY} {VICTIM} {SESSION}",
    "line after a line feed, as Roundcube leaves it": f"x\n{AT}  {VICTIM} {SESSION}",
    "line after a line feed, without key": f"x\n{AT} {VICTIM} {SESSION}\n",
    "line of another session": f"x\n{AT} < 0a1b2c3d> {VICTIM} {SESSION}\n",
    "line after a carriage return": f"x\r{AT} {KEY} {VICTIM} {SESSION}\r",
    "line after U+2028": f"x\u2028{AT} {KEY} {VICTIM} {SESSION}\u2029",
    "line after U+0085": f"x\u0085{AT} {KEY} {VICTIM} {SESSION}",
    "line after NUL": f"x\0{AT} {KEY} {VICTIM} {SESSION}",
    "quotation mark": '"',
    "backslash": "\\",
    "parentheses": "((()))",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{VICTIM}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{VICTIM[::-1]}\u202c",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f", {VICTIM}" * 300,
}

FAILED = {
    "name": f"{AT} {KEY} Failed login for @@ from 203.0.113.5 {SESSION} (error: 0)",
    "name, through syslog": f"{SYSLOG} {KEY} Failed login for @@ from 203.0.113.5 {SESSION} (error: 0)",
    "proxy": f"{AT} {KEY} Failed login for x from 203.0.113.5(X-Forwarded-For: @@) {SESSION} (error: 0)",
    "name and proxy": f"{AT} {KEY} Failed login for @@ from 203.0.113.5(X-Real-IP: @@,X-Forwarded-For: @@) "
    f"{SESSION} (error: 0)",
}
SUCCEEDED = {
    "proxy": f"{AT} {KEY} Successful login for mallory (ID: 12) from 203.0.113.5(X-Forwarded-For: @@) {SESSION}",
    "real address": f"{AT} {KEY} Successful login for mallory (ID: 12) from 203.0.113.5(X-Real-IP: @@) {SESSION}",
}
SILENT = {
    "error": f"{AT} {KEY} IMAP Error: Login failed for @@ from 203.0.113.5. AUTHENTICATE PLAIN: no in a.php",
    "message": f"{AT} {KEY} User mallory [203.0.113.5]; Message <@@> for @@; 250 @@",
    "other file": f"{AT} @@",
    "other program": "Nov 24 08:00:01 web1 php: @@",
}

text = st.text(st.characters(exclude_characters="\n<", exclude_categories=("Cs",)), max_size=40)
pieces = [payload for payload in PAYLOADS.values() if len(payload) < 1000 and "<0" not in payload]
pieces += ["victim", " from ", "198.51.100.1", f" {SESSION}", " (error: 0)", "(X-Real-IP: ", ")", f"\n{AT} "]
imitations = st.lists(st.one_of(text, st.sampled_from(pieces)), max_size=6).map("".join)


def logins(*lines: str) -> list[tuple[str | None, str | None, bool]]:
    return parse(run_of(*lines)).logins.select("account", "client_ip", "success").rows()


def put(line: str, payload: str) -> str:
    return line.replace("@@", payload)


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_a_failed_login_is_never_a_success(line):
    """And its address is the client's own, or not known."""
    for name, payload in PAYLOADS.items():
        found = logins(put(line, payload), GOOD)
        assert found[-1] == ("mallory", "203.0.113.5", True), name
        assert not any(success for _, _, success in found[:-1]), name
        assert {address for _, address, _ in found[:-1]} <= {None, "203.0.113.5"}, name
        if "\n" not in payload:
            assert len(found) == 2, name


def test_a_failed_login_is_told_of_the_victim():
    """Where it is plain who that was."""
    assert logins(put(FAILED["name"], "victim")) == [("victim", "203.0.113.5", False)]
    assert logins(put(FAILED["name"], PAYLOADS["end of a failure"])) == [(None, None, False)]


@pytest.mark.parametrize("line", SUCCEEDED.values(), ids=SUCCEEDED)
def test_a_login_is_of_whoever_logged_in_from_where_the_web_server_saw_it(line):
    """Whatever its headers say; no header has a line feed."""
    for name, payload in PAYLOADS.items():
        assert logins(put(line, payload.replace("\n", ""))) == [("mallory", "203.0.113.5", True)], name


@pytest.mark.parametrize("line", SILENT.values(), ids=SILENT)
def test_text_elsewhere_says_nothing_of_the_victim(line):
    """Not by a whole line without its session's mark, and not in the middle of another."""
    payloads = {name: each for name, each in PAYLOADS.items() if not each.startswith(KEY) or line[0] != "["}
    for name, payload in payloads.items():
        assert logins(put(line, payload.replace("\n", "")), GOOD) == [("mallory", "203.0.113.5", True)], name


def test_a_login_without_its_session_s_mark_is_told_of():
    """Roundcube before 1.2 wrote none."""
    parsed = parse(run_of(GOOD.replace(KEY + " ", "")))
    assert parsed.logins.is_empty()
    assert "log_session_id" in str(parsed.problems[0])


def test_a_hundred_kilobytes_are_passed_over():
    """Such a line says nothing; those around it are read."""
    for line in (*FAILED.values(), *SUCCEEDED.values(), *SILENT.values()):
        assert logins(put(line, f"{VICTIM} " * 2000), GOOD) == [("mallory", "203.0.113.5", True)]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(FAILED.values())), imitations)
def test_any_name_that_is_tried_logs_nobody_in(line, payload):
    """As above, with what nobody thought of; Roundcube takes out anything in angle brackets."""
    for account, address, success in logins(put(line, payload), GOOD):
        assert not success or (account, address) == ("mallory", "203.0.113.5")
        assert address in (None, "203.0.113.5")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(SUCCEEDED.values())), imitations)
def test_any_header_leaves_a_login_as_it_was(line, payload):
    """As above, with what nobody thought of."""
    assert logins(put(line, payload.replace("\n", ""))) == [("mallory", "203.0.113.5", True)]


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_line_at_all_stops_nothing(line):
    """Other lines are passed over, and those around them are read."""
    found = logins(line, f"{AT} {line}", f"{SYSLOG} {line}", f"{AT} {KEY} {line}", GOOD)
    assert found[-1] == ("mallory", "203.0.113.5", True)


def test_lines_without_any_of_roundcube_s_are_read_to_empty_tables():
    """And impossible times are told of; lines are kept where they are wanted."""
    for run in (run_of(), run_of("x")):
        assert parse(run).logins.schema == parse(run_of(GOOD)).logins.schema
    problems = parse(run_of(GOOD.replace("24-Nov", "31-Nov"))).problems
    assert [str(problem) for problem in problems] == [
        "mail.log:1: '31-Nov-2025 08:00:01 +0000' is no possible time; passed over"
    ]
    assert parse(run_of(GOOD, keep_text=True)).logins["text"].to_list() == [f"{GOOD}\n"]


def test_it_knows_its_own_lines_only():
    """Not those of other servers."""
    for line in (GOOD, put(FAILED["name"], "a"), put(FAILED["name, through syslog"], "a")):
        assert recognises([line])
        assert not any(each.recognises([line]) for name, each in formats().items() if name != "roundcube")
    assert not recognises(["Nov 24 08:00:01 mx1 dovecot: imap-login: Login: user=<a>", ""])


@pytest.mark.shared
def test_no_real_line_of_another_server_is_one_of_its(shared):
    """The collections have none of Roundcube's."""
    for file in sorted((shared / "corpora").glob("*.log")):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert not recognises(lines), file
        assert parse(run_of(*lines)).logins.is_empty(), file
