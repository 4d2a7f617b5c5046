"""Failures that users of other tools met with Postfix's logs, each in small."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from reading import events_of, read, utc

from responder.errors import BadInput
from responder.events.account import canonical_name
from responder.events.event import Kind
from responder.events.store import DuckDBStore
from responder.measures import figures


def deliveries(*lines: str) -> list[dict[str, object]]:
    return events_of(*lines).filter(pl.col("kind") == Kind.DELIVERY.value).rows(named=True)


def measured(name: str, *lines: str, at: datetime) -> dict[str, float]:
    """A measure of each account of a log, over the day before ``at``."""
    store = DuckDBStore(None, b"key")
    events = events_of(*lines)
    store.add(events, None, [])
    accounts = store.touched(0, store.last_number())["account"].unique()
    probes = pl.DataFrame(
        {"account": accounts, "at": [at] * len(accounts), "floor": [None] * len(accounts)},
        schema={"account": pl.String, "at": pl.Datetime("us"), "floor": pl.Datetime("us")},
    )
    found = store.measure(probes, 86400, figures([name]))
    store.close()
    return dict(found.select("account", name).rows())


SUSPENDED = (
    "Sep  6 10:11:12 mx1 postfix/error[2044]: 2DC5552A34: to=<user1@example.org>, relay=none, delay=63495, "
    "delays=63350/144/0/0, dsn=4.4.2, status=deferred (delivery temporarily suspended: lost connection with "
    "mta7.example.net[192.0.2.22] while sending RCPT TO)"
)


def test_01_a_delivery_that_the_error_daemon_deferred_is_one_deferred_delivery():
    """What stands in its reason is no relay and no client, and a temporary failure is no bounce."""
    (row,) = deliveries(SUSPENDED)
    assert (row["queue_id"], row["outcome"], row["dsn"], row["client_ip"]) == (
        "2DC5552A34",
        "deferred",
        "4.4.2",
        None,
    )
    start = (
        "Sep  6 10:11:00 mx1 postfix/smtpd[1]: 2DC5552A34: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        "sasl_username=alice"
    )
    at = utc(2025, 9, 6, 11)
    assert measured("unknown_user_bounces", start, SUSPENDED, at=at) == {"alice": 0}
    assert measured("recipients", start, SUSPENDED, at=at) == {"alice": 1}


LONG = (
    "Sep  2 08:00:01 mx1 postfix/error[9407]: 4cDCnd66Hyz1XPWFF: to=<user@example.org>, "
    "orig_to=<other-user@example.net>, relay=none, delay=248321, delays=248262/59/0/0, dsn=4.4.1, status=deferred "
    "(delivery temporarily suspended: connect to mx.example.org[192.0.2.9]:25: Connection timed out)"
)


@pytest.mark.parametrize(
    "queue_id", ["4cDCnd66Hyz1XPWFF", "4cDCnd66Hyz1XP", "4cDCnd66Hyz1XPW", "4cDCnd66Hyz1XPWFF3rT"]
)
def test_03_a_long_queue_id_may_have_any_length(queue_id):
    """14, 15, 17 and 20 characters were seen."""
    (row,) = deliveries(LONG.replace("4cDCnd66Hyz1XPWFF", queue_id))
    assert row["queue_id"] == queue_id


def test_03_the_address_before_rewriting_is_no_second_recipient():
    """One delivery, to whom it went in the end; the sender wrote to another domain, which is what counts."""
    (row,) = deliveries(LONG)
    assert (row["recipient"], row["original"]) == ("user@example.org", "other-user@example.net")
    assert row["recipient_domain"] == "example.net"
    start = (
        "Sep  2 08:00:00 mx1 postfix/smtpd[1]: 4cDCnd66Hyz1XPWFF: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        "sasl_username=alice"
    )
    again = LONG.replace("to=<user@example.org>", "to=<second@example.com>", 1)
    at = utc(2025, 9, 2, 8, 30)
    for name in ("recipients", "recipient_domains"):
        assert measured(name, start, LONG, again, at=at) == {"alice": 1}


def test_05_a_warning_in_the_place_of_a_reject_is_no_event():
    """The command went through: nothing was rejected, delivered or bounced."""
    events = events_of(
        "Aug  2 10:00:00 mx1 postfix/smtpd[811]: NOQUEUE: reject_warning: RCPT from host.example.com[192.0.2.34]: "
        "553 5.7.1 <sender@example.com>: Sender address rejected: not owned by user ph123; "
        "from=<sender@example.com> to=<recipient@example.com> proto=ESMTP helo=<example.com>"
    )
    assert len(events) == 0


def test_07_one_failed_login_is_one_though_three_lines_tell_of_it():
    """The lost connection and the counters at the end of the session are the same attempt."""
    events = events_of(
        "Apr 25 10:03:22 mx1 postfix/smtpd[50903]: warning: unknown[192.0.2.58]: SASL LOGIN authentication failed: "
        "authentication failure",
        "Apr 25 10:03:23 mx1 postfix/smtpd[50903]: lost connection after AUTH from unknown[192.0.2.58]",
        "Apr 25 10:03:23 mx1 postfix/smtpd[50903]: disconnect from unknown[192.0.2.58] ehlo=1 auth=0/1 rset=1 "
        "commands=2/3",
        "Apr 25 10:03:24 mx1 postfix/smtpd[50903]: disconnect from unknown[192.0.2.58]",
    )
    assert events.select("kind", "client_ip", "success").rows() == [("login", "192.0.2.58", False)]


def test_09_client_ports_and_service_names_change_nothing():
    """The port is no part of the address, and the middle of the program's name is the service's."""
    events = events_of(
        "Sep 29 16:47:52 mail3 postfix/smtpd[31152]: warning: unknown[192.0.2.237]:55729: SASL LOGIN authentication "
        "failed: authentication failure",
        "Sep 12 06:47:48 mail3 postfix/submission/smtpd[21681]: warning: unknown[192.0.2.238]: SASL LOGIN "
        "authentication failed: authentication failure",
        "Oct 24 06:58:53 mail3 postfix/smtps/smtpd[25795]: warning: unknown[192.0.2.15]: SASL LOGIN authentication "
        "failed: authentication failure",
    )
    assert events.select("kind", "client_ip", "success").rows() == [
        ("login", "192.0.2.237", False),
        ("login", "192.0.2.238", False),
        ("login", "192.0.2.15", False),
    ]


def test_11_a_failed_login_with_an_iso_stamp_and_no_reason():
    """The instant is UTC, and a name without domain is one of ours."""
    (row,) = events_of(
        "2025-02-02T09:50:42.211184+01:00 m3s2 postfix/smtpd[24510]: warning: unknown[192.0.2.60]: SASL LOGIN "
        "authentication failed: (reason unavailable), sasl_username=office"
    ).rows(named=True)
    assert (row["kind"], row["host"], row["account"], row["success"]) == ("login", "m3s2", "office", False)
    assert row["time"] == utc(2025, 2, 2, 8, 50, 42, 211184)
    assert canonical_name("Office@Example.org", "example.org") == row["account"]


def test_13_the_remote_server_s_reply_need_not_have_a_code():
    """Status and code are Postfix's own; the reply is any text."""
    (row,) = deliveries(
        "Mar 17 14:32:25 vm-smtp-01 postfix/smtp[1869216]: 6226B60124: to=<395a1cfg@example.org>, "
        "relay=in.example.net[10.19.96.5]:25, delay=0.41, delays=0.01/0/0.3/0.1, dsn=2.0.0, status=sent "
        "(250 OK queued as c600fdfea4-02f9-ewf8a3-bc87-965wefwea4c3)"
    )
    assert (row["outcome"], row["dsn"], row["recipient"]) == ("sent", "2.0.0", "395a1cfg@example.org")


