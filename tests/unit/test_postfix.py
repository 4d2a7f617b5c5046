"""Postfix's lines: what each daemon says, in which forms, and what is told of instead of guessed."""

from __future__ import annotations

import polars as pl
import pytest
from reading import events_of, read, utc

from responder.formats import format_named, formats
from responder.formats.postfix import recognises

AT = "Nov 24 08:00:01 mx1 postfix"
ID = "4A1B2C3D4E"
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"
START = (
    f"{AT}/submission/smtpd[11]: {ID}: client=unknown[203.0.113.5], sasl_method=PLAIN, sasl_username=alice"
)
SENT = f"{AT}/smtp[12]: {ID}: to=<a@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)"


def delivered(line: str) -> dict[str, object]:
    """The one delivery that a line tells of."""
    (row,) = events_of(line).filter(pl.col("kind") == "delivery").rows(named=True)
    return row


def started(line: str) -> tuple[object, ...]:
    """Queue id, account and client of the one submission that a line tells of."""
    (row,) = read(line).starts.select("queue_id", "account", "client_ip").rows()
    return row


def nothing(line: str) -> bool:
    parsed = read(line)
    return not any(len(frame) for frame in (parsed.starts, parsed.ends, parsed.deliveries, parsed.logins))


def test_the_life_of_a_message():
    """Handed in, delivered, removed: each with its place, host and time."""
    parsed = read(
        "Nov 24 08:00:00 mx1 postfix/master[1]: daemon started", START, SENT, f"{AT}/qmgr[13]: {ID}: removed"
    )
    time = utc(2025, 11, 24, 8, 0, 1)
    assert parsed.starts.rows() == [(2, time, "mx1", ID, "alice", "203.0.113.5")]
    assert parsed.deliveries.select(
        "line", "time", "host", "queue_id", "recipient", "outcome", "dsn"
    ).rows() == [(3, time, "mx1", ID, "a@example.com", "sent", "2.0.0")]
    assert parsed.ends.rows() == [(4, "mx1", ID)]
    assert parsed.problems == ()


def test_lines_without_any_of_postfix_s_are_read_to_empty_tables():
    """Of the same columns, so that they can be joined with others."""
    some, none = read(START, SENT), read("Nov 24 08:00:00 mx1 cron[1]: (root) CMD (true)")
    for name in ("starts", "ends", "deliveries", "logins"):
        assert getattr(none, name).schema == getattr(some, name).schema
        assert getattr(read(), name).schema == getattr(some, name).schema


def test_lines_are_kept_where_they_are_wanted():
    """As evidence, with what they gave."""
    parsed = read(START, SENT, keep_text=True)
    assert parsed.starts["text"].to_list() == [f"{START}\n"]
    assert parsed.deliveries["text"].to_list() == [f"{SENT}\n"]
    assert "text" not in read(START).starts.columns


@pytest.mark.parametrize(
    "agent", ["smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard", "relay"]
)
def test_every_delivery_agent_tells_of_deliveries(agent):
    """All log in one form."""
    line = SENT.replace("/smtp[", f"/{agent}[")
    assert delivered(line)["outcome"] == "sent"


@pytest.mark.parametrize("daemon", ["qmgr", "bounce", "cleanup", "smtpd", "postlog", "smtps", "policyd"])
def test_no_other_daemon_tells_of_deliveries(daemon):
    """A line of that form from elsewhere is none."""
    assert nothing(SENT.replace("/smtp[", f"/{daemon}["))


@pytest.mark.parametrize("daemon", ["smtp", "qmgr", "cleanup", "postscreen", "pickup"])
def test_only_the_smtp_server_tells_of_submissions(daemon):
    """A line of that form from elsewhere is none."""
    assert nothing(START.replace("/submission/smtpd[", f"/{daemon}["))


@pytest.mark.parametrize(
    "program",
    [
        "postfix/smtpd",
        "postfix/submission/smtpd",
        "postfix-out/smtpd",
        "postfix/a/b-c.d/smtpd",
        "postfix-2/x/smtpd",
    ],
)
def test_any_instance_and_service_may_speak(program):
    """master.cf and multi_instance_name choose these names."""
    assert started(START.replace("postfix/submission/smtpd", program)) == (ID, "alice", "203.0.113.5")


