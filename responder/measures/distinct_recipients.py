"""To how many different recipients the account wrote."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "distinct_recipients",
    "recipients",
    "count(DISTINCT coalesce(e.original, e.recipient)) FILTER (e.kind = 'delivery')",
    Kind.DELIVERY,
    "Different recipients, as the sender gave them; one of two messages counts once.",
)
