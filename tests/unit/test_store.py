"""The event store: all or nothing, counted right, and nothing in it that should not be."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reading import events_of, read, utc

from responder.detections.detect import PROBES
from responder.errors import ResponderError
from responder.events.event import EVENTS
from responder.events.lives import KEY, OPEN, Change, join, nothing_open, settled
from responder.events.store import DuckDBStore
from responder.measures import figures
from responder.sources.position import Position

EIGHT = utc(2025, 11, 24, 8)
AT = Position("mail.log", "f" * 32, 256, 1000, 10)
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"

IDS = pl.DataFrame([("mx1", "4A1B2C3D4E")], schema=KEY, orient="row")
OPENED = Change(
    IDS,
    pl.DataFrame([("mx1", "4A1B2C3D4E", "alice", None, "4A1B2C3D4E", EIGHT)], schema=OPEN, orient="row"),
)


@pytest.fixture
def store():
    made = DuckDBStore(None, b"key")
    yield made
    made.close()


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EVENTS)


def delivery(
    second: float = 0, recipient: str = "a@example.com", queue_id: str = "4A1B2C3D4E", **more
) -> dict:
    return {
        "kind": "delivery",
        "time": EIGHT + timedelta(seconds=second),
        "host": "mx1",
        "queue_id": queue_id,
        "message": queue_id,
        "account": "alice",
        "client_ip": "203.0.113.5",
        "recipient": recipient,
        "recipient_domain": recipient.rpartition("@")[2],
        "outcome": "sent",
        "dsn": "2.0.0",
        **more,
    }


def submission(second: float = 0, client_ip: str | None = "203.0.113.5", **more) -> dict:
    return {
        "kind": "submission",
        "time": EIGHT + timedelta(seconds=second),
        "host": "mx1",
        "queue_id": "4A1B2C3D4E",
        "message": "4A1B2C3D4E",
        "account": "alice",
        "client_ip": client_ip,
        **more,
    }


def measured(
    store: DuckDBStore,
    name: str,
    *rows: dict,
    at: datetime = EIGHT + timedelta(minutes=5),
    floor: datetime | None = None,
    seconds: int = 600,
    account: str = "alice",
) -> float | None:
    """One measure of an account in a window; None where it has no events there."""
    if rows:
        store.add(frame(*rows), None, [])
    probe = pl.DataFrame({"account": [account], "at": [at], "floor": [floor]}, schema=PROBES)
    found = store.measure(probe, seconds, figures([name]))
    return float(found[name][0]) if len(found) else None


def test_events_are_numbered_from_one_in_their_order(store):
    """So that what is new can be asked for."""
    assert store.last_number() == 0
    assert store.add(frame(submission(), delivery()), None, []) == 2
    assert store.add(frame(delivery(60)), None, []) == 3
    assert store.last_number() == 3
    assert store.touched(2, 3).rows() == [("alice", EIGHT + timedelta(seconds=60))]
    assert store.touched(3, 3).rows() == []


def test_accounts_that_did_something_are_touched(store):
    """Neither the victims of failed logins, nor deliveries that nobody handed in."""
    login = submission(kind="login", account="victim", success=False)
    store.add(frame(login, delivery(account=None), delivery(1)), None, [])
    assert store.touched(0, 3)["account"].to_list() == ["alice"]


def test_positions_and_open_messages_are_kept_with_the_events(store):
    """One transaction: a restart goes on exactly where the store stands."""
    store.add(frame(submission()), OPENED, [AT])
    assert store.positions() == {"mail.log": AT}
    assert_frame_equal(store.open_messages(IDS), OPENED.opened)
    later = Position("mail.log", "f" * 32, 256, 2000, 20)
    store.add(frame(), Change(IDS, nothing_open()), [later, Position("other.log", "", 0, 0, 0)])
    assert store.positions()["mail.log"] == later
    assert set(store.positions()) == {"mail.log", "other.log"}
    assert_frame_equal(store.open_messages(IDS), nothing_open())


def test_open_messages_that_are_not_told_of_stay(store):
    """A backtest has none to tell of."""
    store.add(frame(), OPENED, [])
    store.add(frame(submission()), None, [])
    assert_frame_equal(store.open_messages(IDS), OPENED.opened)
    others = pl.DataFrame([("mx1", "4A1B2C3D4F"), ("mx2", "4A1B2C3D4E")], schema=KEY, orient="row")
    store.add(frame(), Change(others, nothing_open()), [])
    assert len(store.open_messages(others)) == 0
    assert_frame_equal(store.open_messages(IDS), OPENED.opened)


@pytest.mark.parametrize("fault", ["open messages", "positions", "interrupted"])
def test_what_fails_leaves_nothing_behind(store, monkeypatch, fault):
    """Neither events nor positions, and the store goes on working."""
    store.add(frame(submission()), OPENED, [AT])
    before = (store.last_number(), store.positions())
    moved = Position("mail.log", "f" * 32, 256, 9000, 90)
    change, positions = Change(IDS, nothing_open()), [moved]
    with monkeypatch.context() as patch:
        if fault == "open messages":
            change = Change(IDS, pl.DataFrame({"host": ["mx1"]}))
        elif fault == "positions":
            positions = [moved, Position("other.log", "", 0, "no number", 0)]
        else:
            do = store._do

            def interrupted(sql: str, *more):
                if sql.startswith("INSERT OR REPLACE"):
                    raise KeyboardInterrupt
                return do(sql, *more)

            patch.setattr(store, "_do", interrupted)
        with pytest.raises((duckdb.Error, pl.exceptions.PolarsError, KeyboardInterrupt)):
            store.add(frame(delivery(), delivery(1)), change, positions)
    assert (store.last_number(), store.positions()) == before
    assert store.touched(1, 99).rows() == []
    assert_frame_equal(store.open_messages(IDS), OPENED.opened)
    assert store.add(frame(delivery()), None, [moved]) == 2


def test_a_store_is_found_again_as_it_was_left(tmp_path):
    """After a restart."""
    path = tmp_path / "var" / "events.duckdb"
    first = DuckDBStore(path, b"key")
    first.add(frame(submission(), delivery()), OPENED, [AT])
    first.close()
    again = DuckDBStore(path, b"key")
    assert (again.last_number(), again.positions()) == (2, {"mail.log": AT})
    assert_frame_equal(again.open_messages(IDS), OPENED.opened)
    assert measured(again, "recipients", delivery(1)) == 1
    again.close()


def test_a_process_that_is_killed_leaves_what_was_committed(tmp_path):
    """Without closing anything."""
    path = tmp_path / "events.duckdb"
    script = (
        "import os, sys, polars as pl; from pathlib import Path; from datetime import datetime\n"
        "from responder.events.store import DuckDBStore; from responder.events.event import EVENTS\n"
        "from responder.sources.position import Position\n"
        "store = DuckDBStore(Path(sys.argv[1]), b'key')\n"
        "row = {'kind': 'submission', 'time': datetime(2025, 11, 24), 'account': 'alice'}\n"
        "store.add(pl.DataFrame([row], schema=EVENTS), None, [Position('mail.log', 'f', 1, 1, 1)])\n"
        'store._connection.begin(); store._do("DELETE FROM events"); store._do("DELETE FROM positions")\n'
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    store = DuckDBStore(path, b"key")
    assert (store.last_number(), set(store.positions())) == (1, {"mail.log"})
    store.close()


def test_a_store_that_another_process_has_open_is_told_of(tmp_path):
    """Two watches on one store would both act."""
    path = tmp_path / "events.duckdb"
    store = DuckDBStore(path, b"key")
    script = (
        "import sys; from pathlib import Path; from responder.events.store import DuckDBStore\n"
        "try: DuckDBStore(Path(sys.argv[1]), b'key')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )
    store.close()
    assert done.stdout.startswith(
        f"ResponderError {path}: the event store cannot be opened (does another responder have it open?): "
    )


def test_a_file_that_is_no_store_is_told_of(tmp_path):
    """A wrong path in the configuration."""
    path = tmp_path / "mail.log"
    path.write_text("Nov 24 08:00:00 mx1 cron[1]: x\n" * 100)
    with pytest.raises(ResponderError, match=r"mail\.log: the event store cannot be opened"):
        DuckDBStore(path, b"key")


def test_a_window_holds_what_came_after_its_begin_up_to_its_end(store):
    """A tick belongs to the window that ends there."""
    rows = [delivery(second, f"r{second}@example.com") for second in (-300, -299.5, 0, 300, 300.5)]
    assert measured(store, "recipients", *rows) == 3


def test_nothing_before_the_floor_counts(store):
    """What a person judged already."""
    rows = [delivery(second, f"r{second}@example.com") for second in (0, 60, 61)]
    assert measured(store, "recipients", *rows, floor=EIGHT + timedelta(seconds=60)) == 1
    assert measured(store, "recipients", floor=EIGHT + timedelta(seconds=61)) is None


def test_an_account_without_events_in_the_window_is_left_out(store):
    """There is nothing to say of it."""
    assert measured(store, "recipients", delivery(), account="bob") is None


def test_each_probe_is_measured_by_itself(store):
    """Several accounts, several moments, one question."""
    store.add(frame(delivery(), delivery(30, "b@example.com"), delivery(0, account="bob")), None, [])
    minutes = [EIGHT + timedelta(seconds=second) for second in (15, 45, 15)]
    probes = pl.DataFrame(
        {"account": ["alice", "alice", "bob"], "at": minutes, "floor": [None] * 3}, schema=PROBES
    )
    found = store.measure(probes, 60, figures(["recipients", "unknown_user_share"]))
    assert sorted(found.select("account", "at", "recipients").rows()) == [
        ("alice", minutes[0], 1),
        ("alice", minutes[1], 2),
        ("bob", minutes[2], 1),
    ]


def test_a_retry_counts_once_and_two_messages_twice(store):
    """Greylisting makes several lines of one recipient."""
    rows = [
        delivery(0, outcome="deferred", dsn="4.7.1"),
        delivery(60, outcome="deferred", dsn="4.7.1"),
        delivery(120),
        delivery(130, queue_id="4A1B2C3D4F"),
        delivery(140, host="mx2"),
        delivery(150, "b@example.com"),
    ]
    assert measured(store, "recipients", *rows) == 4


def test_only_unknown_users_are_unknown_users(store):
    """5.1.x and bounced: neither a full mailbox, nor a refusal, nor a temporary failure."""
    codes = [
        ("bounced", "5.1.1"),
        ("bounced", "5.1.10"),
        ("bounced", "5.2.2"),
        ("bounced", "5.7.1"),
        ("deferred", "5.1.1"),
    ]
    codes += [("deferred", "4.1.1"), ("sent", "2.1.5"), ("bounced", "5.0.0")]
    rows = [
        delivery(n, f"r{n}@example.com", outcome=outcome, dsn=dsn) for n, (outcome, dsn) in enumerate(codes)
    ]
    assert measured(store, "unknown_user_bounces", *rows) == 2
    assert measured(store, "unknown_user_share") == 2 / 8


def test_a_share_of_nothing_is_nothing(store):
    """An account that handed in mail of which nothing is delivered yet."""
    assert measured(store, "unknown_user_share", submission()) == 0


def test_domains_are_counted_once_each(store):
    """However many people there, and whatever the case; addresses without one count for nothing."""
    rows = [delivery(n, to) for n, to in enumerate(["a@x.example", "b@x.example", "c@y.example"])]
    rows.append(delivery(9, "root", recipient_domain=None))
    assert measured(store, "recipient_domains", *rows) == 2


def test_messages_are_counted_and_neither_deliveries_nor_logins_are(store):
    """A message to a thousand is one."""
    rows = [submission(0), submission(1), delivery(), delivery(1), submission(2, kind="login", success=False)]
    assert measured(store, "messages", *rows) == 2


def test_networks_are_counted_once_each_and_private_ones_not(store):
    """Two addresses of one network are one place; webmail and campus tell none."""
    clients = [
        "203.0.113.5",
        "203.0.113.77",
        "198.51.100.7",
        "2001:db8:1::1",
        "2001:db8:1:ff::1",
        "127.0.0.1",
        "10.0.0.1",
    ]
    rows = [submission(n, client) for n, client in enumerate([*clients, "fe80::1", "unknown", None])]
    assert measured(store, "client_networks", *rows) == 3


def test_the_usual_of_an_account_is_its_highest_before_yesterday(store):
    """Neither yesterday's, which may be the hijack's own beginning, nor what is older than four weeks."""
    day = 86400
    rows = [
        *(delivery(-29 * day, f"old{n}@example.com") for n in range(9)),
        *(delivery(-7 * day, f"week{n}@example.com") for n in range(4)),
        *(delivery(-3 * day, f"days{n}@example.com") for n in range(2)),
        *(delivery(-3600, f"now{n}@example.com", outcome="bounced", dsn="5.1.1") for n in range(20)),
    ]
    store.add(frame(*rows), None, [])
    probe = pl.DataFrame({"account": ["alice"], "at": [EIGHT], "floor": [None]}, schema=PROBES)
    found = store.usual(probe, 600, 28, figures(["recipients", "unknown_user_share"]))
    assert found.select("account", "at", "recipients", "unknown_user_share").rows() == [
        ("alice", EIGHT, 4, 0)
    ]
    nobody = probe.with_columns(account=pl.lit("bob"))
    assert len(store.usual(nobody, 600, 28, figures(["recipients"]))) == 0


def test_lines_are_those_of_the_account_and_window_in_order(store):
    """A spread of at most so many."""
    rows = frame(*(delivery(n, f"r{n}@example.com", account="bob" if n == 3 else "alice") for n in range(10)))
    store.add(rows.with_columns(text=pl.format("line {}\r\n", pl.int_range(10))), None, [])
    since, until = EIGHT, EIGHT + timedelta(seconds=8)
    assert store.lines("alice", since, until, 99) == [f"line {n}" for n in (1, 2, 4, 5, 6, 7, 8)]
    assert store.lines("alice", since, until, 3) == ["line 1", "line 5", "line 8"]
    assert store.lines("carol", since, until, 3) == []


def test_events_that_are_too_old_are_forgotten(store):
    """And numbers go on, so that nothing new is taken for old."""
    store.add(frame(delivery(-86400), delivery(0)), None, [])
    assert store.purge(EIGHT, EIGHT) == 1
    assert store.purge(EIGHT, EIGHT) == 0
    assert store.add(frame(delivery(1)), None, []) == 3


def test_messages_that_no_queue_holds_any_more_are_forgotten(store):
    """Of servers that do not say when a message left; by their own time, whatever is kept of events."""
    store.add(frame(delivery()), OPENED, [])
    assert store.purge(EIGHT + timedelta(days=1), EIGHT) == 1
    assert len(store.open_messages(IDS)) == 1
    assert store.purge(EIGHT, EIGHT + timedelta(seconds=1)) == 0
    assert len(store.open_messages(IDS)) == 0


def test_what_a_filter_hands_back_is_the_same_copy(store):
    """To the same recipient; to another one of the same message it is another."""
    rows = [delivery(), delivery(1, queue_id="9B2E3D0042", message="4A1B2C3D4E")]
    other = delivery(2, "b@example.com", queue_id="9B2E3D0042", message="4A1B2C3D4E")
    assert measured(store, "recipients", *rows) == 1
    assert measured(store, "recipients", other) == 2


def test_whom_people_write_to_is_nowhere_in_the_file(tmp_path):
    """Neither in a column nor in a line, quoted, rewritten, or repeated by a server."""
    path = tmp_path / "events.duckdb"
    names = ["confidential.person", "Secret.Envoy", '"quoted whistle\\"blower"', "former.address"]
    start = (
        "Nov 24 08:00:00 mx1 postfix/smtpd[1]: 4A1B2C3D4E: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        "sasl_username=alice"
    )
    lines = [
        f"Nov 24 08:00:01 mx1 postfix/smtp[2]: 4A1B2C3D4E: to=<{name}@example.com>, "
        f"orig_to=<{names[3]}@example.net>, {RELAY}, dsn=5.1.1, status=bounced (host mx.example.com[198.51.100.7] "
        f"said: 550 5.1.1 <{name}@example.com>: {name} unknown, as is {names[3]}@example.net)"
        for name in names
    ]
    store = DuckDBStore(path, b"key")
    store.add(events_of(start, *lines, keep_text=True), None, [])
    kept = store.lines("alice", EIGHT, EIGHT + timedelta(minutes=1), 99)
    assert len(kept) == 4
    assert all("to=<***@example.com>, orig_to=<***@example.net>" in line for line in kept)
    store.close()
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir()).lower()
    assert b"alice" in data
    for word in (b"confidential", b"person", b"secret", b"envoy", b"whistle", b"blower", b"former"):
        assert word not in data


def test_a_store_reads_what_the_log_said(store):
    """From lines to a measure."""
    lines = [
        "Nov 24 08:00:00 mx1 postfix/smtpd[1]: 4A1B2C3D4E: client=unknown[203.0.113.5], sasl_method=PLAIN, "
        "sasl_username=alice",
        f"Nov 24 08:00:01 mx1 postfix/smtp[2]: 4A1B2C3D4E: to=<a@x.example>, {RELAY}, dsn=2.0.0, status=sent (250 ok)",
        "Nov 24 08:00:01 mx1 postfix/smtpd[1]: warning: unknown[198.51.100.9]: SASL LOGIN authentication failed: "
        "(reason unavailable), sasl_username=victim",
    ]
    part, change = settled(join(read(*lines, keep_text=True), "mail.log", "example.org"), nothing_open())
    store.add(part.flat(), change, [AT])
    assert measured(store, "recipients") == 1
    assert len(store.open_messages(IDS)) == 1
    assert store.last_number() == 3
