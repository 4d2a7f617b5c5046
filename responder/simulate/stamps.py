"""How the log's lines tell their time."""

from __future__ import annotations

from datetime import datetime

from responder.simulate.plan import Plan
from responder.simulate.rows import Row

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def traditional(moment: datetime) -> str:
    """A stamp of syslog up to the minute: no year, no zone."""
    return f"{MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M}"


class Stamps:
    """Stamps of lines in the world's time, traditional (no year, no zone) or ISO-8601 with microseconds."""

    def __init__(self, plan: Plan) -> None:
        self._zone, self._iso = plan.zone, plan.style == "iso"
        self._minutes: dict[int, tuple[str, str]] = {}

    def line(self, row: Row) -> str:
        """A row as a line."""
        at, text = row
        minute = int(at // 60)
        found = self._minutes.get(minute)
        if found is None:
            found = self._minutes[minute] = self._minute(minute)
        second = at - minute * 60
        if self._iso:
            micros = int(second * 1e6)
            return f"{found[0]}{micros // 1_000_000:02d}.{micros % 1_000_000:06d}{found[1]} {text}\n"
        return f"{found[0]}{int(second):02d} {text}\n"

    def _minute(self, minute: int) -> tuple[str, str]:
        moment = datetime.fromtimestamp(minute * 60, self._zone)
        if not self._iso:
            return f"{traditional(moment)}:", ""
        text = moment.isoformat()
        return text[:17], text[19:]
