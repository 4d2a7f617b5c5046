"""Lives of queue ids: whose a delivery is, whatever was read before and wherever a log was cut."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reading import run_of, utc

from responder.events.event import EVENTS
from responder.events.lives import KEY, join, nothing_open, settled, with_open
from responder.formats.postfix import parse

RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


def start(account: str, queue_id: str = "4A1B2C3D4E", host: str = "mx1", at: str = "08:00:00") -> str:
    return (
        f"Nov 24 {at} {host} postfix/smtpd[1]: {queue_id}: client=unknown[203.0.113.5], "
        f"sasl_method=PLAIN, sasl_username={account}"
    )


def delivery(queue_id: str = "4A1B2C3D4E", host: str = "mx1", to: str = "a@example.com") -> str:
    return f"Nov 24 08:00:01 {host} postfix/smtp[2]: {queue_id}: to=<{to}>, {RELAY}, dsn=2.0.0, status=sent (250 ok)"


def end(queue_id: str = "4A1B2C3D4E", host: str = "mx1") -> str:
    return f"Nov 24 08:00:02 {host} postfix/qmgr[3]: {queue_id}: removed"


def back(queue_id: str, origin: str, host: str = "mx1") -> str:
    """A content filter hands a message back."""
    return f"Nov 24 08:00:01 {host} postfix/smtpd[4]: {queue_id}: client=localhost[127.0.0.1], orig_queue_id={origin}"


def read_in(*parts: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events of a log that comes in parts, one after the other, and the messages open at its end."""
    open_, events, first = nothing_open(), [], 1
    for lines in parts:
        part, open_ = with_open(join(parse(run_of(*lines, first=first)), "mail.log", "example.org"), open_)
        events.append(part.flat())
        first += len(lines)
    return pl.concat(events), open_


def accounts(*parts: list[str]) -> list[str | None]:
    """The account of each delivery, in order."""
    events, _ = read_in(*parts)
    return events.filter(pl.col("kind") == "delivery")["account"].to_list()


def test_a_delivery_belongs_to_who_handed_the_message_in():
    """With the client's address, which the delivery's own line lacks."""
    events, _ = read_in([start("alice"), delivery()])
    assert events.columns == list(EVENTS)
    assert events.select("kind", "account", "client_ip").rows() == [
        ("submission", "alice", "203.0.113.5"),
        ("delivery", "alice", "203.0.113.5"),
    ]


def test_one_account_by_all_its_names_is_one():
    """Case, the site's own domain and tags of the login; another domain's is another account."""
    names = ["alice", "Alice", "alice@example.org", "ALICE+x@Example.ORG", "alice@example.net"]
    logs = [line for name in names for line in (start(name), delivery())]
    assert accounts(logs) == [*["alice"] * 4, "alice@example.net"]


def test_a_queue_id_that_is_used_again_belongs_to_the_later_account():
    """Ids of short form are used again soon."""
    assert accounts([start("alice"), delivery(), end(), start("bob"), delivery()]) == ["alice", "bob"]


def test_a_queue_id_that_is_used_again_without_removal_belongs_to_the_later_account():
    """The line of the removal may be missing."""
    assert accounts([start("alice"), delivery(), start("bob"), delivery()]) == ["alice", "bob"]


@pytest.mark.parametrize("cut", range(4))
def test_after_removal_a_message_is_nobodys(cut):
    """The same id may then be that of incoming mail, which no account handed in."""
    lines = [start("alice"), end(), delivery()]
    assert accounts(lines[:cut], lines[cut:]) == [None]


def test_a_delivery_that_nobody_handed_in_has_no_account():
    """Incoming mail, and messages from before the log begins."""
    assert accounts([delivery(), start("alice", "4A1B2C3D4F"), delivery()]) == [None, None]


def test_a_delivery_before_its_submission_is_of_an_earlier_life():
    """Lines are in order: what comes first cannot belong to what comes later."""
    assert accounts([delivery(), start("alice"), delivery()]) == [None, "alice"]


def test_two_hosts_may_use_the_same_id_at_once():
    """A central log holds the lines of many hosts."""
    lines = [
        start("alice"),
        start("bob", host="mx2"),
        delivery(host="mx2"),
        end(),
        delivery(host="mx2"),
        delivery(),
    ]
    assert accounts(lines) == ["bob", "bob", None]


def test_a_retry_in_a_later_part_belongs_to_the_same_account():
    """Deferred mail is tried again for days."""
    assert accounts([start("alice"), delivery()], [delivery()], [], [delivery(), end()], [delivery()]) == [
        *["alice"] * 3,
        None,
    ]


def test_messages_in_the_queue_are_kept_until_they_are_removed():
    """So that memory holds what is in the queues and no more."""
    _, open_ = read_in([start("alice"), start("bob", "4A1B2C3D4F"), delivery()])
    assert sorted(open_["account"]) == ["alice", "bob"]
    _, open_ = read_in([start("alice"), start("bob", "4A1B2C3D4F")], [end(), start("carol", "4A1B2C3D4F")])
    eight = utc(2025, 11, 24, 8)
    assert open_.rows() == [("mx1", "4A1B2C3D4F", "carol", "203.0.113.5", "4A1B2C3D4F", eight)]


