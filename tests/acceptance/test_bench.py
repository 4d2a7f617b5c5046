"""The measuring works; what it measures is for whoever runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHORT = ("--gigabytes", "0.05", "--live-seconds", "2", "--replay-steps", "8")


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the measuring says."""
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.bench", *arguments],
        cwd=PROJECT,
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


Named = tuple[str, str, str | None]


def _judged(mix: str, *more: Named) -> list[Named]:
    """The figures of one log of Postfix."""
    return [
        (f"{mix}: {name}", unit, ratio_to and f"{mix}: {ratio_to}")
        for name, unit, ratio_to in (
            ("log", "MB", None),
            ("rg -c", "s", None),
            ("pflogsumm", "s", None),
            ("responder backtest", "s", None),
            *more,
            ("responder backtest / rg -c", "times", "rg -c"),
            ("pflogsumm / responder backtest", "times", "responder backtest"),
        )
    ]


def test_a_short_measuring_has_every_figure(tmp_path: Path) -> None:
    """Each figure with its name, value and unit, on file and on the screen; no time is asked for."""
    file = tmp_path / "bench.json"
    done = bench("--messages", "500", "--runs", "1", "--latency-runs", "2", *SHORT, "--output", str(file))
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert [(each["name"], each["unit"], each["ratio_to"]) for each in figures] == [
        *_judged("site"),
        *_judged("submissions", ("responder backtest, .gz", "s", None)),
        ("submissions: responder backtest, .gz / plain", "times", "submissions: responder backtest"),
        *(
            (f"{format_}: {name}", unit, None)
            for format_ in ("exim", "dovecot")
            for name, unit in (
                ("log", "M lines"),
                ("reading", "M lines/s"),
                ("responder backtest", "M lines/s"),
            )
        ),
        ("memory: the file", "MB", None),
        ("memory: repeated", "MB", None),
        ("memory: repeated / the file", "times", "memory: the file"),
        ("live: 10 files, 5000 lines/s", "cores", None),
        ("replay: first quarter", "MB", None),
        ("replay: last quarter", "MB", None),
        ("replay: last / first quarter", "times", "replay: first quarter"),
        ("latency, median", "s", None),
        ("latency, 95th percentile", "s", None),
    ]
    assert all(each.keys() == {"name", "value", "unit", "ratio_to"} and each["value"] > 0 for each in figures)
    assert len(done.stdout.splitlines()) == len(figures)
    assert "latency: run 2: " in done.stderr


def test_a_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    """Whoever lacks one reads what to install."""
    done = bench("--messages", "500", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "rg is missing: install the Debian package ripgrep" in done.stderr
    assert "Traceback" not in done.stderr
