"""The measuring works; what it measures is for whoever runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


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


def test_a_short_measuring_has_every_figure(tmp_path: Path) -> None:
    """Each figure with its name, value and unit, on file and on the screen; no time is asked for."""
    file = tmp_path / "bench.json"
    done = bench("--messages", "500", "--runs", "2", "--latency-runs", "2", "--output", str(file))
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert [(each["name"], each["unit"], each["ratio_to"]) for each in figures] == [
        *(
            (f"{mix}: {name}", unit, ratio_to and f"{mix}: {ratio_to}")
            for mix in ("site", "submissions")
            for name, unit, ratio_to in (
                ("log", "MB", None),
                ("rg -c", "s", None),
                ("pflogsumm", "s", None),
                ("responder backtest", "s", None),
                ("responder backtest / rg -c", "times", "rg -c"),
                ("pflogsumm / responder backtest", "times", "responder backtest"),
            )
        ),
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
