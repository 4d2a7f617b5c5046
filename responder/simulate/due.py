"""What is to happen on a day, and when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from responder.simulate.log import Log
from responder.simulate.plan import Plan
from responder.simulate.rows import Row

Due = tuple[float, Callable[[float], None]]
"""An instant, and what then writes into the log: no line of before that instant."""

PART = 3600
"""Seconds of a day whose lines are in memory together."""


def parts(plan: Plan, number: int, due: Iterable[Due], log: Log) -> Iterator[list[Row]]:
    """Let a day happen: its lines in order, hour by hour."""
    waiting, end = deque(sorted(due, key=itemgetter(0))), plan.midnights[number + 1]
    for until in [*range(int(plan.midnights[number]) + PART, int(end), PART), end]:
        while waiting and (waiting[0][0] < until or until == end):
            at, act = waiting.popleft()
            act(at)
        yield log.until(until)
