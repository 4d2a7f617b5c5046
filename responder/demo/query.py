"""Ticket searches as the stand-in desk reads them: comparisons joined by AND or OR, as in TicketSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Ticket = Mapping[str, str]
Test = Callable[[Ticket], bool]

TOKEN = re.compile(
    r"""\s*(?: '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)"
    | (?P<mark>\(|\)|!=|=) | (?P<word>[^\s'"()=!]+(?:\{[^}]*\})?) )""",
    re.VERBOSE,
)
QUEUE_IN_FIELD = re.compile(r"^cf\.[^{]+\.\{", re.IGNORECASE)


class QueryError(ValueError):
    """The search cannot be read."""


def tokens(query: str) -> list[str]:
    """The parts of a search: names and values without their quotes, operators and brackets as they are."""
    found, at = [], 0
    query = query.rstrip()
    while at < len(query):
        match = TOKEN.match(query, at)
        if match is None:
            raise QueryError(f"Wrong query, cannot read {query[at:]!r}")
        quoted = match["single"] if match["single"] is not None else match["double"]
        found.append(match["mark"] or match["word"] or re.sub(r"\\(.)", r"\1", quoted or ""))
        at = match.end()
    return found


def parse(query: str) -> Test:
    """The test that a search puts to each ticket; raises QueryError."""
    rest = tokens(query)
    if not rest:
        return lambda _ticket: False
    test = _any_of(rest)
    if rest:
        raise QueryError(f"Wrong query, expecting AND or OR before {rest[0]!r}")
    return test


def _any_of(rest: list[str]) -> Test:
    tests = [_all_of(rest)]
    while rest and rest[0].upper() == "OR":
        del rest[0]
        tests.append(_all_of(rest))
    return lambda ticket: any(test(ticket) for test in tests)


def _all_of(rest: list[str]) -> Test:
    tests = [_one(rest)]
    while rest and rest[0].upper() == "AND":
        del rest[0]
        tests.append(_one(rest))
    return lambda ticket: all(test(ticket) for test in tests)


def _one(rest: list[str]) -> Test:
    if rest[:1] == ["("]:
        del rest[0]
        test = _any_of(rest)
        if rest[:1] != [")"]:
            raise QueryError("Wrong query, expecting a closing bracket")
        del rest[0]
        return test
    if len(rest) < 3 or rest[1] not in ("=", "!="):
        raise QueryError(f"Wrong query, expecting a comparison at {' '.join(rest)!r}")
    name, operator, value = rest[:3]
    del rest[:3]
    name = QUEUE_IN_FIELD.sub("cf.{", name).lower()
    return lambda ticket: (ticket.get(name, "").lower() == value.lower()) == (operator == "=")
