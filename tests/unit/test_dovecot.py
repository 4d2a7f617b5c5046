"""Dovecot's lines: whatever strangers get written into them, nobody else's account looks guilty.

Strangers choose the name of a failed login (up to 80 bytes, without control characters, where the server's
``auth_username_chars`` is empty), the name of a mechanism, and what a client's certificate says. A proxy writes the
name before its fields too, and what the server behind it answered, which may repeat the name.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import SITE, run_of

from responder.events.lives import join, nothing_open, with_open
from responder.formats import formats
from responder.formats.dovecot import IN_DOUBT, LONGEST_NAME, MOST_ATTEMPTS, parse, recognises

AT = "Nov 24 08:00:01 mx1 dovecot:"
TAIL = "method=PLAIN, rip=203.0.113.5, lip=198.51.100.7, TLS, session=<RwrUPPM17gDAAAIF>"
FORGED = "method=PLAIN, rip=192.0.2.66, lip=192.0.2.1, mpid=1, TLS, session=<abc>"
SAID = f"Login: user=<victim>, {FORGED}"
PROXIED = f"started proxying to 192.0.2.1:143: user=<victim>, {FORGED}"
LINE = f"imap-login: {SAID}"

PAYLOADS = {
    "success": SAID,
    "success with level": f"Info: {SAID}",
    "success of 2.4": f"Logged in: user=<victim>, {FORGED}",
    "success of a proxy": f"proxy(victim): {PROXIED}",
    "name of a proxy closed, then a success": f"victim): {PROXIED}",
    "the same of 2.4": f"victim): S{PROXIED[1:]}",
    "the same without an address": "victim): started proxying to a: user=<victim>",
    "the same without brackets": f"victim): {PROXIED}".replace("<victim>", "victim"),
    "name of a proxy closed, then its end": "victim): started proxying to a",
    "login process": f"x-login: {SAID}",
    "line": f"Nov 24 08:00:02 mx1 dovecot: {LINE}",
    "line of the own file": f"Nov 24 08:00:02 {LINE}",
    "iso line": f"2025-11-24T08:00:02+00:00 mx1 dovecot[7]: {LINE}",
    "local line": f"2025-11-24T08:00:02 {LINE}",
    "line after a line feed, escaped by syslog": f"x#012Nov 24 08:00:02 mx1 dovecot: {LINE}",
    "line after a carriage return": f"x\rNov 24 08:00:02 mx1 dovecot: {LINE}\r",
    "line after U+2028": f"x\u2028Nov 24 08:00:02 mx1 dovecot: {LINE}\u2029",
    "line after U+0085": f"x\u0085Nov 24 08:00:02 mx1 dovecot: {LINE}",
    "line after NUL": f"x\0Nov 24 08:00:02 mx1 dovecot: {LINE}",
    "name closed": f"x>, {FORGED}",
    "name closed, then a success": f"x>: {SAID}",
    "name closed, then another": f"x>: user=<victim>, {FORGED}",
    "victim and fields": f"victim>, {FORGED}",
    "victim and fields without brackets": f"victim, {FORGED}",
    "victim and mechanism": "victim>, method=PLAIN",
    "victim and mechanism without brackets": "victim, method=PLAIN",
    "victim and address": "victim>, rip=192.0.2.66, lip=192.0.2.1",
    "victim and an address only": "victim>, rip=192.0.2.66,",
    "address": ", rip=192.0.2.66",
    "address and local": ", rip=192.0.2.66, lip=192.0.2.1, TLS",
    "failure": f"(auth failed, 9 attempts in 1 secs): user=<victim>, {FORGED}",
    "whole failure": f"Disconnected (auth failed, 9 attempts in 1 secs): user=<victim>, {FORGED}",
    "counted": "x (auth failed, 50 attempts in 1 secs)",
    "user": ": user=<victim>",
    "bracket": ">",
    "brackets": "<>><<><",
    "comma": ",",
    "quotation mark": '"',
    "backslash": "\\",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{SAID}",
    "format letters": "%s%n%d%{user}%u%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{SAID[::-1]}\u202c",
    "replacement character": f"\ufffd{SAID}",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f", {SAID}" * 200,
}

SILENT = {
    "mechanism, as 2.3 tells it": f"{AT} imap-login: Info: Authenticate @@ failed: Unsupported authentication "
    f"mechanism.: user=<>, {TAIL}",
    "mechanism of a session": f"{AT} imap-login: Disconnected (tried to use unsupported auth mechanism): user=<>, "
    "method=@@, rip=203.0.113.5, lip=198.51.100.7, TLS, session=<abc>",
    "name before the end of a session": f"{AT} imap-login: Disconnected (disconnected while authenticating, waited "
    f"1 secs): user=<@@>, {TAIL}",
    "name of a disabled user": f"{AT} imap-login: Disconnected (user disabled): user=<@@>, {TAIL}",
    "name in a proxy's failure": f"{AT} imap-login: proxy(@@): Login failed to 192.0.2.10:143: NO: user=<@@>, {TAIL}",
    "the same over a local socket": f"{AT} imap-login: proxy(@@): Login failed to 192.0.2.10:143: NO: user=<@@>, "
    "method=PLAIN, secured, session=<abc>",
    "the same without brackets": f"{AT} imap-login: proxy(@@): Login failed to 192.0.2.10:143: NO: user=@@, {TAIL}",
    "name in a proxy's failure of 2.4": f"{AT} imap-login: Info: proxy(@@,192.0.2.10:143): Login failed: NO: "
    f"user=<@@>, {TAIL}",
    "reply to a proxy": f"{AT} imap-login: proxy(ann): Login failed to 192.0.2.10:143: @@: user=<ann>, {TAIL}",
    "name in a proxy's error": f"{AT} imap-login: Error: proxy(@@): connect(192.0.2.10, 143) failed: x: user=<@@>, "
    f"{TAIL}",
    "end of a proxy's session": f"{AT} imap-login: proxy(ann): disconnecting 203.0.113.5 (@@): user=<ann>, {TAIL}",
    "name in an error": f"{AT} imap-login: Error: Timeout while finishing login (waited 30 secs): user=<@@>, {TAIL}",
    "certificate": f"{AT} imap-login: Disconnected (no auth attempts in 2 secs): user=<>, rip=203.0.113.5, "
    "lip=198.51.100.7, TLS handshaking: Received invalid SSL certificate: x: @@ (check ssl_ca), session=<abc>",
    "name in the auth process": f"{AT} auth: passwd-file(@@,203.0.113.5,<abc>): unknown user (given password: @@)",
    "name in a worker": f"{AT} auth-worker(1): conn unix:auth-worker (pid=9,uid=1): auth-worker<4>: "
    "sql(@@,203.0.113.5): Password mismatch (SHA1 of given password: @@)",
    "name in the auth process, own file": "Nov 24 08:00:01 auth(@@,203.0.113.5,sasl:login)<abc>: Info: sql: @@",
    "password": f"{AT} auth: sql(ann,203.0.113.5): Password mismatch (given password: @@)",
    "name of a session": f"{AT} imap(@@)<1><abc>: Disconnected: Logged out in=1 out=2",
    "name of a session, own file": "Nov 24 08:00:01 imap(@@)<1><abc>: Info: Disconnected: Logged out in=1 out=2",
    "message id": f"{AT} lmtp(ann)<1><abc>: msgid=<@@>: saved mail to INBOX",
    "message id without brackets": f"{AT} lmtp(ann)<1><abc>: msgid=@@: saved mail to INBOX",
    "mailbox": f"{AT} lmtp(ann)<1><abc>: sieve: msgid=<a@example.com>: stored mail into mailbox '@@'",
    "script's own log": f"{AT} lmtp(ann)<1><abc>: sieve: @@",
    "sender": f"{AT} submission(ann)<1><abc>: Successfully relayed message: from=<@@>, size=1, id=a, nrcpt=1, "
    "reply=`250 2.0.0 Ok: queued as 4A1B2C3D4E'",
    "reply": f"{AT} submission(ann)<1><abc>: Successfully relayed message: from=<a@example.org>, size=1, id=a, "
    "nrcpt=1, reply=`@@'",
    "line of another program": "Nov 24 08:00:01 mx1 sshd[14]: Failed password for invalid user @@ from 203.0.113.5",
    "helo of Postfix": "Nov 24 08:00:01 mx1 postfix/smtpd[14]: NOQUEUE: reject: RCPT from unknown[203.0.113.5]: 554 "
    "5.7.1 <x@example.com>: Relay access denied; from=<> to=<x@example.com> proto=ESMTP helo=<@@>",
    "program of the like": "Nov 24 08:00:01 mx1 not-dovecot: @@",
}
"""Lines that are no event at all, whatever they hold."""

FAILED = {
    "name": f"{AT} imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<@@>, {TAIL}",
    "name, 2.4": f"{AT} imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) "
    f"(auth_failed): user=<@@>, {TAIL}",
    "name, own file": f"Nov 24 08:00:01 pop3-login: Info: Aborted login (auth failed, 1 attempts in 2 secs): "
    f"user=<@@>, {TAIL}",
    "name without mechanism": f"{AT} imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<@@>, "
    "rip=203.0.113.5, lip=198.51.100.7, TLS: Connection closed, session=<abc>",
    "name without brackets": f"{AT} imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=@@, {TAIL}",
    "certificate": f"{AT} imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, method=PLAIN, "
    "rip=203.0.113.5, lip=198.51.100.7, TLS: Received invalid SSL certificate: x: @@ (check ssl_ca), session=<abc>",
    "mechanism": f"{AT} imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, method=@@, "
    "rip=203.0.113.5, lip=198.51.100.7, TLS, session=<abc>",
}
"""Lines that are one failure."""

OWN_NAME = f"{AT} imap-login: Login: user=<@@>, {TAIL}"
"""A success, of whose name the server is sure."""

PROXY_NAME = f"{AT} imap-login: proxy(@@): started proxying to 192.0.2.10:143: user=<@@>, {TAIL}"
"""The same of a proxy, which writes the name twice."""

text = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=40)
pieces = [payload for payload in PAYLOADS.values() if len(payload) < 1000]
pieces += [
    ", rip=",
    "192.0.2.66",
    ", lip=",
    ">, ",
    "user=<",
    "victim",
    ">",
    "<",
    ", ",
    "method=PLAIN",
    "-login: ",
    "proxy(",
    "): ",
    "started proxying to a",
    ": user=",
]
imitations = st.lists(st.one_of(text, st.sampled_from(pieces)), max_size=6).map("".join)


def logins(*lines: str) -> pl.DataFrame:
    parsed = parse(run_of(*lines))
    assert not any(map(len, (parsed.starts, parsed.ends, parsed.deliveries, parsed.links)))
    return parsed.logins


def filled(line: str) -> list[str]:
    return [line.replace("@@", payload) for payload in PAYLOADS.values()]


def judged(line: str) -> None:
    """A failure of nobody, or of whom the stranger named and no other; from where it came, or it is not known."""
    found = logins(line)
    assert found["success"].to_list() == [False]
    assert found["client_ip"].to_list() in ([None], ["203.0.113.5"])


@pytest.mark.parametrize("line", SILENT.values(), ids=SILENT)
def test_text_in_a_line_that_is_no_login_says_nothing(line):
    """Nobody has tried anything by it; nor is a password kept."""
    assert logins(*filled(line)).is_empty()


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_text_in_a_failure_stays_one_failure_from_the_same_address(line):
    """It is no success, no second attempt, and not from where the text says."""
    for each in filled(line):
        judged(each)


@pytest.mark.parametrize("line", FAILED.values(), ids=FAILED)
def test_nobody_else_is_the_victim_of_a_failure(line):
    """Whoever wants to look as if he guessed at the victim's password has to do it: he names it and nothing more."""
    assert "victim" not in logins(*filled(line))["account"].to_list()