def test_a_message_of_which_nothing_was_heard_for_long_is_in_no_queue():
    """Not every server says when one left."""
    early = start("bob", "4A1B2C3D4F").replace("Nov 24", "Nov 13")
    assert accounts([early], [start("alice")], [delivery("4A1B2C3D4F"), delivery()]) == [None, "alice"]
    late = start("bob", "4A1B2C3D4F").replace("Nov 24", "Nov 15")
    assert accounts([late], [start("alice")], [delivery("4A1B2C3D4F"), delivery()]) == ["bob", "alice"]


@pytest.mark.parametrize("cut", range(6))
def test_a_message_that_a_filter_hands_back_is_of_the_same_account(cut):
    """Through two filters, wherever the log is cut; the first id may be gone by then."""
    log = [
        start("alice"),
        back("4A1B2C3D40", "4A1B2C3D4E"),
        end(),
        back("4A1B2C3D41", "4A1B2C3D40"),
        end("4A1B2C3D40"),
        delivery("4A1B2C3D41"),
    ]
    assert accounts(log[:cut], log[cut:]) == ["alice"]


@pytest.mark.parametrize("cut", range(4))
def test_a_message_that_a_filter_before_the_queue_took_is_of_who_logged_in(cut):
    """Wherever the log is cut; the next one of that process is not."""
    took = (
        "Nov 24 08:00:01 mx1 postfix/smtpd[1]: proxy-accept: END-OF-MESSAGE: 250 Ok: queued as {}; from=<a>"
    )
    log = [start("alice", "NOQUEUE"), took.format("4A1B2C3D40"), delivery("4A1B2C3D40")]
    assert accounts(log[:cut], log[cut:]) == ["alice"]
    assert accounts(log[:cut], log[cut:], [took.format("4A1B2C3D41"), delivery("4A1B2C3D41")]) == [
        "alice",
        None,
    ]


def test_a_message_that_a_filter_hands_back_of_nobody_is_nobodys():
    """Mail that came in, and one whose id was used by an account before."""
    assert accounts(
        [start("alice", "4A1B2C3D40"), back("4A1B2C3D40", "4A1B2C3D4E"), delivery("4A1B2C3D40")]
    ) == [None]


def test_lines_that_say_nothing_are_read_to_nothing():
    """An empty part, and one without any line of Postfix."""
    events, open_ = read_in([], ["Nov 24 08:00:00 mx1 cron[1]: (root) CMD (true)"])
    assert (len(events), len(open_)) == (0, 0)
    assert events.schema == pl.Schema(EVENTS)


hosts, ids = (
    st.sampled_from(["mx1", "mx2"]),
    st.sampled_from(["4A1B2C3D4E", "4A1B2C3D4F", "4cDCnd66Hyz1XPWFF"]),
)
lines = st.one_of(
    st.builds(start, st.sampled_from(["alice", "bob", "carol"]), ids, hosts),
    st.builds(delivery, ids, hosts, st.sampled_from(["a@example.com", '"b c"@example.net'])),
    st.builds(end, ids, hosts),
    st.builds(back, ids, ids, hosts),
    st.just("Nov 24 08:00:00 mx1 cron[1]: (root) CMD (true)"),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(lines, max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_a_log_says_the_same_wherever_it_is_cut(log, cuts):
    """Events and open messages are those of the whole log, whatever parts it is read in."""
    at = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    whole, open_whole = read_in(log)
    events, open_ = read_in(*(log[begin:stop] for begin, stop in pairwise(at)))
    assert_frame_equal(whole, events)
    assert_frame_equal(open_whole, open_, check_row_order=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(lines, max_size=8), max_size=5))
def test_the_open_messages_that_are_asked_for_are_enough(parts):
    """So that those of a long past need not be read for what is new."""
    open_ = nothing_open()
    for part in parts:
        joined = join(parse(run_of(*part)), "mail.log", "example.org")
        of_all, still = with_open(joined, open_)
        of_asked, change = settled(joined, open_.join(joined.asked(), on=KEY, how="semi"))
        assert_frame_equal(of_all.flat(), of_asked.flat())
        open_ = change.of(open_)
        assert_frame_equal(still, open_, check_row_order=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(lines, max_size=30))
def test_a_delivery_belongs_to_the_last_submission_of_its_id_before_it(log):
    """Held against a plain loop over the lines."""
    owner: dict[tuple[str, str], str | None] = {}
    expected = []
    for line in log:
        words = line.split()
        key = (words[3], words[5])
        if "orig_queue_id" in line:
            owner[key] = owner.get((words[3], line.rpartition("=")[2] + ":"))
        elif "smtpd" in line:
            owner[key] = line.rpartition("=")[2]
        elif "removed" in line:
            owner.pop(key, None)
        elif "status=" in line:
            expected.append(owner.get(key))
    assert accounts(log) == expected
