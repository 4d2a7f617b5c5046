"""Mail that was handed in through webmail: from the web server by its address, and really from where the user sits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from responder.events.lives import Part
from responder.events.network import Network, within

SESSION = timedelta(hours=12)
"""So long after it a login may be the one by which mail is handed in; people leave a mailbox open for a working day."""

SLACK = timedelta(minutes=2)
"""So much the web server's clock may be ahead of the mail server's."""

SERVICE = "webmail"
LOGINS: dict[str, pl.DataType] = {
    "account": pl.String(),
    "time": pl.Datetime("us"),
    "client_ip": pl.String(),
}
"""Logins to webmail that succeeded."""

col = pl.col


def logins_of(part: Part) -> pl.DataFrame:
    """The logins to webmail among the events (see ``LOGINS``)."""
    theirs = col.success & (col.service == SERVICE) & col.client_ip.is_not_null() & col.account.is_not_null()
    return part.logins.filter(theirs).select(list(LOGINS))


@dataclass(frozen=True, slots=True)
class Webmail:
    """The site's webmail servers.

    What an account hands in from one of them is from the address of its latest login there, if that was not long
    before; else it stays the server's. Two people who use one account at once are taken for the later one.
    """

    servers: Sequence[Network] = ()

    def accounts(self, part: Part) -> list[str]:
        """The accounts that handed something in from a webmail server."""
        if not self.servers:
            return []
        frames = (part.submissions, part.deliveries)
        return sorted({name for each in frames for name in self._from_here(each)["account"].drop_nulls()})

    def since(self, part: Part) -> datetime:
        """The time from which on logins matter to the events, of which there are some from a webmail server."""
        times = [part.submissions["time"].min(), part.deliveries["since"].min()]
        return min(each for each in times if isinstance(each, datetime)) - SESSION

    def addressed(self, part: Part, logins: pl.DataFrame) -> Part:
        """The events with the addresses of the people, by ``logins`` (see ``LOGINS``) and those among them."""
        logins = (
            pl.concat([logins, logins_of(part)]).with_columns(logged_in=col.time - SLACK).sort("logged_in")
        )
        return replace(
            part,
            submissions=self._addressed(part.submissions, "time", logins),
            deliveries=self._addressed(part.deliveries, "since", logins),
        )

    def _addressed(self, events: pl.DataFrame, at: str, logins: pl.DataFrame) -> pl.DataFrame:
        here = self._from_here(events).select("line", "account", at).sort(at)
        if not len(here):
            return events
        found = here.join_asof(
            logins.select("account", "logged_in", own="client_ip"),
            left_on=at,
            right_on="logged_in",
            by="account",
            tolerance=SESSION,
            check_sortedness=False,
        ).select("line", "own")
        addressed = events.join(found.unique("line"), on="line", how="left", maintain_order="left")
        return addressed.with_columns(client_ip=pl.coalesce("own", "client_ip")).drop("own")

    def _from_here(self, events: pl.DataFrame) -> pl.DataFrame:
        addresses = events["client_ip"].drop_nulls().unique()
        return events.filter(col.client_ip.is_in([each for each in addresses if within(each, self.servers)]))
