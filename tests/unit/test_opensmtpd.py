"""OpenSMTPD's lines: whatever strangers get written into them, nobody else's account looks guilty."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import joined, run_of

from responder.formats import formats
from responder.formats.opensmtpd import parse, recognises

AT = "Nov 24 08:00:01 mx1 smtpd[7]:"
OWN, OTHER = "00000000000000aa", "00000000000000bb"
LOGIN = f"{OTHER} smtp authentication user=victim result=ok"
SENT = 'rcpt=<-> source="192.0.2.1" relay="198.51.100.7 (mx.example.com)" delay=1s result="Ok" stat="250 2.0.0 ok"'

BEGIN = (
    f"{AT} {OWN} smtp connected address=203.0.113.5 host=host.example.net",
    f"{AT} {OWN} smtp authentication user=mallory result=ok",
    f"{AT} {OWN} smtp message msgid=3d4c4a42 size=319 nrcpt=3 proto=ESMTP",
    f"{AT} {OTHER} smtp connected address=203.0.113.6 host=<unknown>",
    f"{AT} 00000000000000cc mta delivery evpid=3d4c4a424797fe79 from=<m@example.org> to=<one@example.com> {SENT}",
)
"""What every log begins with: one login, one submission and one delivery of mallory's, and a stranger."""

PAYLOADS = {
    "login": LOGIN,
    "own login": f"{OWN} smtp authentication user=victim result=ok",
    "login of before": f"{OTHER} smtp event=authentication user=victim address=203.0.113.6 host=x result=ok",
    "fields": " user=victim result=ok",
    "result": "victim result=ok",
    "line": f"Nov 24 08:00:02 mx1 smtpd[7]: {LOGIN}",
    "iso line": f"2025-11-24T08:00:02+00:00 mx1 smtpd[7]: {LOGIN}",
    "line after a line feed, escaped": f"x#012Nov 24 08:00:02 mx1 smtpd[7]: {LOGIN}",
    "line after a carriage return": f"x\rNov 24 08:00:02 mx1 smtpd[7]: {LOGIN}\r",
    "line after U+2028": f"x\u2028Nov 24 08:00:02 mx1 smtpd[7]: {LOGIN}\u2029",
    "line after U+0085": f"x\u0085Nov 24 08:00:02 mx1 smtpd[7]: {LOGIN}",
    "line after NUL": f"x\0Nov 24 08:00:02 mx1 smtpd[7]: {LOGIN}",
    "program": f"x smtpd[7]: {LOGIN}",
    "end of a process id": f"7]: {LOGIN}",
    "message": f"{OTHER} smtp message msgid=3d4c4a43 size=1 nrcpt=1 proto=ESMTP",
    "id": " msgid=3d4c4a43 size=1",
    "delivery": f"{OTHER} mta delivery evpid=3d4c4a424797fe79 from=<a> to=<b> {SENT}",
    "end of a delivery": f"> to=<x@example.com> {SENT}",
    "result of a delivery": '" result="PermFail" stat="550 5.1.1 no',
    "expiry": "relay: Expire for 3d4c4a42bbbbbbbb: from=<>, to=<x>, rcpt=<->, delay=4d, stat=Envelope expired",
    "quotation mark": '"',
    "backslash": "\\",
    "brackets": "]: ]: [[]]<<>>",
    "terminal escapes": f"\x1b[2K\x1b[1A\x1b]0;x\x07{LOGIN}",
    "format letters": "%s%n%d%(account)s%%",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "wrong direction": f"\u202e{LOGIN[::-1]}\u202c",
    "nothing": "",
    "spaces": "   ",
    "twenty kilobytes": f", {LOGIN}" * 300,
}
HUNDRED_KILOBYTES = f"x, {LOGIN}, " * 1300