@pytest.mark.parametrize(
    "program",
    ["exim/smtpd", "xpostfix/smtpd", "smtpd", "postfix", "postfix/", "postfix/smtpd/", "post fix/smtpd"],
)
def test_no_other_program_may_speak(program):
    """The name before the process id decides, as syslog writes it."""
    assert nothing(START.replace("postfix/submission/smtpd", program))


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("mail.example.net[192.0.2.1]", "192.0.2.1"),
        ("unknown[2001:db8::1]", "2001:db8::1"),
        ("localhost[127.0.0.1]:55729", "127.0.0.1"),
        ("a-b_c.example[192.0.2.1]", "192.0.2.1"),
        ("localhost[127.0.0.1], orig_queue_id=4CDC6F5E2B, orig_client=unknown[192.0.2.1]", "127.0.0.1"),
    ],
)
def test_clients_of_every_form(client, address):
    """With a port, of IPv6, forwarded by a filter."""
    assert started(START.replace("unknown[203.0.113.5]", client)) == (ID, "alice", address)


@pytest.mark.parametrize(
    "name", ["alice", "alice@example.org", "ALICE", "a.b-c_d+x", "EXAMPLE\\alice", "jos\u00e9", "a b"]
)
def test_login_names_of_every_form(name):
    """As the log has them; canonical names are made later."""
    assert started(START.replace("alice", name)) == (ID, name, "203.0.113.5")


def test_the_sender_that_a_client_claims_is_no_part_of_the_login():
    """AUTH= of the MAIL command (RFC 4954)."""
    assert started(f"{START}, sasl_sender=bob@example.org") == (ID, "alice", "203.0.113.5")


def test_a_client_without_login_hands_in_nothing_of_ours():
    """Incoming mail."""
    assert nothing(f"{AT}/smtpd[11]: {ID}: client=mail.example.net[192.0.2.1]")


@pytest.mark.parametrize("tail", ["", "\r"])
def test_line_ends_of_either_kind(tail):
    """Logs that passed through other systems."""
    events = events_of(START + tail, SENT + tail, f"{AT}/qmgr[13]: {ID}: removed{tail}", SENT + tail)
    assert events["account"].to_list() == ["alice", "alice", None]


@pytest.mark.parametrize(
    "queue_id", ["ABC123", "4A1B2C3D4E5F60", "4cDCnd66Hyz1XPWFF", "3y3B5Xz2vWz", "4bDfRk0sJ1z9tgZ2qqww"]
)
def test_queue_ids_of_either_form(queue_id):
    """Short ones are hexadecimal; long ones have no vowels."""
    assert delivered(SENT.replace(ID, queue_id))["queue_id"] == queue_id


@pytest.mark.parametrize(
    "queue_id",
    ["ABC12", "abc123", "warning", "fatal", "statistics", "4A1B2C3D4G", "4A 1B2C3D", ""],
)
def test_words_are_no_queue_ids(queue_id):
    """Neither in front of a delivery nor of a client."""
    assert nothing(SENT.replace(f"{ID}: ", f"{queue_id}: "))
    assert nothing(START.replace(f"{ID}: ", f"{queue_id}: "))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("sent", "sent"),
        ("deferred", "deferred"),
        ("bounced", "bounced"),
        ("expired", "expired"),
        ("deliverable", "deliverable"),
        ("undeliverable", "undeliverable"),
        ("undeliverable-but-not-cached", "undeliverable"),
    ],
)
def test_every_outcome(status, outcome):
    """What Postfix's agents say of a recipient."""
    assert delivered(SENT.replace("status=sent", f"status={status}"))["outcome"] == outcome


