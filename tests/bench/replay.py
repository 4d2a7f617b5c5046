"""Whether the memory of the service grows in a day: 24 hours of a log, as fast as they can be read.

``python -m tests.bench.replay LOG STEPS FOLDER`` is the process whose memory is looked at. It has the parts that
``responder serve`` has, and does in turn what that does side by side: reads, looks, and forgets every hour. Only
the clock is ours, and the lines are as many as ``LOG`` has, evenly over the day.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from . import quiet_site
from .memory import resident
from .reading import PROJECT, lines_in
from .stream import Stream

STEPS = 288
"""Five minutes each."""

DAY = timedelta(days=1)


def quarters(log: Path, steps: int, folder: Path) -> list[float]:
    """The median of the resident memory in MB in each quarter of the day, looked at in every step."""
    command = [sys.executable, "-m", "tests.bench.replay", str(log), str(steps), str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return [float(each) for each in json.loads(done.stdout.splitlines()[-1])]


@dataclass
class SetClock:
    """The time that it is set to."""

    at: datetime

    def now(self) -> datetime:
        """That time."""
        return self.at


def main(log: Path, steps: int, folder: Path) -> None:
    """Plays the day and prints the median memory of each quarter."""
    from responder.bootstrap import build
    from responder.site.config import load_config

    stream = Stream(log, folder)
    each = lines_in(log) // steps
    clock = SetClock(datetime.now(UTC) - DAY)
    house = build(load_config(quiet_site.write(folder, stream.files, "postfix+dovecot")))
    house = replace(house, records=replace(house.records, clock=clock))
    found: list[list[float]] = [[], [], [], []]
    with house.open_service() as service:
        for step in range(steps):
            clock.at += DAY / steps
            stream.add(each, clock.at)
            service.ingest.read()
            service.watch.look()
            if step * 24 // steps != (step + 1) * 24 // steps:
                service.watch.forget(service.keep_days)
            found[step * 4 // steps].append(resident())
    print(json.dumps([median(each) for each in found]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
