"""How many recipients of the account's messages were refused for what the mail is, or for who sends it."""

import polars as pl

from responder.events.event import Kind
from responder.measures.measure import Measure

REFUSED = "e.kind = 'delivery' AND e.outcome = 'bounced' AND e.dsn LIKE '5.7.%'"
"""Security or policy status: RFC 3463, section 3.8 (X.7.X). What is only put off may be greylisting."""

MEASURE = Measure(
    "reputation_rejects",
    "recipients",
    f"count(DISTINCT e.copy) FILTER ({REFUSED})",
    Kind.DELIVERY,
    "Recipients whose servers refused the mail for good by their policy, as spam say (bounced with 5.7.x).",
    (pl.col("outcome") == "bounced") & pl.col("dsn").str.starts_with("5.7."),
)