def test_the_address_of_a_failure_is_read_behind_the_name_where_it_can_be():
    """So that nobody hides behind a name."""
    assert set(logins(*filled(FAILED["name"]))["client_ip"]) == {"203.0.113.5"}


@pytest.mark.parametrize("line", [OWN_NAME, OWN_NAME.replace("<@@>", "@@")], ids=["brackets", "comma"])
def test_a_name_of_a_successful_login_that_imitates_fields_is_told_of(line):
    """The server let somebody in, who is not the victim."""
    parsed = parse(run_of(*filled(line)))
    assert parsed.logins["success"].all()
    assert "victim" not in parsed.logins["account"].to_list()
    assert set(parsed.logins["client_ip"]) == {"203.0.113.5"}
    assert any(IN_DOUBT in str(problem) for problem in parsed.problems)


@pytest.mark.parametrize("attempts", [0, 1, 2, 100, 101, 999_999_999, 10**30])
def test_attempts_are_counted_up_to_a_bound(attempts):
    """A number that no session reaches fills no memory."""
    line = FAILED["name"].replace("@@", "ann").replace("1 attempts", f"{attempts} attempts")
    found = logins(line, OWN_NAME.replace("@@", "ann"))
    expected = 0 if attempts >= 10**9 else min(attempts, MOST_ATTEMPTS)
    assert found["line"].to_list() == [1] * expected + [2]
    assert set(found["account"]) == {"ann"}


