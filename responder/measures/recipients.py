"""How many recipients the account's messages had; a retry counts once."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "recipients",
    "recipients",
    "count(DISTINCT e.copy) FILTER (e.kind = 'delivery')",
    Kind.DELIVERY,
    "Recipients of the account's messages, as the sender gave them: an alias is one, whoever stands behind it; "
    "a recipient of two messages counts twice, a retry once.",
)
