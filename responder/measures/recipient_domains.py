"""How many different domains the account wrote to."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "recipient_domains",
    "domains",
    "count(DISTINCT e.recipient_domain) FILTER (e.kind = 'delivery')",
    Kind.DELIVERY,
    "Different domains among the recipients, as the sender gave them.",
)
