"""Old log lines played again as if they happened now, faster than they did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from responder.demo.postfix import MONTHS, stamp

STAMP_LENGTH = 15  # of "Nov 24 08:00:01"
LEAP_YEAR = 2024  # any will do: only differences count


def restamped(lines: Iterable[str], now: datetime, speed: float) -> Iterator[tuple[float, str]]:
    """Each line with its seconds from ``now`` and the stamp of that moment, in the order that they came.

    ``speed`` is how many old seconds pass in one; stamps are in the zone of ``now``. Lines must carry
    traditional stamps of one year; a stamp earlier than its forerunner's counts as the same moment.
    """
    first = latest = None
    for line in lines:
        moment = _moment(line)
        first = first or moment
        latest = max(latest or moment, moment)
        delay = (latest - first).total_seconds() / speed
        yield delay, stamp(now + timedelta(seconds=delay)) + line[STAMP_LENGTH:]


def speed_for(lines: list[str], seconds: float) -> float:
    """The speed at which ``lines`` take that many seconds."""
    lasted = (_moment(lines[-1]) - _moment(lines[0])).total_seconds()
    return max(lasted / seconds, 1e-9)


def _moment(line: str) -> datetime:
    month = MONTHS.index(line[:3]) + 1
    hour, minute, second = line[7:STAMP_LENGTH].split(":")
    return datetime(LEAP_YEAR, month, int(line[4:6]), int(hour), int(minute), int(second))  # noqa: DTZ001