def test_15_a_header_that_cleanup_replaced_is_no_event():
    """Addresses in headers are text of the sender's."""
    events = events_of(
        "Aug  6 16:46:42 mr01 postfix/cleanup[7548]: 127DC5E156: replace: header Message-Id: "
        "<20220806134641.04197603B8@example.com> from unknown[10.10.10.10]; from=<a2@example.com> "
        "to=<a3@example.com> proto=ESMTP helo=<host1.example.com>: Message-ID: "
        "<20220806134641.04197603B8@example.com>",
        "Aug  6 16:46:43 mr01 postfix/cleanup[7548]: 127DC5E156: replace: header Subject: x, status=sent from "
        "unknown[10.10.10.10]; from=<a2@example.com> to=<a3@example.com> proto=ESMTP helo=<h>: Subject: "
        "to=<a4@example.com>, dsn=2.0.0, status=sent (250 ok)",
    )
    assert len(events) == 0


FILTERED = (
    "Nov 24 08:56:13 mx1 postfix/smtpd[17740]: 8A1F2C0031: client=unknown[203.0.113.5], sasl_method=PLAIN, "
    "sasl_username=alice",
    "Nov 24 08:56:17 mx1 postfix/smtp[17742]: 8A1F2C0031: to=<user@example.org>, relay=127.0.0.1[127.0.0.1]:10024, "
    "delay=3.5, delays=1.2/0.01/0/2.3, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): "
    "250 2.0.0 Ok: queued as 9B2E3D0042)",
    "Nov 24 08:56:21 mx1 postfix/smtp[17753]: 9B2E3D0042: to=<user@example.org>, "
    "relay=mx.example.org[192.0.2.33]:25, delay=3.8, delays=0.03/0.02/1.6/2.2, dsn=2.6.0, status=sent "
    "(250 2.6.0 <x@example.net> [InternalId=1, Hostname=H.example.org] 475703 bytes in 1.317, 352.479 KB/sec "
    "Queued mail for delivery)",
)


