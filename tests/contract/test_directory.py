"""The directory port, alike on the stand-in and on a real OpenLDAP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from servers import slapd as server_of
from servers.slapd import Slapd

from responder.demo.directory import Person, StandInDirectory
from responder.errors import (
    AccountAmbiguous,
    AccountNotFound,
    ChangedMeanwhile,
    SystemRefused,
    SystemUnreachable,
)
from responder.systems.aliases import Aliases
from responder.systems.facts import SiteFacts
from responder.systems.openldap import FOR_GOOD, OpenLdap, OpenLdapSettings

SITE = SiteFacts("Example University", "example.org", "help", "de")


@dataclass
class Subject:
    """A directory under test: the adapter, and a way to see from outside whether a login is let in."""

    directory: OpenLdap
    settings: dict[str, Any]
    lets_in: Any


@pytest.fixture(params=["stand-in", "slapd"])
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """Each test runs on both."""
    if request.param == "slapd":
        server: Slapd = request.getfixturevalue("slapd")
        monkeypatch.setenv("DIRECTORY_PASSWORD", server.service_password)
        settings = {
            "servers": [server.url],
            "start_tls": True,
            "ca_file": str(server.ca),
            "bind_dn": server.service_dn,
            "base": server.people_base,
        }
        yield Subject(_directory(settings), settings, lambda uid: server.bind(uid, server.password_of(uid)))
        return
    people = [
        Person(
            uid="amartel",
            name="Alice Martel",
            mail="amartel@example.org",
            backup_address="amartel.home@example.net",
            mobile="+33639980001",
            language="fr",
            password="pw-amartel",
            employee_type="student",
        ),
        Person("bnorton", "Bruce Norton", "bnorton@example.org", "", "", "en-GB", "pw", "student"),
        Person("cozturk", "Ceyda Öztürk", "cozturk@example.org", "", "", "en", "pw", "staff"),
        Person("mli", "梅 李", "mli@example.org", "", "", "en", "pw", "staff"),
        Person("twin", "Thea Winter", "shared@example.org", "", "", "en", "pw", "staff"),
        Person("shared", "Tom Winter", "twin@example.org", "", "", "en", "pw", "staff"),
    ]
    with StandInDirectory(people) as stand_in:
        monkeypatch.setenv("DIRECTORY_PASSWORD", stand_in.service_password)
        settings = {
            "servers": [stand_in.url],
            "allow_clear_text": True,
            "bind_dn": stand_in.service_dn,
            "base": stand_in.people_base,
        }
        yield Subject(_directory(settings), settings, lambda uid: not stand_in.is_locked(uid))


def _directory(settings: dict[str, Any]) -> OpenLdap:
    written = {"kind": "openldap", "password": {"env": "DIRECTORY_PASSWORD"}, "timeout": 5, **settings}
    return OpenLdap(OpenLdapSettings.model_validate(written), SITE)


@pytest.mark.parametrize("account", ["amartel", "AMARTEL", "amartel@example.org", "amartel@EXAMPLE.ORG"])
def test_an_owner_is_found_by_login_with_or_without_the_domain(subject: Subject, account: str) -> None:
    """The facts come as they are in the entry, the number as E.164."""
    owner = subject.directory.owner(account)
    assert owner.name == "Alice Martel"
    assert owner.backup_address == "amartel.home@example.net"
    assert (owner.mobile, owner.language) == ("+33639980001", "fr")
    assert owner.dn.startswith("uid=amartel,ou=people,")


def test_facts_that_an_entry_lacks_are_none(subject: Subject) -> None:
    """No mobile and no backup address are None; names of any script come through."""
    owner = subject.directory.owner("cozturk")
    assert (owner.name, owner.mobile, owner.backup_address) == ("Ceyda Öztürk", None, None)
    assert "李" in subject.directory.owner("mli").name


@pytest.mark.parametrize(
    "account",
    [
        "nobody",
        "",
        " ",
        "*",
        "a*",
        "amartel)(uid=*",
        "\\2a",
        "\\5c28",
        "(",
        "\\",
        "amartel@other.example",
        "\x00",
        "é" * 500,
    ],
)
def test_an_account_that_is_not_there_is_said_so(subject: Subject, account: str) -> None:
    """Whatever an attacker types as a login is looked for as it is, never as a filter."""
    with pytest.raises(AccountNotFound) as caught:
        subject.directory.owner(account)
    assert caught.value.account == account


def test_two_entries_for_one_account_are_noticed(subject: Subject) -> None:
    """None of them is picked."""
    with pytest.raises(AccountAmbiguous, match="2 entries for account 'twin"):
        subject.directory.owner("twin@example.org")


def test_the_other_names_of_an_account_are_told(subject: Subject) -> None:
    """By the attributes that are configured; none are asked for where there are none."""
    found = subject.directory.aliases()
    assert found.entries >= 6
    assert "twin" in found.refused
    settings = {**subject.settings, "aliases": ["supannMailPerso", "noSuchAttribute"]}
    assert _directory(settings).aliases().accounts["amartel.home@example.net"] == "amartel"
    away = subject.settings["servers"][0].rpartition(":")[0] + ":1"
    assert _directory({**settings, "aliases": [], "servers": [away]}).aliases() == Aliases()


def test_locking_shuts_and_unlocking_gives_back(subject: Subject) -> None:
    """The login is refused in between, and the values are those of before."""
    entry = subject.directory.owner("amartel").entry_id
    before = subject.directory.lock_state(entry)
    assert (before.locked, before.values, before.ignored_by) == (False, (), None)
    subject.directory.lock(before)
    try:
        assert subject.directory.lock_state(entry).locked
        assert not subject.lets_in("amartel")
    finally:
        subject.directory.unlock(before)
    assert subject.directory.lock_state(entry) == before
    assert subject.lets_in("amartel")


def test_a_lock_of_before_is_put_back(subject: Subject) -> None:
    """A lock for some time, set after wrong passwords, is there again afterwards."""
    directory = subject.directory
    entry = directory.owner("bnorton").entry_id
    free = directory.lock_state(entry)
    directory._swap(entry, [], ["20260101000000Z"])
    before = directory.lock_state(entry)
    try:
        directory.lock(before)
        assert directory.lock_state(entry).values == (FOR_GOOD,)
        directory.unlock(before)
        assert directory.lock_state(entry).values == ("20260101000000Z",)
    finally:
        directory._swap(entry, ["20260101000000Z"], [])
    assert directory.lock_state(entry) == free


def test_a_lock_that_is_not_as_it_was_seen_is_left_alone(subject: Subject) -> None:
    """Locking twice and unlocking twice are refused the second time."""
    entry = subject.directory.owner("bnorton").entry_id
    before = subject.directory.lock_state(entry)
    subject.directory.lock(before)
    try:
        with pytest.raises(ChangedMeanwhile):
            subject.directory.lock(before)
    finally:
        subject.directory.unlock(before)
    with pytest.raises(ChangedMeanwhile):
        subject.directory.unlock(before)


def test_the_server_itself_refuses_to_change_what_is_not_as_named(subject: Subject) -> None:
    """Between our reading and our writing nobody can slip in: the request names the old value."""
    directory = subject.directory
    owner = directory.owner("bnorton")
    with pytest.raises(ChangedMeanwhile):
        directory._client.modify(owner.dn, "pwdAccountLockedTime", [("delete", [FOR_GOOD])])
    assert directory.lock_state(owner.entry_id).values == ()


def test_an_entry_that_is_gone_is_said_so(subject: Subject) -> None:
    """An identifier that no entry has any more raises AccountNotFound."""
    with pytest.raises(AccountNotFound):
        subject.directory.lock_state("00000000-0000-4000-8000-000000000000")


def test_a_wrong_password_is_refused(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a server that is away."""
    subject.directory.ping()
    monkeypatch.setenv("DIRECTORY_PASSWORD", "wrong")
    with pytest.raises(SystemRefused, match="invalidCredentials"):
        subject.directory.ping()


