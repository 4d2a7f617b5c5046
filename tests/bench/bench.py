"""How fast old logs are judged, and how soon an account is shut.

``python -m tests.bench.bench`` prints a table and writes ``build/bench.json``; progress is on standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.servers.process import MissingProgram, program

from . import mail_day, mail_log
from .latency import latencies
from .timing import Contender, medians

BUILD = Path(__file__).resolve().parents[2] / "build"
PATTERN = "sasl_username=|status="
COUNT, SUMMARY, OURS = "rg -c", "pflogsumm", "responder backtest"
SLOW_RUNS = 3
"""Of pflogsumm, which takes a minute for what the others do in seconds."""


@dataclass(frozen=True)
class Figure:
    """One result; ``ratio_to`` names what a ratio is to."""

    name: str
    value: float
    unit: str
    ratio_to: str | None = None


WORDS = {
    f"site: {OURS} / {COUNT}": "aim: 6 at most",
    f"site: {SUMMARY} / {OURS}": "aim: 15 at least",
    f"submissions: {OURS} / {COUNT}": "a log about hardly anything else: the worst case for us",
    f"submissions: {SUMMARY} / {OURS}": "as above",
    "latency, median": "real slapd; stand-ins of desk, relay and SMS service; interval 1 s",
    "latency, 95th percentile": "as above",
}


def tell(words: str) -> None:
    """Progress."""
    print(words, file=sys.stderr, flush=True)


def the_log(messages: int, mix: str, seed: int = 7) -> Path:
    """A day's log with so many messages, made once for each state of its makers."""
    made_by = b"".join(Path(str(each.__file__)).read_bytes() for each in (mail_day, mail_log))
    path = BUILD / f"bench-{mix}-{messages}-{hashlib.sha256(made_by).hexdigest()[:8]}.log"
    if not path.exists():
        tell(f"writing {path.name}")
        path.parent.mkdir(exist_ok=True)
        for old in BUILD.glob(f"bench-{mix}-{messages}-*"):
            old.unlink()
        fresh = path.with_suffix(".new")
        mail_log.write(fresh, messages, seed, mix=mix)
        fresh.replace(path)
    return path


def throughput(mix: str, log: Path, runs: int) -> list[Figure]:
    """Medians of a bare count, of the usual summary and of ours, and the two ratios."""
    contenders = (
        Contender(COUNT, (program("rg", "ripgrep"), "-c", PATTERN, str(log)), runs),
        Contender(SUMMARY, (program("pflogsumm", "pflogsumm"), str(log)), SLOW_RUNS),
        Contender(OURS, (sys.executable, "-m", "responder", "backtest", str(log), "--zone", "UTC"), runs),
    )
    with tempfile.TemporaryDirectory() as folder:  # no configuration of ours is there
        found = medians(contenders, runs, Path(folder), tell)
    return [
        Figure(f"{mix}: log", round(log.stat().st_size / 1e6, 1), "MB"),
        *(Figure(f"{mix}: {each.name}", round(found[each.name], 3), "s") for each in contenders),
        Figure(f"{mix}: {OURS} / {COUNT}", round(found[OURS] / found[COUNT], 2), "times", f"{mix}: {COUNT}"),
        Figure(
            f"{mix}: {SUMMARY} / {OURS}", round(found[SUMMARY] / found[OURS], 2), "times", f"{mix}: {OURS}"
        ),
    ]


def latency(runs: int) -> list[Figure]:
    """From the line that crosses the threshold to the lock in the directory."""
    with tempfile.TemporaryDirectory() as folder:
        found = sorted(latencies(runs, Path(folder), tell))
    return [
        Figure("latency, median", round(median(found), 3), "s"),
        Figure("latency, 95th percentile", round(found[math.ceil(0.95 * len(found)) - 1], 3), "s"),
    ]


def show(figures: list[Figure]) -> None:
    """The figures as a table."""
    for each in figures:
        print(f"{each.name:<44} {each.value:>9g} {each.unit:<6} {WORDS.get(each.name, '')}".rstrip())


def main() -> int:
    """Runs both halves as the command line says."""
    parser = argparse.ArgumentParser(description="Measure how fast logs are judged and accounts are shut.")
    parser.add_argument("--messages", type=int, default=300_000, help="submissions in the log")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    parser.add_argument("--latency-runs", type=int, default=20, help="accounts that are hijacked")
    parser.add_argument("--output", type=Path, default=BUILD / "bench.json")
    options = parser.parse_args()
    try:
        logs = {mix: the_log(options.messages, mix) for mix in mail_day.MIXES}
        figures = [figure for mix, log in logs.items() for figure in throughput(mix, log, options.runs)]
        figures += latency(options.latency_runs)
    except MissingProgram as error:
        print(error, file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps([asdict(each) for each in figures], indent=2) + "\n", encoding="utf-8"
    )
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
