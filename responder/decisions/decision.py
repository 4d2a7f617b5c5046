"""A decision, with every reason that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is to be done, from the least to the most."""

    OBSERVE = "observe"
    QUEUE = "queue"
    HOLD = "hold"
    CONTAIN = "contain"

    @property
    def rank(self) -> int:
        """0 for the least, 3 for the most."""
        return list(Kind).index(self)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says: ``proposed`` by its rules, ``kind`` after protection, limits and mode."""

    kind: Kind
    proposed: Kind
    reasons: tuple[str, ...]
