"""A large mail log with known truth, for measuring: a day of two hosts with four hijacked accounts in it.

``python -m tests.bench.mail_log OUT --messages 300000`` writes one and prints the truth as JSON lines.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Literal, TextIO
from zoneinfo import ZoneInfo

from .mail_day import MIXES, Day, Hijack, Row

DAY = date(2026, 11, 24)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Style = Literal["traditional", "iso"]


def write(
    path: Path | str,
    messages: int = 300_000,
    seed: int = 7,
    style: Style = "traditional",
    day: date = DAY,
    zone: str = "UTC",
    mix: str = "site",
) -> list[Hijack]:
    """Write a day with ``messages`` submissions to ``path``, in order of time, and return who was hijacked.

    The hijacked accounts' submissions, some 250 to 2,000, are part of ``messages``, and are all there even
    when it is less. ``start`` and ``end`` of a hijack are seconds of the epoch. Stamps are local times of
    ``zone``, whose clocks must not change that day; what is in a queue at midnight is logged after it. ``mix``
    (of ``MIXES``) says what else the log is about.
    """
    made = Day(messages, seed, mix)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    with Path(path).open("w", encoding="utf-8") as out:
        _write_in_order(made, out, midnight, style)
    epoch = midnight.timestamp()
    return [replace(one, start=epoch + one.start, end=epoch + one.end) for one in made.hijacks]


def _write_in_order(made: Day, out: TextIO, midnight: datetime, style: Style) -> None:
    """Keep rows by second, and write a second out once no later session can add to it."""
    waiting: dict[int, list[Row]] = {}
    done = 0

    def flush(until: int) -> None:
        for second in range(done, until):
            rows = waiting.pop(second, None)
            if rows:
                rows.sort(key=itemgetter(0))
                out.writelines(_lines(rows, second, midnight, style))

    for at, rows in made.sessions():
        if int(at) > done:
            flush(int(at))
            done = int(at)
        for row in rows:
            waiting.setdefault(int(row[0]), []).append(row)
    flush(max(waiting, default=0) + 1)


def _lines(rows: list[Row], second: int, midnight: datetime, style: Style) -> list[str]:
    moment = midnight + timedelta(seconds=second)
    if style == "traditional":
        stamp = f"{MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"
        return [f"{stamp} {host} {text}\n" for _, host, text in rows]
    stamp, zone = f"{moment:%Y-%m-%dT%H:%M:%S}", moment.isoformat()[19:]
    return [f"{stamp}.{int((at - second) * 1e6):06d}{zone} {host} {text}\n" for at, host, text in rows]


def main() -> None:
    """Write a log as the command line says."""
    parser = argparse.ArgumentParser(description="Write a large mail log with known truth.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--style", choices=("traditional", "iso"), default="traditional")
    parser.add_argument("--day", type=date.fromisoformat, default=DAY)
    parser.add_argument("--zone", default="UTC")
    parser.add_argument("--mix", choices=tuple(MIXES), default="site")
    for hijack in write(**vars(parser.parse_args())):
        print(json.dumps(asdict(hijack)))


if __name__ == "__main__":
    main()
