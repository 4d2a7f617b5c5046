"""How many recipients the account's messages had; a retry counts once."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "recipients",
    "recipients",
    "count(DISTINCT e.copy) FILTER (e.kind = 'delivery')",
    Kind.DELIVERY,
    "Recipients of the account's messages; a recipient of two messages counts twice, a retry once.",
)
