"""A compressed copy of a log, as log rotation makes one."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

LEVEL = 6
"""gzip's own default."""


def write(path: Path, log: Path) -> None:
    """Write ``log`` to ``path`` with gzip."""
    with log.open("rb") as file, gzip.open(path, "wb", LEVEL) as out:
        shutil.copyfileobj(file, out, 1024 * 1024)
