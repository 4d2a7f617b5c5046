"""A log told again through several files that grow, with new stamps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from zlib import crc32

STAMP = len("Nov 24 08:00:01")
TOLD_OF = re.compile(rb"\S+ [^:]+: ([^: ]+)")
"""Host, program, and the queue id where there is one."""


class Stream:
    """``count`` new files in ``folder``, into which ``log``'s lines go; all of one message into the same.

    ``log`` has traditional stamps, which are replaced. When it ends, it begins again.
    """

    def __init__(self, log: Path, folder: Path, count: int = 10) -> None:
        self._log = log
        self.files = [folder / f"mail{number}.log" for number in range(count)]
        for file in self.files:
            file.touch()
        self._lines = self._endless()

    def add(self, count: int, at: datetime) -> None:
        """Appends the next ``count`` lines, stamped with ``at``, which is aware."""
        parts: list[list[bytes]] = [[] for _ in self.files]
        stamp = at.isoformat(timespec="microseconds").encode()
        for line in islice(self._lines, count):
            rest = line[STAMP:]
            told_of = TOLD_OF.match(rest, 1)
            parts[crc32(told_of[1] if told_of else rest) % len(parts)].append(stamp + rest)
        for file, part in zip(self.files, parts, strict=True):
            with file.open("ab") as out:
                out.write(b"".join(part))

    def _endless(self) -> Iterator[bytes]:
        while True:
            with self._log.open("rb") as file:
                yield from file