def test_a_cut_name_is_nobody_s():
    """Dovecot writes no more than 80 bytes, three of them dots."""
    for size, account in ((LONGEST_NAME - 3, None), (LONGEST_NAME - 10, "u" * 70 + "...")):
        name = "u" * size + "..."
        assert logins(FAILED["name"].replace("@@", name))["account"].to_list() == [account]
        assert logins(OWN_NAME.replace("@@", name))["account"].to_list() == [account]


@pytest.mark.parametrize("line", [*FAILED.values(), *SILENT.values(), OWN_NAME])
def test_a_hundred_kilobytes_are_no_line_and_are_passed_over(line):
    """Such a line says nothing."""
    assert logins(line.replace("@@", f"x>, {SAID}, " * 1000)).is_empty()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(FAILED.values())), imitations)
@example(FAILED["name"], "victim>, rip=192.0.2.66, lip=192.0.2.1, session=<a>")
@example(FAILED["name"], "\x85, rip=\u2028")
def test_any_name_in_a_failure_stays_one_failure(line, payload):
    """As above, with what nobody thought of."""
    judged(line.replace("@@", payload))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(SILENT.values())), imitations)
def test_any_text_in_a_line_that_is_no_login_says_nothing(line, payload):
    """As above, with what nobody thought of."""
    assert logins(line.replace("@@", payload)).is_empty()


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_name_of_a_success_is_one_login_at_most_and_from_where_it_came(payload):
    """Either it is read, as it stands, or it is told of."""
    parsed = parse(run_of(OWN_NAME.replace("@@", payload)))
    for account, address, success in parsed.logins.select("account", "client_ip", "success").iter_rows():
        assert (address, success) == ("203.0.113.5", True)
        assert account is None or account == payload.replace("\0", "")
    assert len(parsed.logins) + sum(IN_DOUBT in str(problem) for problem in parsed.problems) == 1


