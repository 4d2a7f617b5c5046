"""The log's files, one a day, the last one plain as a system has it that rotates at midnight."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

from isal import igzip

from responder.simulate.plan import Plan
from responder.simulate.rows import Row
from responder.simulate.stamps import Stamps


def write_day(folder: Path, plan: Plan, number: int, parts: Iterable[list[Row]]) -> int:
    """Write a day's file, changed last when the day ended; how many lines it has."""
    stamps, age, count = Stamps(plan), plan.days - 1 - number, 0
    path = folder / (f"mail.log.{age}.gz" if age else "mail.log")
    with path.open("wb") as raw:
        file: IO[bytes] = raw
        if age:
            packed = igzip.IGzipFile("", "wb", fileobj=raw, mtime=0)  # type: ignore[no-untyped-call]
            file = cast("IO[bytes]", packed)
        with io.TextIOWrapper(file, encoding="utf-8") as text:
            for rows in parts:
                text.writelines(stamps.line(row) for row in rows)
                count += len(rows)
    end = plan.midnights[number + 1]
    os.utime(path, (end, end))
    return count
