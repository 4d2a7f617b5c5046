"""How many messages the account handed in."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "messages",
    "messages",
    "count(*) FILTER (e.kind = 'submission')",
    Kind.SUBMISSION,
    "Messages handed in by the account.",
)
