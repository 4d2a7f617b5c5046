"""How many recipients of the account's messages do not exist."""

from responder.events.event import Kind
from responder.measures.measure import Measure

UNKNOWN = "e.kind = 'delivery' AND e.outcome = 'bounced' AND e.dsn LIKE '5.1.%'"
"""A hard bounce for the address: RFC 3463, section 3.2 (X.1.X, addressing status)."""

MEASURE = Measure(
    "unknown_user_bounces",
    "recipients",
    f"count(DISTINCT hash(e.host, e.queue_id, e.recipient)) FILTER ({UNKNOWN})",
    Kind.DELIVERY,
    "Recipients that their own servers do not know (bounced with 5.1.x).",
)
