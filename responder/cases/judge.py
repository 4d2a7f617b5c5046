"""Takes hits, in order of time, to cases and decisions; the same live and in a backtest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby

from responder.cases.case import Book
from responder.confirmation.evidence import confirm
from responder.decisions.policy import Policy
from responder.detections.hit import Hit

Missing = Callable[[datetime, datetime], tuple[str, ...]]
"""Says which lines are missing after an instant and up to another."""


def judge(
    book: Book, policy: Policy, hits: Iterable[Hit], enrich: Callable[[Hit], Hit], missing: Missing
) -> None:
    """Opens and adds to cases, and decides anew where new evidence asks for more than before.

    A detection counts once a case, and all hits of an account at one moment are weighed together. ``enrich``
    adds the account's own past and the log lines to a hit that counts. Hits that only confirm open no case. What is
    ``missing`` in the time in which a case was quiet decides nothing, and is said at its end.
    """
    for (at, account), group in groupby(hits, lambda hit: (hit.at, hit.account)):
        _judge_one(book, policy, account, at, list(group), enrich, missing)


def _judge_one(
    book: Book,
    policy: Policy,
    account: str,
    at: datetime,
    hits: list[Hit],
    enrich: Callable[[Hit], Hit],
    missing: Missing,
) -> None:
    """A case without new evidence for the policy's quiet hours is closed, and the next hit opens another."""
    case = book.find(account)
    if case and at - case.last_hit_at > policy.quiet:
        end = case.last_hit_at + policy.quiet
        book.close(case, end, "quiet", missing(case.last_hit_at, end))
        case = None
    known = {hit.detection for hit in case.hits} if case else set()
    if case is None and all(hit.confirms for hit in hits):
        return
    new = [enrich(hit) for hit in hits if hit.detection not in known]
    if not new:
        return
    for hit in new:
        case = book.add(case, hit) if case else book.open(hit)
    assert case is not None
    confirmation = confirm(list(case.hits))
    decision = policy.decide(account, confirmation, book.contained_since(at - timedelta(hours=1)))
    if case.proposed is None or decision.proposed.rank > case.proposed.rank:
        book.decide(case, at, decision)