@settings(max_examples=200, deadline=None)
@given(imitations)
@example("ann")
@example(PAYLOADS["name of a proxy closed, then a success"])
@example(PAYLOADS["the same without an address"])
def test_any_name_of_a_proxy_s_success_is_that_name_or_nobody_s(payload):
    """It stands there twice, of which the first says nothing."""
    found = logins(PROXY_NAME.replace("@@", payload))
    for account, address, success in found.select("account", "client_ip", "success").iter_rows():
        assert (account, address, success) in {
            (payload.replace("\0", ""), "203.0.113.5", True),
            (None, "203.0.113.5", True),
        }


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_line_at_all_stops_nothing(line):
    """Lines that no Dovecot wrote are passed over, and those around them are read."""
    after = OWN_NAME.replace("@@", "ann")
    heads = (
        "",
        AT,
        f"{AT} imap-login:",
        f"{AT} imap-login: Login: user=<",
        "Nov 24 08:00:01 imap-login: Info:",
    )
    found = parse(run_of(*(f"{head} {line}" for head in heads), after)).logins
    assert found.filter(pl.col("line") == len(heads) + 1)["account"].to_list() == ["ann"]


def test_bytes_that_are_no_text_stop_nothing():
    """As a name in another encoding is written."""
    line = FAILED["name"].replace("@@", "b\xf6b").encode("latin-1")
    assert parse(run_of(line)).logins["success"].to_list() == [False]


def test_a_cut_line_is_no_login_from_half_an_address():
    """A success is told of, a failure from nowhere."""
    whole = OWN_NAME.replace("@@", "ann")
    for end in range(whole.index("user=<") + 6, whole.index(", lip=")):
        parsed = parse(run_of(whole[:end]))
        assert parsed.logins.is_empty()
        assert len(parsed.problems) == 1
    failed = FAILED["name"].replace("@@", "ann")
    for end in range(failed.index("user=<") + 6, failed.index(", lip=")):
        assert logins(failed[:end]).select("account", "client_ip").rows() == [(None, None)]


def test_lines_without_any_of_dovecot_s_are_read_to_empty_tables():
    """With the same columns."""
    for run in (run_of(), run_of("x"), run_of(AT), run_of(f"{AT} imap-login: x")):
        assert parse(run).logins.schema == logins(OWN_NAME).schema
        assert parse(run).logins.is_empty()


def test_lines_are_kept_where_they_are_wanted():
    """As evidence, for each attempt."""
    line = FAILED["name"].replace("@@", "ann").replace("1 attempts", "2 attempts")
    assert parse(run_of(line, keep_text=True)).logins["text"].to_list() == [f"{line}\n"] * 2


