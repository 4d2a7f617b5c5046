"""Countries and autonomous systems, by databases in MaxMind's form; and what is the site's own."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import polars as pl
import pytest

from responder.errors import BadInput
from responder.events.geo import Geo
from responder.events.home import Home
from responder.simulate.mmdb import geo_database

BUILT = 1_763_971_200


@pytest.fixture
def database(tmp_path: Path) -> Path:
    rows = [("203.0.113.0/24", "XA", 64500, "One"), ("2001:db8::/32", "XB", 64501, "Two")]
    path = tmp_path / "geo.mmdb"
    path.write_bytes(geo_database(rows, BUILT))
    return path


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", ("XA", 64500)),
        ("2001:db8::1", ("XB", 64501)),
        ("2001:db8::1%eth0", ("XB", 64501)),
        ("198.51.100.1", (None, None)),
        ("unknown", (None, None)),
        ("", (None, None)),
    ],
)
def test_where_an_address_is(database, address, expected):
    """What is no address, or in no network that is known, is nowhere."""
    assert Geo([database]).of(address) == expected


def test_several_databases_are_one(database, tmp_path):
    """The first that knows counts."""
    other = tmp_path / "other.mmdb"
    rows = [("203.0.113.0/24", "XC", 64502, "Three"), ("198.51.100.0/24", "XD", 64503, "Four")]
    other.write_bytes(geo_database(rows, BUILT))
    geo = Geo([database, other])
    assert (geo.of("203.0.113.9"), geo.of("198.51.100.9")) == (("XA", 64500), ("XD", 64503))


@pytest.mark.parametrize("content", [b"", b"network,country\n", None])
def test_a_file_that_is_no_database_is_told_of(tmp_path, content):
    """With its name, and what it should be."""
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"geo\.mmdb: cannot be read: "):
        Geo([path])


def test_our_own_servers_and_private_addresses_tell_no_origin(database):
    """Even where the database knows them."""
    home = Home("example.org", [ip_network("203.0.113.9")], Geo([database]))
    found = home.origins(pl.Series(["203.0.113.9", "203.0.113.8", "10.0.0.1", None, "203.0.113.8"]))
    assert sorted(found.rows()) == [
        ("10.0.0.1", None, None, None),
        ("203.0.113.8", "203.0.113.0/24", "XA", 64500),
        ("203.0.113.9", None, None, None),
    ]


@pytest.mark.parametrize("domain", ["example.org", "Mail.Example.ORG"])
def test_what_is_outside(domain):
    """Registrable domains are compared; an address without one is of the site."""
    domains = pl.Series(["example.org", "example.com", None], dtype=pl.String)
    assert Home(domain).outside(domains).to_list() == [False, True, False]
