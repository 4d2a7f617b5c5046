"""How much of one core ``responder serve`` takes while ten logs grow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.servers.process import wait_for

from . import quiet_site
from .stream import Stream

A_SECOND = 5000
TURNS = 10
"""How often in a second the files grow."""

WINDOW = 2.0
"""Seconds of one window; each is a figure of its own, of which the median counts."""

LAST = (
    b"Feb 30 08:00:00 smtp1 postfix/submission/smtpd[7]: 4C9F01000001: client=unknown[192.0.2.1], "
    b"sasl_method=PLAIN, sasl_username=last\n"
)
"""Of an impossible time, so that the service says where it stands: when it does, it has read all before it."""

TICKS = os.sysconf("SC_CLK_TCK")


def share(log: Path, seconds: float, folder: Path, tell: Callable[[str], None]) -> float:
    """The median share of one core, by the processor time of the whole process, in windows of ``seconds`` in all.

    Every line has the time at which it is written. Raises TimeoutError unless all of them are read in the end.
    """
    stream = Stream(log, folder)
    config = quiet_site.write(folder, stream.files, "postfix")
    said = folder / "serve.err"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "responder", "--config", str(config), "serve"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
    try:
        wait_for(lambda: "serving" in said.read_text() or process.poll() is not None, "serving", every=0.05)
        assert process.poll() is None, said.read_text()
        _grow(stream, WINDOW)  # it begins: imports, the first blocks of the store
        shares = []
        for number in range(max(1, round(seconds / WINDOW))):
            shares.append(_window(stream, process.pid))
            tell(f"live: window {number + 1}: {shares[-1]:.2f} of a core")
        for file in stream.files:
            with file.open("ab") as out:
                out.write(LAST)
        wait_for(
            lambda: said.read_text().count("no possible time") == len(stream.files), "all lines read", 120
        )
        process.terminate()
        assert process.wait(30) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()
    return median(shares)


def _window(stream: Stream, pid: int) -> float:
    began, before = time.perf_counter(), _processor_seconds(pid)
    _grow(stream, WINDOW)
    return (_processor_seconds(pid) - before) / (time.perf_counter() - began)


def _grow(stream: Stream, seconds: float) -> None:
    """Adds lines at the rate, for so long."""
    began = time.perf_counter()
    for turn in range(1, round(seconds * TURNS) + 1):
        stream.add(A_SECOND // TURNS, datetime.now(UTC))
        time.sleep(max(0.0, began + turn / TURNS - time.perf_counter()))


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
