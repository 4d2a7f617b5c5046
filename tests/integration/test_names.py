"""Other names of accounts, from a real directory into what is read, kept for when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from servers.slapd import Slapd
from structlog.testing import capture_logs

from responder.detections.detect import detect, probes
from responder.detections.detection import load_detections
from responder.events.store import DuckDBStore
from responder.formats import format_named
from responder.live.ingest import Ingest
from responder.live.names import NameBook
from responder.site.shipped import shipped
from responder.sources.followed import FollowedFile
from responder.state.aliases import read_kept
from responder.state.database import open_state
from responder.systems.facts import SiteFacts
from responder.systems.openldap import OpenLdap, OpenLdapSettings

ALIAS = "Helene.Lefevre@example.org"
HEAD = "Nov 24 08:00:{second:02} mx1 postfix"
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


def mail(login: str, first: int, number: int) -> list[str]:
    """A message that ``login`` hands in for so many recipients, each of another domain."""
    queue_id, head = f"4A1B2C{first:04X}", HEAD.format(second=first // 10)
    lines = [
        f"{head}/smtpd[1]: {queue_id}: client=x[203.0.113.5], sasl_method=PLAIN, sasl_username={login}\n"
    ]
    return lines + [
        f"{head}/smtp[2]: {queue_id}: to=<a@shop{each}.example>, {RELAY}, dsn=2.0.0, status=sent (250 ok)\n"
        for each in range(first, first + number)
    ]


@pytest.fixture
def directory(fresh_slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> OpenLdap:
    """The adapter of a directory of the test's own."""
    monkeypatch.setenv("DIRECTORY_PASSWORD", fresh_slapd.service_password)
    written = {
        "kind": "openldap",
        "servers": [fresh_slapd.tls_url],
        "ca_file": str(fresh_slapd.ca),
        "bind_dn": fresh_slapd.service_dn,
        "password": {"env": "DIRECTORY_PASSWORD"},
        "base": fresh_slapd.people_base,
    }
    return OpenLdap(OpenLdapSettings.model_validate(written), SiteFacts("n", "example.org", "h", "en"))


@contextmanager
def serving(
    folder: Path, directory: OpenLdap | None, protected: list[str] | None = None
) -> Iterator[NameBook]:
    """A name book at work, and the reading that it hands its names to."""
    state = open_state(folder / "state.sqlite")
    with closing(DuckDBStore(folder / "events.duckdb", b"key")) as store:
        sources = [(FollowedFile(folder / "mail.log", ZoneInfo("UTC")), format_named("postfix"))]
        book = NameBook(
            state, directory, Ingest(store, "example.org", sources), "example.org", protected or []
        )
        book.begin()
        yield book
    state.dispose()


def add(folder: Path, lines: list[str]) -> None:
    """Lines at the log's end."""
    with (folder / "mail.log").open("a", encoding="utf-8") as log:
        log.writelines(lines)


def accounts(book: NameBook) -> set[str]:
    """Every account of which there are events."""
    return set(book.ingest.store.touched(0, book.ingest.store.last_number())["account"].unique())


def test_a_hijack_by_an_alias_counts_for_the_account(
    tmp_path: Path, fresh_slapd: Slapd, directory: OpenLdap
) -> None:
    """Half of it by the login, half by the alias, after a restart with the directory away."""
    add(tmp_path, mail("hlefevre", 0, 60))
    with serving(tmp_path, directory) as book:
        book.ingest.read()
    fresh_slapd.stop()
    with capture_logs() as said, serving(tmp_path, directory) as book:
        book.refresh()
        book.refresh()
        add(tmp_path, mail(ALIAS, 100, 60))
        book.ingest.read()
        assert accounts(book) == {"hlefevre"}
        store = book.ingest.store
        moments = probes(store.touched(0, store.last_number()), 15)
        hits = detect(store, load_detections([shipped("detections")]), moments, {}, timedelta(days=1))
    [hit] = [each for each in hits if each.detection == "many-recipients"]
    assert (hit.account, hit.figures["recipients"]) == ("hlefevre", 120)
    [warning] = [each for each in said if each["event"].startswith("no names from the directory")]
    assert "Connection refused" in warning["what"]


def test_names_that_change_in_the_directory_hold_from_the_next_look_on(
    tmp_path: Path, fresh_slapd: Slapd, directory: OpenLdap
) -> None:
    """Given to another, made ambiguous by somebody who claims it, and given up."""
    add(tmp_path, [])
    expected = ["hlefevre", "amartel", "helene.lefevre", "helene.lefevre"]
    changes = [
        {"hlefevre": ALIAS},
        {"hlefevre": None, "amartel": ALIAS},
        {"hlefevre": ALIAS},
        {"hlefevre": None, "amartel": None},
    ]
    with capture_logs() as said, serving(tmp_path, directory) as book:
        for turn, (change, account) in enumerate(zip(changes, expected, strict=True)):
            for uid, value in change.items():
                fresh_slapd.modify(uid, mailAlternateAddress=value)
            book.refresh()
            before = book.ingest.store.last_number()
            add(tmp_path, mail(ALIAS, turn * 10, 1))
            book.ingest.read()
            touched = book.ingest.store.touched(before, book.ingest.store.last_number())
            assert set(touched["account"]) == {account}
    refused = [each for each in said if each["event"].startswith("names that several entries")]
    assert [each["such_as"] for each in refused] == [["twin"], ["helene.lefevre", "twin"], ["twin"]]


def test_a_protected_name_stays_the_name_of_its_own(tmp_path: Path, directory: OpenLdap) -> None:
    """Its protection must not end with an entry in the directory, whoever wrote it."""
    add(tmp_path, [*mail("h.noel@example.org", 0, 1), *mail(ALIAS, 10, 1)])
    with serving(tmp_path, directory, ["H.No?l", "root"]) as book:
        book.ingest.read()
        assert accounts(book) == {"h.noel", "hlefevre"}


def test_without_a_directory_no_names_are_kept(tmp_path: Path, directory: OpenLdap) -> None:
    """Those of one that the site no longer has are forgotten."""
    add(tmp_path, mail(ALIAS, 0, 1))
    with serving(tmp_path, directory):
        assert read_kept(tmp_path / "state.sqlite")["helene.lefevre"] == "hlefevre"
    with serving(tmp_path, None) as book:
        book.refresh()
        book.ingest.read()
        assert accounts(book) == {"helene.lefevre"}
    assert read_kept(tmp_path / "state.sqlite") == {}


def test_without_its_secret_the_site_serves_all_the_same(
    tmp_path: Path, directory: OpenLdap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning says which one is missing."""
    add(tmp_path, mail(ALIAS, 0, 1))
    monkeypatch.delenv("DIRECTORY_PASSWORD")
    with capture_logs() as said, serving(tmp_path, directory) as book:
        book.ingest.read()
        assert accounts(book) == {"helene.lefevre"}
    assert "DIRECTORY_PASSWORD" in next(each["what"] for each in said if "what" in each)