SILENT = {
    "name connecting": f"{AT} {OTHER} smtp connected address=203.0.113.5 host=@@",
    "command": f'{AT} {OTHER} smtp failed-command command="@@" result="500 5.5.1 Invalid command"',
    "reply to a command": f'{AT} {OTHER} smtp failed-command command="RCPT TO:<a>" result="550 @@"',
    "bad input": f'{AT} {OTHER} smtp bad-input result="@@"',
    "sender of an envelope": f"{AT} {OTHER} smtp envelope evpid=3d4c4a424797fe79 from=<@@> to=<a@example.com>",
    "recipient of an envelope": f"{AT} {OTHER} smtp envelope evpid=3d4c4a424797fe79 from=<> to=<@@>",
    "reason": f"{AT} {OTHER} smtp disconnected reason=@@",
    "certificate": f'{AT} {OTHER} smtp cert-check result="verified" fingerprint="@@"',
    "remote server's greeting": f'{AT} {OTHER} mta error reason="@@"',
    "remote server's name": f"{AT} {OTHER} mta connected address=198.51.100.7 host=@@",
    "filter": f"{AT} filter: @@",
    "name of a temporary failure": f"{AT} {OTHER} smtp authentication user=@@ result=tempfail",
    "line of another program": "Nov 24 08:00:01 mx1 sshd[14]: Failed password for invalid user @@ from 203.0.113.5",
    "like-named program": "Nov 24 08:00:01 mx1 postfix/smtpd[7]: @@",
    "program without process": "Nov 24 08:00:01 mx1 tinyproxy: GET @@",
}
"""Lines that give nobody anything, whatever they hold."""

HANDED_IN = {
    "protocol": f"{AT} {OWN} smtp message msgid=3d4c4a44 size=319 nrcpt=1 proto=@@",
    "sender, before 6.4": f"{AT} {OWN} smtp event=message address=203.0.113.5 host=a msgid=3d4c4a44 from=<@@> to=<a>",
}
"""Lines that are one more submission of mallory's."""

DELIVERED = {
    "reply": f"{AT} {OTHER} mta delivery evpid=3d4c4a42aaaaaaaa from=<m@example.org> to=<a@example.com> rcpt=<-> "
    'source="192.0.2.1" relay="198.51.100.7 (mx.example.com)" delay=1s result="PermFail" stat="550 @@"',
    "words of a delivery agent": f"{AT} {OTHER} mda delivery evpid=3d4c4a42aaaaaaaa from=<m@example.org> "
    "to=<bob@example.org> rcpt=<bob@example.org> user=bob delay=1s result=TempFail stat=Error (@@)",
    "sender": f"{AT} {OTHER} mta delivery evpid=3d4c4a42aaaaaaaa from=<@@> to=<a@example.com> {SENT}",
}
"""Lines that are one more delivery of mallory's message."""

text = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=40)
pieces = [payload for payload in PAYLOADS.values() if len(payload) < 1000]
pieces += ["user=victim", " result=ok", "victim", " smtp ", "authentication ", OWN, OTHER, " ", "> "]
imitations = st.lists(st.one_of(text, st.sampled_from(pieces)), max_size=6).map("".join)


def events_of(*lines: str) -> pl.DataFrame:
    return joined(parse(run_of(*lines)))


def judged(*lines: str) -> list[tuple[int, int, int]]:
    """Of each line, after mallory's message on a host of its own, what it adds: (in, deliveries, failures).

    Afterwards the stranger hands in a message. Mallory alone may have logged in or sent anything.
    """
    after = f"{AT} {OTHER} smtp message msgid=3d4c4a4f size=1 nrcpt=1 proto=ESMTP"
    log = [
        each.replace(" mx1 ", f" mx{n} ", 1) for n, line in enumerate(lines) for each in (*BEGIN, line, after)
    ]
    events = events_of(*log)
    good = events.filter((pl.col("kind") != "login") | pl.col("success"))
    assert set(good["account"]) == {"mallory"}
    found = []
    for n in range(len(lines)):
        here = events.filter(pl.col("host") == f"mx{n}")
        kinds = here["kind"].to_list()
        failures = here.filter(~pl.col("success").fill_null(True)).height
        assert kinds.count("login") == failures + 1
        found.append((kinds.count("submission") - 1, kinds.count("delivery") - 1, failures))
    return found


def counted(line: str) -> dict[str, tuple[int, int, int]]:
    return dict(zip(PAYLOADS, judged(*(line.replace("@@", each) for each in PAYLOADS.values())), strict=True))


