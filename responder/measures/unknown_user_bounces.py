"""How many recipients of the account's messages do not exist."""

import polars as pl

from responder.events.event import Kind
from responder.measures.measure import Measure

UNKNOWN = "e.kind = 'delivery' AND e.outcome = 'bounced' AND e.dsn LIKE '5.1.%'"
"""A hard bounce for the address: RFC 3463, section 3.2 (X.1.X, addressing status)."""

MEASURE = Measure(
    "unknown_user_bounces",
    "recipients",
    f"count(DISTINCT e.copy) FILTER ({UNKNOWN})",
    Kind.DELIVERY,
    "Recipients that their own servers do not know (bounced with 5.1.x).",
    (pl.col("outcome") == "bounced") & pl.col("dsn").str.starts_with("5.1."),
)
