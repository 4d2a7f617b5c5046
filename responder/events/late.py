"""Events that come late: behind younger ones of the same source, as those of a host that was cut off for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from responder.events.lives import Part

LATE_AFTER = timedelta(minutes=5)
"""So far apart several hosts' lines may stand in one log without being late."""


@dataclass(slots=True)
class Late:
    """Counts late events by source. They are events all the same: kept, and judged at their own time."""

    after: timedelta = LATE_AFTER
    count: dict[str, int] = field(default_factory=dict)
    _newest: dict[str, datetime] = field(default_factory=dict)

    def take(self, part: Part) -> int:
        """How many of the next events of a source are late: by more than ``after``, counted kind by kind."""
        before = self._newest.get(part.source)
        late, newest = 0, [before]
        for events in (part.submissions, part.deliveries, part.logins):
            if not len(events):
                continue
            times = events.sort("line")["time"]
            youngest = times.cum_max()
            if before is not None:
                youngest = youngest.clip(lower_bound=before)
            late += int((times < youngest - self.after).sum())
            newest.append(youngest[-1])
        if known := [each for each in newest if each is not None]:
            self._newest[part.source] = max(known)
        if late:
            self.count[part.source] = self.count.get(part.source, 0) + late
        return late