@pytest.mark.parametrize("line", SILENT.values(), ids=SILENT)
def test_text_in_a_line_that_is_no_event_says_nothing(line):
    """Nobody has handed in, delivered or tried anything by it."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (0, 0, 0))


@pytest.mark.parametrize("line", HANDED_IN.values(), ids=HANDED_IN)
def test_text_in_a_submission_stays_one_of_whoever_logged_in(line):
    """What the client calls itself and its message changes nothing."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (1, 0, 0))


@pytest.mark.parametrize("line", DELIVERED.values(), ids=DELIVERED)
def test_text_in_a_delivery_stays_one_delivery(line):
    """Nor does what remote servers say."""
    assert counted(line) == dict.fromkeys(PAYLOADS, (0, 1, 0))


def test_the_name_of_a_failed_login_has_no_blanks_and_is_no_success():
    """OpenSMTPD writes blanks as \\040; a line with some is not its own and is passed over."""
    found = counted(f"{AT} {OTHER} smtp authentication user=@@ result=permfail")
    assert {more[:2] for more in found.values()} == {(0, 0)}
    rows = parse(run_of(f"{AT} {OTHER} smtp authentication user=victim result=permfail")).logins
    assert rows.select("account", "client_ip", "success").rows() == [("victim", None, False)]


def test_a_hundred_kilobytes_are_no_line_of_syslog_and_are_passed_over():
    """Such a line says nothing; those around it are read."""
    for lines in (SILENT, HANDED_IN, DELIVERED):
        found = judged(*(line.replace("@@", HUNDRED_KILOBYTES) for line in lines.values()))
        assert found == [(0, 0, 0)] * len(lines)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*HANDED_IN.values(), *DELIVERED.values()]), imitations)
def test_any_text_in_an_event_changes_nothing_of_whose_it_is(line, payload):
    """As above, with what nobody thought of."""
    assert sum(judged(line.replace("@@", payload))[0]) == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([line for name, line in SILENT.items() if "program" not in name]), imitations)
def test_any_text_in_a_line_that_is_no_event_says_nothing(line, payload):
    """As above, with what nobody thought of."""
    assert judged(line.replace("@@", payload)) == [(0, 0, 0)]


@settings(max_examples=200, deadline=None)
@given(imitations)
def test_any_line_at_all_stops_nothing(line):
    """Lines that no OpenSMTPD wrote are passed over, and those around them are read."""
    assert judged(f"Nov 24 08:00:01 mx1 x: {line}") == [(0, 0, 0)]
    parse(run_of(line, f"{AT} {line}", f"{AT} {OWN} smtp {line}", f"{AT} {OWN} mta delivery {line}"))


def test_lines_without_any_of_opensmtpd_s_are_read_to_empty_tables():
    """And impossible times are told of."""
    for run in (run_of(), run_of("x")):
        assert parse(run).starts.schema == parse(run_of(*BEGIN)).starts.schema
    problems = parse(run_of(BEGIN[1].replace("Nov 24", "Nov 31"))).problems
    assert [str(problem) for problem in problems] == [
        "mail.log:1: 'Nov 31 08:00:01' is no possible time; passed over"
    ]


def test_lines_are_kept_where_they_are_wanted():
    """As evidence."""
    parsed = parse(run_of(*BEGIN, keep_text=True))
    kept = [getattr(parsed, name)["text"].to_list() for name in ("logins", "starts", "deliveries")]
    assert kept == [[f"{BEGIN[n]}\n"] for n in (1, 2, 4)]


def test_it_knows_its_own_lines_only():
    """Not those of Postfix's daemon of that name."""
    assert all(recognises([line]) for line in BEGIN)
    assert not recognises(["Nov 24 08:00:01 mx1 postfix/smtpd[1]: connect from a[192.0.2.1]", "smtpd", ""])
    assert not formats()["postfix"].recognises(list(BEGIN))


@pytest.mark.shared
def test_no_real_line_of_another_server_is_one_of_its(shared):
    """The collections have none of OpenSMTPD's."""
    for file in sorted((shared / "corpora").glob("*.log")):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert not recognises(lines), file
        parsed = parse(run_of(*lines))
        assert not any(map(len, (parsed.starts, parsed.ends, parsed.deliveries, parsed.logins))), file
