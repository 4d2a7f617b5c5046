"""Mail handed in through webmail: from where its user sits, when a login tells it, and never from anybody else's."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from responder.events.bulk import read_events
from responder.events.home import Home
from responder.events.store import DuckDBStore
from responder.events.webmail import Webmail
from responder.formats import format_named
from responder.live.ingest import Ingest
from responder.sources.followed import FollowedFile

SERVERS = Webmail([ip_network("192.0.2.80/32"), ip_network("2001:db8:80::/64")])
UTC = ZoneInfo("UTC")
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


def login(account: str, ip: str, at: str = "08:00:00") -> str:
    return (
        f"Nov 24 {at} web roundcube: <0123abcd> Successful login for {account} (ID: 7) from {ip} "
        "in session 0123abcdef\n"
    )


def mail(account: str, at: str, ip: str = "192.0.2.80", queue_id: str = "4A1B2C3D4E") -> str:
    head = f"Nov 24 {at} mx1 postfix"
    return (
        f"{head}/smtpd[1]: {queue_id}: client=web.example.org[{ip}], sasl_method=PLAIN, sasl_username={account}\n"
        f"{head}/smtp[2]: {queue_id}: to=<a@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)\n"
    )


def addresses(tmp_path: Path, *texts: str) -> list[tuple[str, str, str]]:
    """Kind, account and client of what was handed in, when the whole log is read."""
    file = tmp_path / "mail.log"
    file.write_text("".join(texts), encoding="utf-8")
    both = format_named("postfix+roundcube")
    parts = list(read_events([file], both, UTC, "example.org", [], webmail=SERVERS))
    events = pl.concat([part.flat() for part in parts]).filter(
        pl.col("kind").is_in(["submission", "delivery"])
    )
    return events.select("kind", "account", "client_ip").rows()


def both(account: str, ip: str) -> list[tuple[str, str, str]]:
    return [("submission", account, ip), ("delivery", account, ip)]


def test_the_user_s_address_takes_the_place_of_the_server_s(tmp_path):
    """The account's latest login before it, by whatever name; of nobody else."""
    log = [
        login("bob", "203.0.113.9"),
        login("alice", "203.0.113.5"),
        login("Alice@example.org", "2001:db8:1::7", "08:10:00"),
        mail("alice", "08:20:00"),
    ]
    assert addresses(tmp_path, *log) == both("alice", "2001:db8:1::7")
    assert addresses(tmp_path, *log[:2], mail("alice", "08:05:00"), *log[2:3]) == both("alice", "203.0.113.5")


def test_without_a_login_it_stays_the_server_s(tmp_path):
    """Neither a failed one, nor one of long before, nor one well after."""
    failed = (
        "Nov 24 08:00:00 web roundcube: <0123abcd> Failed login for alice from 203.0.113.5 in session 0123abcdef "
        "(error: 0)\n"
    )
    assert addresses(tmp_path, failed, mail("alice", "08:01:00")) == both("alice", "192.0.2.80")
    assert addresses(tmp_path, login("alice", "203.0.113.5"), mail("alice", "21:00:00")) == both(
        "alice", "192.0.2.80"
    )
    later = login("alice", "203.0.113.5", "08:05:00")
    assert addresses(tmp_path, mail("alice", "08:00:00"), later) == both("alice", "192.0.2.80")


def test_clocks_may_differ_by_a_little(tmp_path):
    """The web server's is a minute ahead of the mail server's."""
    log = login("alice", "203.0.113.5", "08:01:00") + mail("alice", "08:00:30")
    assert addresses(tmp_path, log) == both("alice", "203.0.113.5")


def test_what_comes_from_elsewhere_stays_as_it_is(tmp_path):
    """A mail program at the same time."""
    log = login("alice", "203.0.113.5") + mail("alice", "08:01:00", "198.51.100.77")
    assert addresses(tmp_path, log) == both("alice", "198.51.100.77")
    log = login("alice", "203.0.113.5") + mail("alice", "08:01:00", "2001:db8:80::1")
    assert addresses(tmp_path, log) == both("alice", "203.0.113.5")


@pytest.mark.parametrize("restart", [False, True])
def test_logins_of_another_log_that_came_before_are_known(tmp_path, restart):
    """Live, the web server's log and the mail server's being followed side by side; over a restart, and for retries."""
    logs = {"roundcube": tmp_path / "userlogins.log", "postfix": tmp_path / "mail.log"}
    logs["roundcube"].write_text(login("alice", "203.0.113.5"), encoding="utf-8")
    logs["postfix"].write_text("Nov 24 07:00:00 mx1 cron[1]: x\n", encoding="utf-8")
    shared = [*SERVERS.servers, ip_network("198.51.100.128/25")]

    def ingest() -> Ingest:
        store = DuckDBStore(tmp_path / "events.duckdb", b"key", Home(shared=shared))
        sources = [(FollowedFile(file, UTC), format_named(name)) for name, file in logs.items()]
        return Ingest(store, "example.org", sources, SERVERS)

    watch = ingest()
    watch.read()
    first, retry = mail("alice", "08:01:00").splitlines(keepends=True)
    for text in (first, retry, mail("bob", "08:01:00", "198.51.100.200", "4A1B2C3D4F")):
        if restart:
            watch.store.close()
            watch = ingest()
        with logs["postfix"].open("a", encoding="utf-8") as file:
            file.write(text)
        watch.read()
    found = watch.store._do(
        "SELECT kind, account, client_ip, network FROM events WHERE kind IN ('submission', 'delivery') ORDER BY number"
    )
    watch.store.close()
    assert found == [
        ("submission", "alice", "203.0.113.5", "203.0.113.0/24"),
        ("delivery", "alice", "203.0.113.5", "203.0.113.0/24"),
        ("submission", "bob", "198.51.100.200", None),
        ("delivery", "bob", "198.51.100.200", None),
    ]
