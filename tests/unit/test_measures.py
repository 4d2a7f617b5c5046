"""Each measure, by a few events: what counts, what does not, and once or twice."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from reading import utc

from responder.detections.detect import PROBES
from responder.events.event import EVENTS
from responder.events.home import Home
from responder.events.store import DuckDBStore
from responder.measures import figures, measures
from responder.site.config import ip_network

EIGHT = utc(2025, 11, 24, 8)
ONE, TWO, THREE = "a@example.com", "b@example.net", "c@example.org"
COMMON = {"time": EIGHT, "host": "mx1", "account": "ann", "client_ip": "203.0.113.5"}


class Map:
    """Where addresses are, in the place of a database of thousands."""

    def of(self, address: str) -> tuple[str | None, int | None]:
        return {"203": ("XA", 64500), "198": ("XB", 64500), "192": (None, 64501)}.get(
            address[:3], (None, None)
        )


def sent(recipient: str = ONE, queue_id: str = "4A1B2C3D4E", **more: object) -> dict[str, object]:
    """A delivery."""
    domain = str(more.get("original") or recipient).partition("@")[2] or None
    return {
        **COMMON,
        "kind": "delivery",
        "queue_id": queue_id,
        "message": queue_id,
        "recipient": recipient,
        "recipient_domain": domain,
        "outcome": "sent",
        "dsn": "2.0.0",
        **more,
    }


def bounced(dsn: str, recipient: str = ONE, **more: object) -> dict[str, object]:
    """A delivery that failed for good."""
    return sent(recipient, outcome="bounced", dsn=dsn, **more)


def handed_in(address: str | None = "203.0.113.5") -> dict[str, object]:
    """A submission."""
    return {**COMMON, "kind": "submission", "queue_id": "4A1B2C3D4E", "client_ip": address}


def value(name: str, rows: list[dict[str, object]], home: Home | None = None) -> float | None:
    """The measure of ann five minutes later, None where she has no events."""
    home = home or Home("example.org", [ip_network("198.51.100.9")], Map())  # type: ignore[arg-type]
    store = DuckDBStore(None, b"key", home)
    store.add(pl.DataFrame(rows, schema=EVENTS), None, [])
    at = EIGHT + timedelta(minutes=5)
    probe = pl.DataFrame({"account": ["ann"], "at": [at], "floor": [None]}, schema=PROBES)
    found = store.measure(probe, 600, figures([name]))
    store.close()
    return float(found[name][0]) if len(found) else None


AGAIN = sent(time=EIGHT + timedelta(minutes=1))
"""A retry of the same recipient."""

CASES = {
    "messages": [(1, [handed_in()]), (2, [handed_in(), handed_in()]), (0, [sent()])],
    "recipients": [
        (2, [sent(), sent(TWO), AGAIN]),
        (2, [sent(), sent(queue_id="4A1B2C3D4F")]),
        (1, [sent(ONE, original="list@example.org"), sent(TWO, original="list@example.org")]),
        (0, [handed_in()]),
    ],
    "distinct_recipients": [
        (1, [sent(), sent(queue_id="4A1B2C3D4F"), AGAIN]),
        (2, [sent(), sent(TWO)]),
        (1, [sent(ONE, original="list@example.org"), sent(TWO, original="list@example.org")]),
    ],
    "external_recipients": [
        (2, [sent(), sent(TWO), sent(THREE), AGAIN]),
        (0, [sent(THREE), sent("root"), sent(ONE, original="list@example.org")]),
    ],
    "recipient_domains": [(2, [sent(), sent("d@example.com"), sent(TWO)]), (0, [sent("root")])],
    "unknown_user_bounces": [
        (1, [bounced("5.1.1"), bounced("5.1.1", time=EIGHT + timedelta(minutes=1)), sent(TWO)]),
        (0, [bounced("5.7.1"), sent(outcome="deferred", dsn="5.1.1"), bounced("5.2.2")]),
    ],
    "unknown_user_share": [(0.5, [bounced("5.1.1"), sent(TWO)]), (0, [sent()])],
    "reputation_rejects": [
        (2, [bounced("5.7.1"), bounced("5.7.26", TWO)]),
        (0, [bounced("5.1.1"), sent(outcome="deferred", dsn="4.7.1"), sent(dsn="5.7.1")]),
    ],
    "client_networks": [
        (2, [handed_in("203.0.113.5"), handed_in("203.0.113.6"), handed_in("198.51.100.7")]),
        (0, [handed_in("10.0.0.1"), handed_in("198.51.100.9"), handed_in(None)]),
    ],
    "client_addresses": [
        (2, [handed_in("203.0.113.5"), handed_in("203.0.113.6"), handed_in("203.0.113.6")]),
        (0, [handed_in("10.0.0.1"), handed_in("198.51.100.9"), handed_in(None), sent()]),
    ],
    "client_countries": [
        (2, [handed_in("203.0.113.5"), handed_in("203.0.113.6"), handed_in("198.51.100.7")]),
        (0, [handed_in("192.0.2.1"), handed_in("198.51.100.9"), sent()]),
    ],
    "client_systems": [
        (2, [handed_in("203.0.113.5"), handed_in("198.51.100.7"), handed_in("192.0.2.1")]),
        (0, [handed_in("2001:db8::1"), handed_in("198.51.100.9"), sent()]),
    ],
}


def test_every_measure_has_its_cases():
    """And each case is of a measure that there is."""
    assert set(CASES) == set(measures())


@pytest.mark.parametrize(
    ("name", "expected", "rows"),
    [(name, expected, rows) for name, cases in CASES.items() for expected, rows in cases],
)
def test_a_measure_counts(name, expected, rows):
    """What it says, and nothing else."""
    assert value(name, rows) == expected


def test_a_measure_never_exceeds_what_bounds_it():
    """The screen of a backtest leaves out accounts with fewer of those events."""
    for name, cases in CASES.items():
        measure = measures()[name]
        for _, rows in cases:
            if measure.counts is None:
                continue
            events = pl.DataFrame(rows, schema=EVENTS).filter(pl.col("kind") == measure.counts.value)
            counted = events if measure.where is None else events.filter(measure.where)
            assert (value(name, rows) or 0) <= len(counted)


def test_without_a_domain_nothing_is_outside():
    """Nobody could tell."""
    assert value("external_recipients", [sent()], Home()) == 0


def test_without_a_database_no_country_is_known():
    """And no system."""
    rows = [handed_in()]
    assert (value("client_countries", rows, Home()), value("client_systems", rows, Home())) == (0, 0)
