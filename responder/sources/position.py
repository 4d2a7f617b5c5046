"""How far a source was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from responder.sources.fingerprint import fingerprint


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

    def begins(self, head: bytes) -> bool:
        """Whether a file with these first bytes is the one that was read."""
        head = head[: self.fingerprint_length]
        return len(head) == self.fingerprint_length and fingerprint(head, len(head)) == self.fingerprint
