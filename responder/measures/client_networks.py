"""From how many different networks the account handed in messages."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "client_networks",
    "networks",
    "count(DISTINCT e.network) FILTER (e.kind = 'submission')",
    Kind.SUBMISSION,
    "Different /24 (IPv4) and /48 (IPv6) networks of the clients; loopback and private addresses count for nothing.",
)
