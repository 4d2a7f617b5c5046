"""How fast old logs are judged, in how much memory; what following costs; and how soon an account is shut.

``python -m tests.bench.bench`` prints a table and writes ``build/bench.json``; progress is on standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import ModuleType

from tests.servers.process import MissingProgram, program

from . import dovecot_log, exim_log, live, mail_day, mail_log, memory, packed, reading, replay, sessions
from .latency import latencies
from .timing import Contender, medians

BUILD = Path(__file__).resolve().parents[2] / "build"
PATTERN = "sasl_username=|status="
COUNT, SUMMARY, OURS = "rg -c", "pflogsumm", "responder backtest"
BACKTEST = (sys.executable, "-m", "responder", "backtest", "--zone", "UTC")
PLAIN, GZ = f"submissions: {OURS}", f"submissions: {OURS}, .gz"
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
    f"submissions: {OURS} / {COUNT}": "further aim: 4 at most; a log about hardly anything else, our worst case",
    f"submissions: {SUMMARY} / {OURS}": "further aim: 25 at least",
    f"{GZ} / plain": "aim: 1.5 at most",
    "exim: reading": "aim: 1 at least; all events read and joined, without the start of the process",
    f"exim: {OURS}": "the whole process, judging too",
    "dovecot: reading": "aim: 1 at least; as above",
    f"dovecot: {OURS}": "as above; logins only, nothing is judged",
    "memory: the file": "aim: 600 at most; the submissions once",
    "memory: repeated": f"aim: 600 at most; a process that reaches {memory.MOST} is ended",
    "memory: repeated / the file": "the less it grows with the file, the better",
    "live: 10 files, 5000 lines/s": "aim: 0.5 at most; 'responder serve' on growing logs, median of windows of 2 s",
    "replay: first quarter": "24 h of the site's lines, as fast as they are read, by the clock of the lines",
    "replay: last quarter": "reading, looking every step, forgetting every hour; the quarter's median",
    "replay: last / first quarter": "aim: 1, no growth",
    "latency, median": "real slapd; stand-ins of desk, relay and SMS service; interval 1 s",
    "latency, 95th percentile": "as above",
}


def tell(words: str) -> None:
    """Progress."""
    print(words, file=sys.stderr, flush=True)


def made(name: str, makers: tuple[ModuleType, ...], write: Callable[[Path], object]) -> Path:
    """``bench-NAME-STATE`` in ``build/`` as ``write`` makes it, once for each state of its makers."""
    made_by = b"".join(Path(str(each.__file__)).read_bytes() for each in makers)
    stem, ending = name.split(".", 1)
    path = BUILD / f"bench-{stem}-{hashlib.sha256(made_by).hexdigest()[:8]}.{ending}"
    if not path.exists():
        tell(f"writing {path.name}")
        path.parent.mkdir(exist_ok=True)
        for old in BUILD.glob(f"bench-{stem}-*.{ending}"):
            old.unlink()
        fresh = path.with_suffix(".new")
        write(fresh)
        fresh.replace(path)
    return path


def the_log(messages: int, mix: str, seed: int = 7) -> Path:
    """A day's log with so many messages."""
    makers = (mail_day, mail_log)
    return made(f"{mix}-{messages}.log", makers, lambda path: mail_log.write(path, messages, seed, mix=mix))


def throughput(mix: str, log: Path, runs: int, gz: Path | None = None) -> list[Figure]:
    """Medians of a bare count, of the usual summary and of ours, and the ratios; of ours on ``gz`` too."""
    contenders = [
        Contender(f"{mix}: {COUNT}", (program("rg", "ripgrep"), "-c", PATTERN, str(log)), runs),
        Contender(f"{mix}: {SUMMARY}", (program("pflogsumm", "pflogsumm"), str(log)), SLOW_RUNS),
        Contender(f"{mix}: {OURS}", (*BACKTEST, str(log)), runs),
        *([Contender(GZ, (*BACKTEST, str(gz)), runs)] if gz else []),
    ]
    with tempfile.TemporaryDirectory() as folder:  # no configuration of ours is there
        found = medians(contenders, runs, Path(folder), tell)
    count, summary, ours = (found[each.name] for each in contenders[:3])
    return [
        Figure(f"{mix}: log", round(log.stat().st_size / 1e6, 1), "MB"),
        *(Figure(name, round(seconds, 3), "s") for name, seconds in found.items()),
        Figure(f"{mix}: {OURS} / {COUNT}", round(ours / count, 2), "times", f"{mix}: {COUNT}"),
        Figure(f"{mix}: {SUMMARY} / {OURS}", round(summary / ours, 2), "times", f"{mix}: {OURS}"),
        *([Figure(f"{GZ} / plain", round(found[GZ] / ours, 2), "times", PLAIN)] if gz else []),
    ]


