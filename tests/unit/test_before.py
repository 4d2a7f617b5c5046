"""Lines of before that later ones need: a login, and what is handed in over that connection when the log is cut."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from reading import run_of

from responder.events.bulk import read_events
from responder.events.store import DuckDBStore
from responder.formats import format_named
from responder.live.ingest import Ingest
from responder.sources import given
from responder.sources.before import MOST, carried, read_back, with_before, written
from responder.sources.followed import FollowedFile

UTC = ZoneInfo("UTC")
SENDMAIL = [
    "Nov 24 08:00:00 mx1 sm-mta[11]: AUTH=server, relay=pc.example.org [203.0.113.5], authid=alice, mech=PLAIN, bits=0",
    "Nov 24 08:00:01 mx1 sm-mta[11]: 4AO801ab000011: from=<alice@example.org>, size=9, class=0, nrcpts=1, "
    "msgid=<1@example.org>, proto=ESMTPSA, daemon=MSA, relay=pc.example.org [203.0.113.5]",
    "Nov 24 08:00:02 mx1 sm-mta[12]: 4AO801ab000011: to=<a@example.com>, delay=00:00:01, xdelay=00:00:01, "
    "mailer=esmtp, pri=30009, relay=mx.example.com. [198.51.100.7], dsn=2.0.0, stat=Sent (ok)",
]
OPENSMTPD = [
    "Nov 24 08:00:00 mx1 smtpd[11]: 0123456789abcdef smtp connected address=203.0.113.5 host=pc.example.org",
    "Nov 24 08:00:00 mx1 smtpd[11]: 0123456789abcdef smtp authentication user=alice result=ok",
    "Nov 24 08:00:01 mx1 smtpd[11]: 0123456789abcdef smtp message msgid=89abcdef size=9 nrcpt=1 proto=ESMTP",
    "Nov 24 08:00:02 mx1 smtpd[11]: fedcba9876543210 mta delivery evpid=89abcdef01234567 from=<alice@example.org> "
    'to=<a@example.com> rcpt=<-> source="192.0.2.1" relay="198.51.100.7 (mx.example.com)" delay=1s result="Ok" '
    'stat="250 2.0.0 ok"',
]
LOGS = {"sendmail": SENDMAIL, "opensmtpd": OPENSMTPD}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_says_the_same_wherever_it_is_cut(tmp_path, monkeypatch, name):
    """Into files, and into pieces within one: a submission, its delivery and one login."""
    whole = None
    for chunk in (given.CHUNK, 200, 400):
        monkeypatch.setattr(given, "CHUNK", chunk)
        for cut in range(len(LOGS[name])):
            files = [tmp_path / "a.log", tmp_path / "b.log"]
            for file, lines in zip(files, (LOGS[name][:cut], LOGS[name][cut:]), strict=True):
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            problems = []
            parts = list(read_events(files, format_named(name), UTC, None, problems))
            events = pl.concat([part.flat() for part in parts]).filter(pl.col("kind") != "loss")
            told = sorted(events.select("kind", "account", "client_ip").rows())
            assert problems == []
            whole = whole or told
            assert told == whole
    assert whole == [(kind, "alice", "203.0.113.5") for kind in ("delivery", "login", "submission")]


def test_lines_in_front_have_no_number_and_say_nothing_twice():
    """Neither an event nor a problem."""
    odd = SENDMAIL[0].replace("authid=alice", "authid=")
    read_as = format_named("sendmail")
    first = run_of(SENDMAIL[0], odd)
    said = read_as.read(first)
    assert [len(said.logins), len(said.problems)] == [1, 1]
    lines = run_of(*SENDMAIL[1:], first=3)
    later = with_before(lines)
    assert later is lines
    lines = replace(lines, before=carried(first, read_as.before))
    assert [with_before(lines).number(n) for n in range(4)] == [0, 0, 3, 4]
    said = read_as.read(lines)
    assert [said.starts["line"].to_list(), len(said.logins), said.problems] == [[3], 0, ()]


def test_the_latest_lines_are_carried_on():
    """As many as are read in a moment; those of long ago are of connections that have ended."""
    first = run_of(*(f"login {n}" for n in range(MOST)), "else")
    assert carried(first, "^login").to_list()[:2] == ["login 0\n", "login 1\n"]
    then = replace(run_of("login x", "else"), before=carried(first, "^login"))
    assert carried(then, "^login").to_list()[:: MOST - 1] == ["login 1\n", "login x\n"]
    assert carried(then, "").to_list() == []


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_is_followed_says_the_same_as_one_that_is_read_whole(tmp_path, name):
    """Line by line, with a new process for each."""
    log = tmp_path / "mail.log"
    log.touch()
    for line in ["", *LOGS[name]]:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        store = DuckDBStore(tmp_path / "events.duckdb", b"key")
        Ingest(store, None, [(FollowedFile(log, UTC), format_named(name))]).read()
        found = store._do("SELECT kind, account, client_ip FROM events WHERE kind <> 'loss' ORDER BY kind")
        store.close()
    assert found == [(kind, "alice", "203.0.113.5") for kind in ("delivery", "login", "submission")]


def test_lines_that_are_kept_come_back_as_they_were():
    """Whatever is in them."""
    lines = pl.Series("text", ["a\n", "b\r\n", "c\x0bd\u2028e\n", "\n"])
    assert read_back(written(lines)).equals(lines)
    assert read_back("").to_list() == []
