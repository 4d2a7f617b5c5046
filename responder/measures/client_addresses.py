"""From how many different addresses the account handed in messages."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "client_addresses",
    "addresses",
    "count(DISTINCT e.client_ip) FILTER (e.kind = 'submission' AND e.network IS NOT NULL)",
    Kind.SUBMISSION,
    "Different addresses of the clients; loopback, private and the site's own servers' count for nothing.",
)
