"""Where an address is, by databases in MaxMind's form (GeoLite2, DB-IP and others are published in it)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from responder.errors import BadInput, Place

Where = tuple[str | None, int | None]
"""The country's ISO 3166 code and the number of the autonomous system, None where nobody knows."""


class Geo:
    """Databases of countries and of autonomous systems, in one file or in several; the first that knows counts."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Raises BadInput for a file that is none."""
        self._readers = [_opened(path) for path in paths]
        self.of = lru_cache(100_000)(self._of)

    def _of(self, address: str) -> Where:
        country = asn = None
        for reader in self._readers:
            try:
                found = reader.get(address.partition("%")[0])
            except ValueError:  # no address, or one of IPv6 where the file has none
                continue
            if isinstance(found, dict):
                country = country or _country(found)
                asn = asn or _number(found)
        return country, asn


def _opened(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a database in MaxMind's form (.mmdb)"
        raise BadInput(f"cannot be read: {reason}", Place(path)) from error


def _country(found: dict[str, Any]) -> str | None:
    country = found.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else None
    return code if isinstance(code, str) else None


def _number(found: dict[str, Any]) -> int | None:
    number = found.get("autonomous_system_number")
    return number if isinstance(number, int) else None
