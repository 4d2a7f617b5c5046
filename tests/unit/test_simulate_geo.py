"""The geo database says of every address what its table says, to the readers that a site has."""

from __future__ import annotations

from ipaddress import ip_network

import maxminddb
import pytest

from responder.simulate.mmdb import geo_database
from responder.simulate.network import Internet

ROWS = Internet().rows()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """The database, opened."""
    path = tmp_path_factory.mktemp("geo") / "geo.mmdb"
    path.write_bytes(geo_database(ROWS, 1_757_800_800))
    with maxminddb.open_database(path) as opened:
        yield opened


def test_first_and_last_address_of_every_network(reader):
    """IPv4 and IPv6."""
    for network, country, asn, organisation in ROWS:
        expected = {
            "country": {"iso_code": country},
            "autonomous_system_number": asn,
            "autonomous_system_organization": organisation,
        }
        for address in (ip_network(network)[0], ip_network(network)[-1]):
            assert reader.get(str(address)) == expected


@pytest.mark.parametrize("address", ["10.1.0.11", "127.0.0.1", "198.19.0.1", "255.1.2.3", "2001:db8:ffff::1"])
def test_other_addresses_are_nowhere(reader, address):
    """Private ones, and those of nobody."""
    assert reader.get(address) is None


def test_metadata(reader):
    """What readers look at before anything else."""
    about = reader.metadata()
    assert (about.ip_version, about.record_size, about.build_epoch) == (6, 24, 1_757_800_800)


def test_long_texts_are_whole(tmp_path):
    """A size of 29 or more takes another byte."""
    (tmp_path / "one.mmdb").write_bytes(geo_database([("240.0.0.0/16", "XA", 64512, "x" * 200)], 1))
    with maxminddb.open_database(tmp_path / "one.mmdb") as opened:
        assert opened.get("240.0.1.1")["autonomous_system_organization"] == "x" * 200


def test_countries_and_systems_are_nobodys():
    """User-assigned codes (ISO 3166) and private numbers (RFC 6996)."""
    assert {
        country
        for _, country, _, _ in ROWS
        if not (country in ("AA", "ZZ") or country[0] == "X" or "QM" <= country <= "QZ")
    } == set()
    assert all(64512 <= asn <= 65534 for _, _, asn, _ in ROWS)