def test_a_base_that_is_not_there_is_refused(subject: Subject) -> None:
    """It must not read as "no such account"."""
    directory = _directory({**subject.settings, "base": "ou=nowhere,dc=example,dc=org"})
    with pytest.raises(SystemRefused):
        directory.owner("amartel")
    with pytest.raises(SystemRefused, match="search base"):
        directory.ping()


def test_the_next_server_is_asked_when_one_is_away(subject: Subject) -> None:
    """Servers are tried in order; when none answers, each is named."""
    away = subject.settings["servers"][0].rpartition(":")[0] + ":1"
    directory = _directory({**subject.settings, "servers": [away, *subject.settings["servers"]]})
    assert directory.owner("amartel").name == "Alice Martel"
    with pytest.raises(SystemUnreachable, match=f"directory: {away}: "):
        _directory({**subject.settings, "servers": [away]}).owner("amartel")


def test_tls_from_the_start_works_and_is_verified(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority that is not trusted ends the connection before the password is sent."""
    monkeypatch.setenv("DIRECTORY_PASSWORD", slapd.service_password)
    settings = {"servers": [slapd.tls_url], "bind_dn": slapd.service_dn, "base": slapd.people_base}
    assert _directory({**settings, "ca_file": str(slapd.ca)}).owner("amartel").name == "Alice Martel"
    for untrusted in (settings, {**settings, "servers": [slapd.url], "start_tls": True}):
        with pytest.raises(SystemUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            _directory(untrusted).ping()


def test_the_name_of_the_server_is_verified(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of another name proves nothing."""
    monkeypatch.setenv("DIRECTORY_PASSWORD", slapd.service_password)
    settings = {
        "servers": [slapd.tls_url.replace("127.0.0.1", "127.0.0.2")],
        "ca_file": str(slapd.ca),
        "bind_dn": slapd.service_dn,
        "base": slapd.people_base,
    }
    with pytest.raises(SystemUnreachable):
        _directory(settings).ping()


def test_a_policy_that_ignores_locks_is_noticed(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry's own policy, or the default one where it is configured."""
    monkeypatch.setenv("DIRECTORY_PASSWORD", slapd.service_password)
    settings = {
        "servers": [slapd.tls_url],
        "ca_file": str(slapd.ca),
        "bind_dn": slapd.service_dn,
        "base": slapd.people_base,
    }
    policies = f"ou=policies,{slapd.base}"
    plain = _directory(settings)
    ignoring = plain.lock_state(plain.owner("ksvensson").entry_id)
    assert ignoring.ignored_by == f"cn=nolockout,{policies}"
    configured = _directory({**settings, "default_policy": f"cn=nolockout,{policies}"})
    entry = configured.owner("amartel").entry_id
    assert configured.lock_state(entry).ignored_by == f"cn=nolockout,{policies}"
    assert (
        _directory({**settings, "default_policy": f"cn=default,{policies}"}).lock_state(entry).ignored_by
        is None
    )


def test_an_entry_is_followed_when_it_moves(fresh_slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is locked where it is now, by the identifier that it keeps."""
    server = fresh_slapd
    monkeypatch.setenv("DIRECTORY_PASSWORD", server.service_password)
    directory = _directory(
        {
            "servers": [server.url],
            "start_tls": True,
            "ca_file": str(server.ca),
            "bind_dn": server.service_dn,
            "base": server.people_base,
        }
    )
    owner = directory.owner("amartel")
    before = directory.lock_state(owner.entry_id)
    with server.session(server.root_dn, server.root_password) as root:
        assert root.modify_dn(
            owner.dn, "uid=amartel+cn=Doe\\, J", new_superior=f"ou=staff,{server.people_base}"
        )
    directory.lock(before)
    after = directory.lock_state(owner.entry_id)
    assert after.locked
    assert after.dn != owner.dn
    assert "ou=staff" in after.dn


MANY = 1600


def _crowd() -> list[server_of.Person]:
    """More people than a server lists in one answer; one of them claims what is others'."""
    crowd = [
        server_of.Person(f"u{n:04}", "A", "B", "pw", alternates=(f"name.{n}@example.org",))
        for n in range(MANY)
    ]
    claimed = ("u0001@example.org", "Name.2@example.org", "eve.e@example.net", "no address")
    return [*crowd, server_of.Person("eve", "Eve", "E", "pw", alternates=claimed)]


def test_all_names_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no answer may hold so many; of a part of them nothing is taken."""
    with Slapd(_crowd()) as server:
        monkeypatch.setenv("DIRECTORY_PASSWORD", server.service_password)
        settings = {
            "servers": [server.tls_url],
            "ca_file": str(server.ca),
            "bind_dn": server.service_dn,
            "base": server.people_base,
        }
        found = _directory(settings).aliases()
        expected = {f"name.{n}": f"u{n:04}" for n in range(MANY) if n != 2} | {"eve.e@example.net": "eve"}
        assert found == Aliases(expected, ("name.2", "u0001"), MANY + 1)

        pages = _directory(settings)._client.pages(server.people_base, "(uid=*)", ["uid"])
        assert len(next(pages)) < MANY
        server.stop()
        with pytest.raises(SystemUnreachable):
            next(pages)
        configuration = server.folder / "slapd.conf"
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(
            text.replace("size.prtotal=unlimited", "size.prtotal=1000"), encoding="utf-8"
        )
        server.start()
        with pytest.raises(
            SystemRefused, match=r"some of its entries; give our account 'size\.prtotal=unlimited'"
        ):
            _directory(settings).aliases()


def test_a_directory_that_shows_no_login_is_told_of(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not read as "there are no other names"."""
    monkeypatch.setenv("DIRECTORY_PASSWORD", slapd.service_password)
    settings = {
        "servers": [slapd.tls_url],
        "ca_file": str(slapd.ca),
        "bind_dn": slapd.service_dn,
        "base": f"ou=policies,{slapd.base}",
    }
    with pytest.raises(SystemRefused, match="shows its uid; give the right to read it"):
        _directory(settings).aliases()


def test_a_server_that_is_back_is_used_again(fresh_slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of the connection that broke."""
    server = fresh_slapd
    monkeypatch.setenv("DIRECTORY_PASSWORD", server.service_password)
    directory = _directory(
        {
            "servers": [server.url],
            "start_tls": True,
            "ca_file": str(server.ca),
            "bind_dn": server.service_dn,
            "base": server.people_base,
        }
    )
    directory.ping()
    server.stop()
    with pytest.raises(SystemUnreachable):
        directory.ping()
    server.start()
    directory.ping()
