"""Small worlds for tests."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from responder.simulate.hijacks import styles
from responder.simulate.plan import Plan

PARIS = ZoneInfo("Europe/Paris")


def plan(**changes: Any) -> Plan:
    """The smallest world with a hijack of every style."""
    options = {
        "mailboxes": 200,
        "days": 5,
        "warmup_days": 2,
        "seed": 7,
        "style": "traditional",
        "hijacks": len(styles()),
        "start": date(2025, 3, 26),  # the clocks are put forward on the last day
        "zone": PARIS,
    }
    return Plan(**{**options, **changes})


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
