"""How many recipients outside the site the account's messages had; a retry counts once."""

from responder.events.event import Kind
from responder.measures.measure import Measure

MEASURE = Measure(
    "external_recipients",
    "recipients",
    "count(DISTINCT e.copy) FILTER (e.kind = 'delivery' AND e.external)",
    Kind.DELIVERY,
    "Recipients, as the sender gave them, whose domain is not the site's; none where `site: domain:` is not known.",
)
