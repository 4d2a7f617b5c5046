"""How far a source was read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source was read: which file (by its first bytes), how many bytes and lines of it."""

    source: str
    fingerprint: str
    fingerprint_length: int
    offset: int
    line: int
