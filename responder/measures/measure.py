"""What a measure is: a number about one account in a sliding window."""

from __future__ import annotations

from dataclasses import dataclass

from responder.events.event import Kind


@dataclass(frozen=True, slots=True)
class Measure:
    """A number about one account in a sliding window.

    ``sql`` is the aggregate over the window's events ``e``. ``counts`` names the kind of event of which the
    measure can never exceed the number (or, with ``distinct``, the number of different values of that column),
    so that accounts with fewer need no closer look; None where there is no such bound (a share, say).
    """

    name: str
    unit: str
    sql: str
    counts: Kind | None
    about: str
    distinct: str | None = None
