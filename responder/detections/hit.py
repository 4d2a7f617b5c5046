"""A detection that holds for an account at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from responder.detections.detection import Family, Severity


@dataclass(frozen=True, slots=True)
class Hit:
    """A detection that holds for an account at a moment, with the figures that made it hold.

    ``at`` is an aware UTC instant, ``window`` seconds. ``usual`` holds, for measures of the hit, the highest
    value in any such window of the account's own past, where it has one. ``lines`` are the log lines, ``missing``
    says which are not there. One that only ``confirms`` opens no case.
    """

    account: str
    detection: str
    family: Family
    severity: Severity
    at: datetime
    window: int
    figures: dict[str, float]
    confirms: bool = False
    usual: dict[str, float] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
