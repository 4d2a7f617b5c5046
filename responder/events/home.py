"""What is the site's own, by which inside and outside are told apart, and where outside a client is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from responder.events.domain import registrable
from responder.events.network import Network, network, within
from responder.formats.format import Schema

if TYPE_CHECKING:
    from responder.events.geo import Geo

ORIGINS: Schema = {
    "client_ip": pl.String,
    "network": pl.String,
    "country": pl.String,
    "asn": pl.UInt32,
}
"""Where an address is: its /24 or /48, the country's ISO 3166 code, and the number of the autonomous system."""


@dataclass(frozen=True, slots=True)
class Home:
    """``domain`` is the site's own; ``shared`` are addresses of its servers, behind which anybody may be.

    Without a ``domain`` nothing is told apart, without ``geo`` nobody knows where a client is.
    """

    domain: str | None = None
    shared: Sequence[Network] = ()
    geo: Geo | None = None

    def origins(self, addresses: pl.Series) -> pl.DataFrame:
        """Where each different address is (see ``ORIGINS``); null what tells nothing, as loopback and private ones."""
        rows: list[tuple[str | int | None, ...]] = []
        for address in addresses.drop_nulls().unique().to_list():
            found = None if within(address, self.shared) else network(address)
            rows.append((address, found, *(self.geo.of(address) if self.geo and found else (None, None))))
        return pl.DataFrame(rows, ORIGINS, orient="row")

    def outside(self, domains: pl.Series) -> pl.Series:
        """Whether registrable domains are other people's; an address without domain is of this site."""
        if self.domain is None:
            return pl.Series(domains.name, [None] * len(domains), pl.Boolean)
        own = registrable(pl.Series([self.domain.lower()]))
        return domains.ne(own).fill_null(False)
