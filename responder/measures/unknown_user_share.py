"""Which share of the recipients of the account's messages do not exist."""

from responder.measures.measure import Measure
from responder.measures.unknown_user_bounces import UNKNOWN

MEASURE = Measure(
    "unknown_user_share",
    "share of recipients, 0 to 1",
    f"count(DISTINCT hash(e.host, e.queue_id, e.recipient)) FILTER ({UNKNOWN}) "
    "/ greatest(1, count(DISTINCT hash(e.host, e.queue_id, e.recipient)) FILTER (e.kind = 'delivery'))",
    None,
    "Recipients that their own servers do not know (bounced with 5.1.x), of all recipients.",
)
