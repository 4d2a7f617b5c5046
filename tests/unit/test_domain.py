"""Registrable domains."""

from __future__ import annotations

import polars as pl
import pytest

from responder.events.domain import registrable


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("mail.example.co.uk", "example.co.uk"),
        ("Example.COM.", "example.com"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("nobody.knows.example", "knows.example"),
        ("", ""),
        ("[192.0.2.1]", "[192.0.2.1]"),
        (None, None),
    ],
)
def test_the_domain_that_somebody_registered(domain, expected):
    """By the public suffix list; what is none stays as it is."""
    assert registrable(pl.Series([domain], dtype=pl.String)).to_list() == [expected]
