"""How far a source was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source was read: which file (by its first bytes), how many bytes and lines of it.

    ``newest``: the time (UTC, without zone) of the newest line so far, of this file or one before it; ``before``: the
    lines that are carried on to those to come.
    """

    source: str
    fingerprint: str
    fingerprint_length: int
    offset: int
    line: int
    newest: datetime | None = None
    before: str = ""
