"""How much memory a whole process takes at most."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

PIECE = 1024 * 1024
MOST = 4000
"""MB at which a process is ended, before the machine suffers: that much is then the figure, and it was not all."""


def peak(command: Sequence[str], folder: Path, log: Path | None = None, times: int = 1) -> float:
    """The highest resident memory in MB of one run, which reads ``log`` so many times on end from standard input.

    The command runs in ``folder``, its output goes nowhere; raises CalledProcessError when it fails.
    """
    environment = {name: value for name, value in os.environ.items() if name != "RESPONDER_CONFIG"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE if log else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    if log and process.stdin:
        Thread(target=_feed, args=(process.stdin, log, times), daemon=True).start()
    ended = False
    while not (waited := os.wait4(process.pid, os.WNOHANG))[0]:
        if not ended and resident(process.pid) > MOST:
            process.kill()
            ended = True
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(waited[1])
    if process.returncode and not ended:
        raise subprocess.CalledProcessError(process.returncode, command)
    return waited[2].ru_maxrss / 1000


def resident(pid: int | str = "self") -> float:
    """Memory in MB that a process, or this one, has at the moment; 0 of one that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


def _feed(stdin: IO[bytes], log: Path, times: int) -> None:
    with suppress(BrokenPipeError), stdin:  # how the process ended tells why it read no further
        for _ in range(times):
            with log.open("rb") as file:
                shutil.copyfileobj(file, stdin, PIECE)
