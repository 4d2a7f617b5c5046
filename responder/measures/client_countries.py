"""From how many different countries the account handed in messages."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "client_countries",
    "countries",
    "count(DISTINCT e.country) FILTER (e.kind = 'submission')",
    Kind.SUBMISSION,
    "Different countries of the clients, as the databases of `site: geo:` know them.",
)
