"""What a measure is: a number about one account in a sliding window."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from responder.events.event import Kind


@dataclass(frozen=True, slots=True)
class Measure:
    """A number about one account in a sliding window.

    ``sql`` is the aggregate over the window's events ``e``. ``counts`` names the kind of event of which (of
    those for which ``where`` holds) the measure can never exceed the number, so that accounts with fewer of
    them need no closer look; None where there is no such bound (a share, say). A measure that is ``made_of``
    others has them as columns in its ``sql``.
    """

    name: str
    unit: str
    sql: str
    counts: Kind | None
    about: str
    where: pl.Expr | None = None
    made_of: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """A name for what ``counts`` and ``where`` select; measures of one bound are counted once."""
        return f"{self.counts} {self.where}"
