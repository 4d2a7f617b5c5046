"""One name for each account: case, tags, the site's own domain and the directory's other names."""

from __future__ import annotations

import polars as pl
import pytest

from responder.events.account import Names, canonical, canonical_name

NAMES = Names.of(
    "Example.org",
    {"john.doe": "jdoe", "j.doe@students.example.org": "jdoe", "ann": "amartel", "zoë@example.net": "zoe"},
)


@pytest.mark.parametrize(
    ("typed", "account"),
    [
        ("jdoe", "jdoe"),
        ("JDoe@EXAMPLE.org", "jdoe"),
        ("john.doe@example.org", "jdoe"),
        ("John.Doe+news@Example.ORG", "jdoe"),
        ("john.doe", "jdoe"),
        ("J.Doe@students.example.org", "jdoe"),
        ("j.doe", "j.doe"),
        ("j.doe@example.org", "j.doe"),
        ("john.doe@example.net", "john.doe@example.net"),
        ("ZOË@example.net", "zoe"),
        ("amartel", "amartel"),
        ("a", "a"),
        ("zz", "zz"),
        ("", ""),
    ],
)
def test_every_name_of_an_account_is_the_account(typed, account):
    """An alias of the own domain with and without it; one of another domain in full only."""
    assert canonical_name(typed, NAMES) == account


def test_a_batch_is_resolved_in_its_order():
    """Names that come again, are not known or are not there stay where they stand."""
    batch = pl.DataFrame({"account": ["ann", None, "eve", "John.Doe@example.org", "ann", "amartel"]})
    found = batch.select(canonical(pl.col("account"), NAMES))["account"]
    assert found.to_list() == ["amartel", None, "eve", "jdoe", "amartel", "amartel"]


@pytest.mark.parametrize("values", [[], [None, None], ["eve", None]])
def test_a_batch_without_any_other_name_stays_as_it_is(values):
    """Empty, without names, and with accounts only."""
    batch = pl.DataFrame({"account": values}, schema={"account": pl.String})
    assert batch.select(canonical(pl.col("account"), NAMES)).equals(batch)


def test_names_are_not_followed_from_one_to_the_next():
    """What a name stands for is an account."""
    assert canonical_name("a", Names.of(None, {"a": "b", "b": "c"})) == "b"


@pytest.mark.parametrize("names", [None, "example.org", Names("example.org"), Names.of("example.org", {})])
def test_without_other_names_nothing_more_is_done(names):
    """The site's own domain is enough, or nothing at all."""
    assert "python" not in str(canonical(pl.col("account"), names)).lower()
    assert "python" in str(canonical(pl.col("account"), NAMES)).lower()
    assert canonical_name("John.Doe+x", names) == "john.doe"
