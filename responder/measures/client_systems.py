"""From how many different autonomous systems the account handed in messages."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "client_systems",
    "autonomous systems",
    "count(DISTINCT e.asn) FILTER (e.kind = 'submission')",
    Kind.SUBMISSION,
    "Different autonomous systems (providers' and others' networks) of the clients, as `site: geo:` knows them.",
)