@pytest.mark.parametrize(
    ("address", "recipient", "domain"),
    [
        ("a@example.com", "a@example.com", "example.com"),
        ("Anna.B@Example.COM", "anna.b@example.com", "example.com"),
        ('"a b"@example.com', '"a b"@example.com', "example.com"),
        ('"a@example.net"@example.com', '"a@example.net"@example.com', "example.com"),
        ('"a\\"b>, x"@example.com', '"a\\"b>, x"@example.com', "example.com"),
        ("a@sub.example.com", "a@sub.example.com", "example.com"),
        ("caf\u00e9@ex\u00e4mple.com", "caf\u00e9@ex\u00e4mple.com", "ex\u00e4mple.com"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]", "[192.0.2.1]"),
        ("root", "root", None),
    ],
)
def test_recipients_of_every_form(address, recipient, domain):
    """In small letters, with the registrable domain that the mail went to."""
    row = delivered(SENT.replace("a@example.com", address))
    assert (row["recipient"], row["recipient_domain"]) == (recipient, domain)


def test_fields_between_the_relay_and_the_code_may_be_any():
    """conn_use= and tls= came in later versions."""
    line = SENT.replace(", delays=0.1/0/0.5/0.4", ", conn_use=2, delays=0.1/0/0.5/0.4, tls=dane/requiretls")
    assert delivered(line)["dsn"] == "2.0.0"


@pytest.mark.parametrize(
    "cut", [f"{RELAY}, dsn=2.0.0", f"{RELAY}, dsn=2.0.0, sta", f"{RELAY}, dsn=2.0.0, status=s", RELAY]
)
def test_a_delivery_that_was_cut_short_is_told_of(cut):
    """Its outcome is not known; syslog daemons cut long lines."""
    line = f"{AT}/smtp[12]: {ID}: to=<a, status=sent@example.com>, {cut}"
    parsed = read(START, line)
    assert len(parsed.deliveries) == 0
    assert [str(problem) for problem in parsed.problems] == [
        "mail.log:2: a delivery without its status: the line was cut short; passed over"
    ]


def test_an_impossible_time_is_told_of_and_stops_nothing():
    """The line is passed over; those around it are read."""
    parsed = read(SENT, SENT.replace("Nov 24 08:00:01", "2025-11-31T14:99:16.000000+01:00"), SENT)
    assert parsed.deliveries["line"].to_list() == [1, 3]
    assert [str(problem) for problem in parsed.problems] == [
        "mail.log:2: '2025-11-31T14:99:16.000000+01:00' is no possible time; passed over"
    ]


def test_stamps_of_both_kinds_in_one_file():
    """After a syslog daemon was set up anew."""
    iso = SENT.replace("Nov 24 08:00:01", "2025-11-24T09:00:02.5+01:00")
    assert read(SENT, iso, SENT).deliveries["time"].to_list() == [
        utc(2025, 11, 24, 8, 0, 1),
        utc(2025, 11, 24, 8, 0, 2, 500000),
        utc(2025, 11, 24, 8, 0, 1),
    ]


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("authentication failure", None),
        ("UGFzc3dvcmQ6", None),
        ("(reason unavailable), sasl_username=alice", "alice"),
        ("Connection lost to authentication server", None),
        (", sasl_username=alice", "alice"),
    ],
)
def test_failed_logins(text, account):
    """With the name where this version of Postfix logs it."""
    line = f"{AT}/smtpd[14]: warning: host.example.net[192.0.2.9]: SASL LOGIN authentication failed: {text}"
    assert read(line).logins.select("host", "account", "client_ip", "success").rows() == [
        ("mx1", account, "192.0.2.9", False)
    ]


def test_a_sample_of_postfix_is_recognised_and_others_are_not():
    """So that the format need not be named."""
    assert recognises(["Nov 24 08:00:00 mx1 cron[1]: x", START])
    assert recognises([SENT.replace("Nov 24 08:00:01", "2025-11-24T08:00:01+00:00")])
    assert not recognises(
        ["Nov 24 08:00:00 mx1 cron[1]: x", "Nov 24 08:00:00 mx1 dovecot: imap-login: Login"]
    )
    assert not recognises([])


def test_the_format_is_found_by_its_name():
    """Without a list anywhere."""
    assert format_named("postfix") is formats()["postfix"]
