"""How a file is known again after its rotation: by its first bytes."""

from __future__ import annotations

import hashlib

ENOUGH = 256
"""Bytes of a fingerprint: more than one log line, so that no two files of a mail host begin alike."""


def fingerprint(head: bytes, length: int) -> str:
    """The hash of the first ``length`` bytes."""
    return hashlib.sha256(head[:length]).hexdigest()[:32]
