"""Other names of accounts: whose each is when people may write them, and that they are kept."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from responder.errors import ResponderError
from responder.events.account import canonical_name
from responder.state.aliases import keep, kept, read_kept
from responder.state.database import open_state
from responder.systems.aliases import settled


def accounts(*claims: tuple[list[str], list[str]]) -> dict[str, str]:
    """Whose names are which, of entries with logins and addresses."""
    return settled(claims, "example.org").accounts


def test_an_address_is_of_the_entry_that_has_it():
    """In small letters, without tag and own domain; the login's own address is no other name."""
    found = settled(
        [(["JDoe"], ["jdoe@example.org", "John.Doe+x@Example.ORG", "doe@students.example.org"])],
        "Example.org",
    )
    assert found.accounts == {"john.doe": "jdoe", "doe@students.example.org": "jdoe"}
    assert (found.refused, found.entries) == ((), 1)


@pytest.mark.parametrize("claimed", ["victim", "VICTIM@example.org", "victim+x@Example.org", "Second"])
def test_a_login_is_taken_from_nobody(claimed):
    """Whoever writes it into their own entry; it is told of."""
    address = claimed if "@" in claimed else f"{claimed}@example.org"
    found = settled(
        [(["eve"], [address, "eve.e@example.org"]), (["victim", "second"], ["v@example.org"])], "example.org"
    )
    assert found.accounts == {"eve.e": "eve", "second": "victim", "v": "victim"}
    assert found.refused == (claimed.lower().partition("@")[0].partition("+")[0],)


def test_what_two_entries_claim_is_of_neither():
    """In whatever form."""
    found = settled(
        [(["a"], ["x@example.org", "y@example.net"]), (["b"], ["X+tag@example.org"])], "example.org"
    )
    assert found.accounts == {"y@example.net": "a"}
    assert found.refused == ("x",)


def test_what_one_entry_has_twice_is_its_own():
    """In several attributes."""
    assert accounts((["a"], ["x@example.org", "X@example.org"])) == {"x": "a"}


def test_an_account_of_two_entries_gets_no_other_names():
    """Nobody could tell whose mail it is."""
    found = settled(
        [(["twin"], ["thea@example.org"]), (["Twin"], ["tom@example.org"]), (["t"], ["u@example.org"])],
        "example.org",
    )
    assert (found.accounts, found.refused) == ({"u": "t"}, ("twin",))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bare",
        "@example.org",
        "a@",
        "+a@example.org",
        "a@b@example.org",
        "other@example.org+x",
        "a b@example.org",
        "a\x00@example.org",
        "a\n@example.org",
        "a\u202e@example.org",
        "a\ufffd@example.org",
        f"{'a' * 250}@example.org",
    ],
)
def test_what_is_no_address_is_passed_over(value):
    """And the rest of the entry is read."""
    found = settled([(["a"], [value, "good@example.org"])], "example.org")
    assert (found.accounts, found.refused) == ({"good": "a"}, ())


def test_an_entry_without_a_login_claims_nothing():
    """Nor does one whose logins are none."""
    assert accounts(([], ["x@example.org"]), (["\x00", "+"], ["y@example.org"])) == {}


values = st.text("ab+@. E", max_size=4) | st.sampled_from(["a@example.org", "b@example.org", "a", "B"])


@given(st.lists(st.tuples(st.lists(values, max_size=2), st.lists(values, max_size=3)), max_size=5))
@settings(max_examples=200, deadline=None)
@example([(["@", "a@example.org"], []), (["+", "a"], [])])
@example([(["@", "E"], []), (["+", "@"], [])])
def test_no_claim_changes_what_a_login_means(claims):
    """Whatever stands in the entries: a login that is another name is so of its own entry only."""
    logins = [{canonical_name(each, "example.org") for each in own if " " not in each} for own, _ in claims]
    for name, account in accounts(*claims).items():
        assert all(account in own for own in logins if name in own)
        assert sum(account in own for own in logins) == 1
        assert account not in accounts(*claims)


def test_names_are_kept_and_changed_in_one_go(tmp_path):
    """Only what changed is written; a reader that may not write sees the same."""
    path = tmp_path / "state.sqlite"
    assert read_kept(path) == {}
    assert not path.exists()
    state = open_state(path)
    for names, changed in (
        ({"a": "x", "b": "x"}, 2),
        ({"a": "x", "b": "x"}, 0),
        ({"a": "y", "c": "x"}, 3),
        ({}, 2),
        ({"d": "x"}, 1),
    ):
        with state.begin() as connection:
            assert keep(connection, names) == changed
        with state.connect() as connection:
            assert kept(connection) == names
        assert read_kept(path) == names
    state.dispose()
    assert read_kept(path) == {"d": "x"}


def test_a_state_that_cannot_be_read_is_told_of(tmp_path):
    """Of another version, or no database at all."""
    path = tmp_path / "state.sqlite"
    open_state(path).dispose()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(ResponderError, match=r"state\.sqlite: is of version 99, this responder knows \d+"):
        read_kept(path)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ResponderError, match=r"state\.sqlite: cannot be read: file is not a database"):
        read_kept(path)