@pytest.mark.parametrize("name", ["messages", "recipients", "recipient_domains"])
def test_17_a_message_through_a_content_filter_is_one_to_one_recipient(name):
    """And of the account that handed it in before the filter."""
    assert measured(name, *FILTERED, at=utc(2025, 11, 24, 9)) == {"alice": 1}


WEBMAIL = (
    "Feb 29 12:32:36 cloud postfix/smtpd[12133]: 640632BBBD: client=localhost[127.0.0.1], sasl_method=LOGIN, "
    "sasl_username=user1@example.org",
    "Feb 29 12:32:36 cloud postfix/qmgr[2081]: 640632BBBD: from=<user1@example.org>, size=1230, nrcpt=1 (queue active)",
)


def test_19_a_message_from_webmail_counts_and_tells_no_origin():
    """On a leap day, which is of the nearest year that has one."""
    parsed = read(*WEBMAIL, reference=datetime(2024, 3, 1, tzinfo=UTC))
    assert parsed.starts.select("time", "account").rows() == [
        (utc(2024, 2, 29, 12, 32, 36), "user1@example.org")
    ]
    lines = [line.replace("Feb 29", "Nov 24") for line in WEBMAIL]
    at = utc(2025, 11, 24, 13)
    assert measured("messages", *lines, at=at) == {"user1": 1}
    assert measured("client_networks", *lines, at=at) == {"user1": 0}


def removed(stamp: str) -> str:
    return (
        f"{stamp} mx1 postfix/smtpd[1]: A1B2C3D4E5: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        "sasl_username=alice"
    )


@pytest.mark.parametrize(
    ("stamp", "reference", "year"),
    [
        ("Jan  1 00:00:01", datetime(2021, 12, 31, 23, 59, 58, tzinfo=UTC), 2022),
        ("Dec 31 23:59:59", datetime(2022, 1, 1, 0, 0, 3, tzinfo=UTC), 2021),
        ("Dec 31 23:59:59", datetime(2020, 1, 7, tzinfo=UTC), 2019),
    ],
)
def test_41_at_new_year_the_year_is_that_nearest_to_the_reading(stamp, reference, year):
    """For an old file the reference is the file's own time."""
    (time,) = read(removed(stamp), reference=reference).starts["time"]
    assert time.year == year


def test_43_months_that_go_back_and_forth_add_no_years():
    """Lines of several files in one."""
    stamps = ("Feb 21 12:00:00", "Jan 11 00:00:01", "Feb 21 12:00:01", "Jan 11 00:10:01")
    starts = read(*map(removed, stamps), reference=datetime(2025, 2, 22, tzinfo=UTC)).starts
    assert starts["time"].dt.year().to_list() == [2025] * 4


def test_45_an_impossible_date_is_told_of_and_never_rolls_over():
    """Neither to 1 December nor to 15:39."""
    parsed = read(removed("2025-11-31T14:99:16.000000+01:00"), removed("2025-11-30T14:59:16.000000+01:00"))
    assert parsed.starts["time"].to_list() == [utc(2025, 11, 30, 13, 59, 16)]
    assert [problem.line for problem in parsed.problems] == [1]


def test_an_unknown_format_is_refused_with_what_is_known():
    """A word in the configuration."""
    from responder.formats import format_named

    with pytest.raises(BadInput, match=r"no log format 'posfix'; did you mean 'postfix'\?"):
        format_named("posfix")
