"""The Node.js programs of `tests/npm/package.json`, installed once into `build/npm`."""

from __future__ import annotations

import fcntl
from pathlib import Path

from .process import program, run

PROJECT = Path(__file__).resolve().parents[2]
WANTED = PROJECT / "tests" / "npm" / "package.json"
FOLDER = PROJECT / "build" / "npm"


def installed(package: str) -> Path:
    """The folder of a Node.js package; all are installed first if the list changed since the last time."""
    npm = program("npm", "npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may come here at once
        stamp, wanted = FOLDER / ".installed", WANTED.read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            (FOLDER / "package.json").write_text(wanted)
            run(npm, "install", "--prefix", FOLDER, *_quiet())
            stamp.write_text(wanted)
    return FOLDER / "node_modules" / package


def _quiet() -> tuple[str, ...]:
    """No lock file, nobody else's install scripts, and no report to anyone."""
    return ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
