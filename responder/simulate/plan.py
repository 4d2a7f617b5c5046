"""What a world is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from responder.errors import BadInput

DOMAIN, LISTS = "example.org", "lists.example.org"
FEWEST = 200
"""Mailboxes without which there are not enough people for every style and look-alike."""


@dataclass(frozen=True)
class Plan:
    """``hijacks`` counts a campaign over many accounts once; ``style`` is that of the stamps: traditional or iso."""

    mailboxes: int
    days: int
    warmup_days: int
    seed: int
    style: str
    hijacks: int
    start: date
    zone: ZoneInfo

    def check(self) -> None:
        """Raises BadInput where no such world can be made."""
        if self.mailboxes < FEWEST:
            raise BadInput(f"--mailboxes {self.mailboxes}: there must be at least {FEWEST}")
        if not 0 <= self.warmup_days < self.days <= 300:
            raise BadInput(
                f"--days {self.days} --warmup-days {self.warmup_days}: at most 300 days, some of them after the warm-up"
            )
        if not 0 <= self.hijacks <= self.mailboxes // 10:
            raise BadInput(f"--hijacks {self.hijacks}: 0 to {self.mailboxes // 10}, a tenth of the mailboxes")

    @cached_property
    def midnights(self) -> tuple[float, ...]:
        """The beginning of each day and of the one after the last, in seconds since 1970."""
        days = (self.start + timedelta(days=number) for number in range(self.days + 1))
        return tuple(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() for day in days)

    @property
    def end(self) -> float:
        """When the logs end."""
        return self.midnights[-1]

    def at(self, day: int, hour: float) -> float:
        """The instant ``hour`` hours after a day's beginning."""
        return self.midnights[day] + hour * 3600.0

    def weekend(self, day: int) -> bool:
        """Whether it is a Saturday or Sunday."""
        return (self.start + timedelta(days=day)).weekday() >= 5

    def iso(self, at: float) -> str:
        """A moment with its zone, for the truth."""
        return datetime.fromtimestamp(at, self.zone).isoformat(timespec="milliseconds")
