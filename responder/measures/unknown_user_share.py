"""Which share of the recipients of the account's messages do not exist."""

from responder.measures.measure import Measure

MEASURE = Measure(
    "unknown_user_share",
    "share of recipients, 0 to 1",
    "unknown_user_bounces / greatest(1, recipients)",
    None,
    "Recipients that their own servers do not know (bounced with 5.1.x), of all recipients.",
    made_of=("unknown_user_bounces", "recipients"),
)
