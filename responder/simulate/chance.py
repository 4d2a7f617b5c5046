"""Random numbers that ordinary life needs."""

from __future__ import annotations

from itertools import accumulate
from math import exp
from random import Random

OFFICE = tuple(accumulate((0, 0, 0, 0, 0, 0, 1, 4, 10, 13, 12, 10, 6, 8, 11, 11, 9, 6, 3, 2, 2, 1, 1, 0.3)))
STUDENTS = tuple(accumulate((3, 2, 1, 0.5, 0.3, 0.3, 1, 3, 6, 8, 9, 9, 8, 8, 9, 9, 9, 9, 9, 9, 10, 10, 8, 5)))
NIGHT = tuple(accumulate((9, 8, 6, 4, 2, 1, 0, 0, 1, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 10)))
"""How often something happens in each hour of a day, added up."""
COUNTS = (1, 2, 3, 5, 9, 16, 30), (800, 110, 45, 25, 12, 6, 2)
"""How many recipients an ordinary message has, and how often."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text, to choose from."""
    return tuple(text.split())


def poisson(mean: float, random: Random) -> int:
    """How often something happened that happens ``mean`` times."""
    if mean > 25:
        return max(0, round(random.gauss(mean, mean**0.5)))
    limit, count, product = exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def size(random: Random) -> int:
    """The bytes of an ordinary message, sometimes with something attached."""
    return 700 + min(int(random.lognormvariate(8.9, 1.3)), 20_000_000)
