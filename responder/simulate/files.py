"""The log's files, one a day, the last one plain as a system has it that rotates at midnight."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from isal import igzip

from responder.simulate.log import Row
from responder.simulate.plan import Plan

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
            return f"{MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:}", ""
        text = moment.isoformat()
        return text[:17], text[19:]


def write_day(folder: Path, plan: Plan, number: int, rows: Iterable[Row]) -> int:
    """Write a day's file, changed last when the day ended; returns how many lines it has."""
    stamps, age = Stamps(plan), plan.days - 1 - number
    path = folder / (f"mail.log.{age}.gz" if age else "mail.log")
    count = 0
    with path.open("wb") as raw:
        packed = igzip.IGzipFile("", "wb", fileobj=raw, mtime=0) if age else None
        with io.TextIOWrapper(packed or raw, encoding="utf-8", write_through=False) as file:  # type: ignore[arg-type]
            for count, row in enumerate(rows, start=1):
                file.write(stamps.line(row))
    os.utime(path, (plan.midnights[number + 1],) * 2)
    return count
