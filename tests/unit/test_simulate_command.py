"""`responder simulate`, as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SMALL = ("--mailboxes", "200", "--days", "1", "--warmup-days", "0", "--hijacks", "1")


def simulate(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What it says."""
    return subprocess.run(
        [sys.executable, "-m", "responder", "simulate", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_world_is_written_and_summed_up(tmp_path):
    """As JSON where that is asked for; nothing on standard error, which is no terminal."""
    done = simulate(tmp_path / "world", *SMALL, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["hijacks"], said["campaigns"]) == (1, 1)
    log = (tmp_path / "world" / "mail.log").read_text(encoding="utf-8")
    assert said["lines"] == log.count("\n") > 1000
    assert sorted(path.name for path in (tmp_path / "world").iterdir()) == [
        "directory.ldif",
        "geo.csv",
        "geo.mmdb",
        "mail.log",
        "malicious.jsonl",
        "truth.jsonl",
        "world.json",
    ]


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path):
    """Old logs and new truth would not go together."""
    (tmp_path / "mail.log").write_text("mine\n", encoding="utf-8")
    done = simulate(tmp_path, *SMALL)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}: is not empty; name a new folder\n")
    assert (tmp_path / "mail.log").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mailboxes", "20"), "--mailboxes 20: there must be at least 200"),
        (
            ("--days", "3", "--warmup-days", "3"),
            "--days 3 --warmup-days 3: at most 300 days, some of them after",
        ),
        (("--hijacks", "500"), "--hijacks 500: 0 to 200, a tenth of the mailboxes"),
        (("--start", "yesterday"), "--start yesterday: no date; say one such as 2026-09-14"),
        (("--zone", "Nowhere"), "no time zone 'Nowhere'"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, arguments, said):
    """Before anything is written."""
    done = simulate(tmp_path / "world", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert not (tmp_path / "world").exists()
