"""Whole processes against the clock, one after the other in turn, so that a busy minute hits all alike."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Contender:
    """A command, and how often it is run at most."""

    name: str
    command: Sequence[str]
    most: int


def medians(
    contenders: Sequence[Contender], runs: int, folder: Path, tell: Callable[[str], None]
) -> dict[str, float]:
    """The median of each contender's seconds, from ``runs`` rounds in each of which it has its turn.

    ``tell`` is called with a word about every run. Commands run in ``folder``, their output goes nowhere.
    """
    times: dict[str, list[float]] = {each.name: [] for each in contenders}
    for number in range(runs):
        for each in contenders:
            if number >= each.most:
                continue
            seconds = _seconds(each.command, folder)
            times[each.name].append(seconds)
            tell(f"{each.name}: run {number + 1}: {seconds:.2f} s")
    return {name: median(found) for name, found in times.items()}


def _seconds(command: Sequence[str], folder: Path) -> float:
    """How long one run takes, start and end included; raises CalledProcessError when it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "RESPONDER_CONFIG"}
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
