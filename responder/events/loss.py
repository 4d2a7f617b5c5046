"""What is missing, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import polars as pl

MOST = 5
"""Sentences about one window; a log that was never whole is told of in a few."""

col = pl.col


@dataclass(frozen=True, slots=True)
class Loss:
    """Lines that are missing: where (a host, or the source of a gap), when, how many where somebody counted, and why.

    It is made of so many ``times`` notices or gaps. ``since`` and ``until`` are aware, in UTC; ``minutes`` without a
    line are null where the daemon itself tells of the loss.
    """

    where: str
    since: datetime
    until: datetime
    lost: int | None
    minutes: int | None
    reason: str
    times: int = 1
    uncounted: bool = False

    def words(self, zone: tzinfo = UTC) -> str:
        """For example ``mx1 lost 234 lines at 2025-11-24 03:14 UTC (rsyslog: rate-limiting)``."""
        begin, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}" for at in (self.since, self.until))
        between = f"between {begin} and {end}"
        if self.minutes is not None:
            often = f", {self.times} times" if self.times > 1 else ""
            return f"{self.where} had no line for {self.minutes} minutes{often} {between}"
        least = "at least " if self.uncounted and self.lost else ""
        number = f"{least}{self.lost} " if self.lost else ""
        return f"{self.where} lost {number}lines {between if begin != end else f'at {end}'} ({self.reason})"

    def sentence(self) -> str:
        """What the loss means to who judges; a source may have had nothing to say in a gap."""
        are = "are" if self.minutes is None else "may be"
        return f"lines {are} missing: {self.words()}"


def told(losses: pl.DataFrame) -> tuple[Loss, ...]:
    """The losses (see ``LOSSES``, with ``source``) one by one, in their order."""
    frame = losses.select(
        where=pl.coalesce("host", "source"),
        since=pl.coalesce("silent_since", "time").dt.replace_time_zone("UTC"),
        until=col.time.dt.replace_time_zone("UTC"),
        lost="lost",
        minutes=(col.time - col.silent_since).dt.total_minutes(),
        reason="reason",
    )
    return tuple(Loss(**row) for row in frame.iter_rows(named=True))


def sentences(losses: pl.DataFrame) -> tuple[str, ...]:
    """What is missing (see ``told``), all of one place and reason in one sentence."""
    together: dict[tuple[str, str | None], list[Loss]] = {}
    for loss in told(losses):
        together.setdefault((loss.where, loss.reason if loss.minutes is None else None), []).append(loss)
    found = [_summed(each).sentence() for each in together.values()]
    return (*found[:MOST], *([f"and {len(found) - MOST} more such"] if len(found) > MOST else []))


def _summed(losses: list[Loss]) -> Loss:
    counts = [each.lost for each in losses]
    minutes = [each.minutes for each in losses if each.minutes is not None]
    return Loss(
        losses[0].where,
        min(each.since for each in losses),
        max(each.until for each in losses),
        sum(each for each in counts if each is not None) or None,
        sum(minutes) if minutes else None,
        losses[0].reason,
        len(losses),
        None in counts,
    )