@pytest.mark.parametrize(
    "line",
    [
        OWN_NAME,
        FAILED["name, own file"],
        SILENT["password"],
        SILENT["message id"],
        "2025-11-24T08:00:01+01:00 mx1 dovecot[9]: auth: x",
        "Nov 24 08:00:01 master: Info: Dovecot v2.3.19.1 (9b53102964) starting up for imap",
        "2025-11-24 08:00:01 imap-login: Info: Login: user=<ann>",
    ],
)
def test_it_knows_its_own_lines(line):
    """Whatever they say."""
    assert recognises(["x", line])


def test_it_knows_no_others():
    """Not those that only speak of it."""
    assert not recognises(
        [
            "",
            "dovecot: imap-login: Login: user=<ann>",
            "Nov 24 08:00:01 mx1 postfix/smtpd[1]: warning: dovecot: imap-login: x",
            "Nov 24 08:00:01 mx1 fail2ban[9]: [dovecot] Ban 203.0.113.5",
            "Nov 24 08:00:01 mx1 systemd[1]: Started dovecot: imap-login: x",
        ]
    )
    assert not formats()["postfix"].recognises([OWN_NAME, *SILENT["password"]])


NOT_READ = {
    ("dovecot.log", n): "the login process tells of the same attempt, which is counted once, there"
    for n in (1, 7, 8)
}
NO_ATTEMPT = ("dovecot.log", 6)
"""The peer keeps the address of a session that tried nothing."""


@pytest.mark.shared
def test_real_lines_say_what_other_tools_expect_of_them(shared):
    """Each by itself; the others of the collection are failures too, or nothing."""
    texts = (shared / "corpora/dovecot.log").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, (shared / "corpora/expected.jsonl").read_text(encoding="utf-8").splitlines())
    expected = {row["line"]: row["expected"] for row in rows if row["file"] == "dovecot.log"}
    assert expected
    for number, fields in expected.items():
        found = logins(texts[number - 1])
        if ("dovecot.log", number) in NOT_READ or ("dovecot.log", number) == NO_ATTEMPT:
            assert found.is_empty()
            continue
        row = {
            "host": fields["host"],
            "account": fields["sasl_username"],
            "client_ip": fields["client_ip"],
            "success": False,
        }
        assert found.select(*row).unique().rows(named=True) == [row]
    for text_ in texts:
        assert logins(text_).is_empty() == ("auth-worker" in text_ or "no auth attempts" in text_)


@pytest.mark.shared
def test_every_login_of_a_real_maillog_is_read(shared):
    """Among the lines of other programs."""
    texts = (shared / "corpora/mixed-maillog.log").read_text(encoding="utf-8").splitlines()
    wanted = [n for n, line in enumerate(texts, 1) if "-login: Login: user=" in line]
    assert wanted
    assert logins(*texts)["line"].to_list() == wanted


@pytest.mark.shared
def test_a_real_server_s_own_file_is_read(shared):
    """Dovecot 2.3.19.1, with local ISO stamps."""
    texts = (shared / "logs/dovecot.log").read_text(encoding="utf-8").splitlines()
    assert recognises(texts)
    found = parse(run_of(*texts, zone="Europe/Zurich"))
    assert not found.problems
    failed = [n for n, line in enumerate(texts, 1) if "(auth failed, 1 attempts" in line]
    good = [n for n, line in enumerate(texts, 1) if " Login: user=" in line]
    assert found.logins["line"].to_list() == sorted(failed + good)
    assert found.logins.filter("success")["line"].to_list() == good
    assert set(found.logins["host"]) == {""}
    first = datetime.fromisoformat(texts[good[0] - 1][:19]).replace(tzinfo=ZoneInfo("Europe/Zurich"))
    assert found.logins["time"].to_list()[0] == first.astimezone(UTC).replace(tzinfo=None)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "events"),
    [
        (20, [("info@example.com", "192.0.2.4", False)] * 3),
        (22, []),
        (24, [("user6@example.com", "192.0.2.7", False)]),
        (26, [("user.one@example.org", "::1", True), ("user2@example.com", "10.0.3.7", True)]),
    ],
)
def test_failures_of_other_tools_are_none_of_ours(shared, case, events):
    """And no password is in what is kept."""
    file = next((shared / "cases").glob(f"{case}-*.md"))
    lines = file.read_text(encoding="utf-8").split("```")[1].strip("\n").split("\n")
    parsed = parse(run_of(*lines, keep_text=True))
    assert parsed.logins.select("account", "client_ip", "success").rows() == events
    assert not parsed.problems
    kept = with_open(join(parsed, "mail.log", SITE), nothing_open())[0].flat()
    assert "given password" not in "".join(str(kept.rows() + parsed.logins.rows()))
