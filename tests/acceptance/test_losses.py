"""Missing lines on the command line: what a backtest cannot vouch for, and what a log itself tells of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .site import COMMAND, complaints

LOST = "rsyslogd[12]: imjournal: 5 messages lost due to rate-limiting"
HEAD = "Lines are missing or may be; of these times no account can be called clean:"


def run(file: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What a command says of a log."""
    arguments = [*COMMAND, command, file.name, "--format", "postfix", "--zone", "Europe/Paris", *options]
    done = subprocess.run(arguments, cwd=file.parent, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A mail, a notice and a gap; a client and a remote server write words of a notice."""
    file = tmp_path / "mail.log"
    said = {
        "08:00:00": f"postfix/smtpd[1]: 4A1B2C3D4E: client=a[192.0.2.5], sasl_method=PLAIN, sasl_username={LOST}",
        "08:00:01": "postfix/smtp[2]: 4A1B2C3D4E: to=<a@example.com>, relay=none, delay=1, delays=0.1/0/0.5/0.4, "
        f"dsn=4.4.1, status=deferred ({LOST})",
        "08:01:00": LOST,
        "08:43:00": "cron[7]: (root) CMD (true)",
    }
    file.write_text(
        "".join(f"2025-11-24T{at}+01:00 mx1 {text}\n" for at, text in said.items()), encoding="utf-8"
    )
    return file


def test_a_backtest_says_what_it_cannot_vouch_for(log):
    """After its table, a line a loss, in the zone of the logs."""
    done = run(log, "backtest")
    assert complaints(done.stderr) == []
    assert done.stdout.partition(f"\n{HEAD}\n")[2].splitlines() == [
        "  mx1 lost 5 lines at 2025-11-24 08:01 CET (rsyslog: rate-limiting)",
        "  mail.log had no line for 42 minutes between 2025-11-24 08:01 CET and 2025-11-24 08:43 CET",
    ]


def test_a_backtest_says_it_in_json(log):
    """Each with its times, and how many lines where somebody counted."""
    assert json.loads(run(log, "backtest", "--json").stdout)["losses"] == [
        {
            "where": "mx1",
            "from": "2025-11-24T08:01:00+01:00",
            "to": "2025-11-24T08:01:00+01:00",
            "lost": 5,
            "reason": "rsyslog: rate-limiting",
        },
        {
            "where": "mail.log",
            "from": "2025-11-24T08:01:00+01:00",
            "to": "2025-11-24T08:43:00+01:00",
            "lost": None,
            "reason": "no line for 42 minutes",
        },
    ]


def test_a_backtest_of_a_log_with_many_losses_stays_short(log):
    """Twenty lines and how many more; JSON has them all, and a whole log none."""
    log.write_text(
        "".join(f"2025-11-24T08:00:{n:02}+01:00 mx1 {LOST}\n" for n in range(23)), encoding="utf-8"
    )
    told = run(log, "backtest").stdout.partition(f"{HEAD}\n")[2].splitlines()
    assert (len(told), told[-1]) == (21, "  ... and 3 more")
    assert len(json.loads(run(log, "backtest", "--json").stdout)["losses"]) == 23
    log.write_text("2025-11-24T08:00:00+01:00 mx1 cron[7]: x\n", encoding="utf-8")
    assert HEAD not in run(log, "backtest").stdout


def test_losses_are_events(log):
    """With what they are about, and no line that gave no event; the others' words are none."""
    done = run(log, "events")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["kind"] for event in events] == ["submission", "delivery", "loss", "loss"]
    assert events[2] == {
        "kind": "loss",
        "time": "2025-11-24T08:01:00+01:00",
        "host": "mx1",
        "source": "mail.log",
        "line": 3,
        "lost": 5,
        "reason": "rsyslog: rate-limiting",
    }
    assert events[3] == {
        "kind": "loss",
        "time": "2025-11-24T08:43:00+01:00",
        "source": "mail.log",
        "line": 4,
        "reason": "no line for 42 minutes",
        "silent_since": "2025-11-24T08:01:00+01:00",
    }
    unread = [line for line in done.stderr.splitlines() if "without an event" in line]
    assert len(unread) == 1
    assert "cron" in unread[0]