def other_formats(messages: int, runs: int) -> list[Figure]:
    """Million lines a second of Exim's and Dovecot's logs, of reading alone and of whole processes."""
    logs = {
        "exim": made(
            f"exim-{messages}.log",
            (mail_day, sessions, exim_log),
            lambda path: exim_log.write(path, messages * 5 // 6),
        ),
        "dovecot": made(
            f"dovecot-{messages}.log",
            (mail_day, sessions, dovecot_log),
            lambda path: dovecot_log.write(path, messages * 2),
        ),
    }
    figures = []
    for name, log in logs.items():
        whole = Contender(f"{name}: {OURS}", (*BACKTEST, "--format", name, str(log)), runs)
        with tempfile.TemporaryDirectory() as folder:
            seconds = {
                f"{name}: reading": reading.seconds(name, log, runs, tell),
                **medians([whole], runs, Path(folder), tell),
            }
        millions = reading.lines_in(log) / 1e6
        figures.append(Figure(f"{name}: log", round(millions, 3), "M lines"))
        figures += [Figure(each, round(millions / took, 3), "M lines/s") for each, took in seconds.items()]
    return figures


def peaks(log: Path, gigabytes: float) -> list[Figure]:
    """The highest memory of a backtest over the log, and over the log repeated to so many gigabytes."""
    times = max(1, round(gigabytes * 1e9 / log.stat().st_size))
    with tempfile.TemporaryDirectory() as folder:
        once = memory.peak((*BACKTEST, str(log)), Path(folder))
        tell(f"memory: the file: {once:.0f} MB")
        often = memory.peak((*BACKTEST, "--format", "postfix", "-"), Path(folder), log, times)
        tell(f"memory: {times} times: {often:.0f} MB")
    return [
        Figure("memory: the file", round(once), "MB"),
        Figure("memory: repeated", round(often), "MB"),
        Figure("memory: repeated / the file", round(often / once, 2), "times", "memory: the file"),
    ]


def following(log: Path, seconds: float) -> list[Figure]:
    """What it costs to follow growing logs."""
    with tempfile.TemporaryDirectory() as folder:
        share = live.share(log, seconds, Path(folder), tell)
    return [Figure("live: 10 files, 5000 lines/s", round(share, 3), "cores")]


def a_day(log: Path, steps: int) -> list[Figure]:
    """Whether memory grows in a day."""
    with tempfile.TemporaryDirectory() as folder:
        found = replay.quarters(log, steps, Path(folder))
    tell(f"replay: {', '.join(f'{each:.0f}' for each in found)} MB")
    first, *_, last = found
    return [
        Figure("replay: first quarter", round(first), "MB"),
        Figure("replay: last quarter", round(last), "MB"),
        Figure("replay: last / first quarter", round(last / first, 2), "times", "replay: first quarter"),
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
        print(f"{each.name:<44} {each.value:>9g} {each.unit:<9} {WORDS.get(each.name, '')}".rstrip())


def main() -> int:
    """Runs all parts as the command line says."""
    parser = argparse.ArgumentParser(description="Measure how fast logs are judged and accounts are shut.")
    parser.add_argument("--messages", type=int, default=300_000, help="submissions in the log")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command")
    parser.add_argument("--gigabytes", type=float, default=10, help="to which the log is repeated for memory")
    parser.add_argument("--live-seconds", type=float, default=20, help="of following logs that grow")
    parser.add_argument("--replay-steps", type=int, default=replay.STEPS, help="into which the day is cut")
    parser.add_argument("--latency-runs", type=int, default=20, help="accounts that are hijacked")
    parser.add_argument("--output", type=Path, default=BUILD / "bench.json")
    options = parser.parse_args()
    try:
        logs = {mix: the_log(options.messages, mix) for mix in mail_day.MIXES}
        site, submissions = logs["site"], logs["submissions"]
        packed_name = f"packed-{options.messages}.log.gz"
        gz = made(packed_name, (mail_day, mail_log, packed), lambda path: packed.write(path, submissions))
        figures = throughput("site", site, options.runs)
        figures += throughput("submissions", submissions, options.runs, gz)
        figures += other_formats(options.messages, options.runs)
        figures += peaks(submissions, options.gigabytes)
        figures += following(submissions, options.live_seconds)
        figures += a_day(site, options.replay_steps)
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
