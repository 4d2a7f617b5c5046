"""What other tools' own tests expect of real lines of many systems, held against what we read of them.

The count is printed: ``pytest -s tests/cases/test_expectations.py``.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reading import run_of

from responder.events.lives import join, nothing_open, with_open
from responder.formats import formats, together

pytestmark = pytest.mark.shared

FIELDS = {
    "queue_id": "queue_id",
    "recipient": "recipient",
    "dsn": "dsn",
    "status": "outcome",
    "sasl_username": "account",
    "client_ip": "client_ip",
    "host": "host",
}
"""What we keep, by the collection's name for it; of an Exim or Exchange line more are stated, which we do not keep."""

OWN_FORMAT = {
    "postfix.log": "postfix",
    "dovecot.log": "dovecot",
    "exim.log": "exim",
    "sendmail.log": "sendmail",
    "exchange-tracking.csv": "exchange",
    "exchange-ews-not-tracking.csv": "exchange",
}

AUTH_LINE = "the login process tells of the same attempt, which is counted once, there"
NGINX = "nginx' mail proxy is no format that is read"
RECIPIENT = "the peer takes the recipient of a rejected RCPT for a login: nobody logged in here"
EXPLAINED = {
    ("postfix.log", 21): "the address has no angle brackets, which Postfix always writes",
    **{("dovecot.log", n): AUTH_LINE for n in (1, 7, 8)},
    **{("exim.log", n): RECIPIENT for n in (8, 19)},
    **{("other.log", n): NGINX for n in (22, 29, 32)},
}
"""Lines of which we read no event though the peer does, and why."""

DIFFERENT: dict[tuple[str, int, str], str] = {
    ("exim.log", 24, "recipient"): "the recipients of a message that is handed in come with its deliveries",
    ("postfix.log", 19, "status"): "undeliverable-but-not-cached is undeliverable",
}
"""Fields that we read in another way, and why."""


def tells(expected: dict[str, Any]) -> bool:
    """Whether the line tells of a delivery or a login, by the collection's word: then it gives an event."""
    return {"recipient", "status"} <= expected.keys() or bool(
        {"sasl_username", "login_result"} & expected.keys()
    )


@pytest.fixture(scope="module")
def expectations(shared: Path) -> list[tuple[str, int, str, dict[str, Any]]]:
    """File, line number, line, and its expected fields."""
    rows = map(json.loads, (shared / "corpora/expected.jsonl").read_text(encoding="utf-8").splitlines())
    texts: dict[str, list[str]] = {}
    found = []
    for row in rows:
        name, number = row["file"], row["line"]
        if name not in texts:
            text = (shared / "corpora" / name).read_text(encoding="utf-8", errors="replace")
            texts[name] = text.split("\n")
        found.append((name, number, texts[name][number - 1], row["expected"]))
    return found


def events_of(name: str, text: str) -> list[dict[str, Any]]:
    """The events of one line."""
    format_ = formats()[OWN_FORMAT[name]] if name in OWN_FORMAT else together(list(formats().values()))
    lines = run_of(text, reference=datetime(2022, 6, 1, tzinfo=UTC))
    part, _ = with_open(join(format_.parse(lines), name, None), nothing_open())
    return part.flat().rows(named=True)


def test_every_expectation_is_met_or_explained(expectations, capsys):
    """Field by field where there is an event, which there is where the line tells of a delivery or a login."""
    count: Counter[str] = Counter()
    failed: list[object] = []
    used: set[object] = set()
    for name, number, text, expected in expectations:
        events = events_of(name, text)
        place = (name, number)
        if not events:
            explained = place in EXPLAINED
            used |= {place} & EXPLAINED.keys()
            count["explained" if explained else "failed" if tells(expected) else "passed"] += 1
            if tells(expected) and not explained:
                failed.append((place, text))
            continue
        for stated, ours in FIELDS.items():
            if stated not in expected:
                continue
            same = str(events[0][ours]).lower() == str(expected[stated]).lower()
            if not same and (*place, stated) in DIFFERENT:
                used.add((*place, stated))
                count["explained"] += 1
            else:
                count["passed" if same else "failed"] += 1
                if not same:
                    failed.append((place, stated, expected[stated], events[0][ours]))
    with capsys.disabled():
        print(
            f"\nexpectations: {count['passed']} passed, {count['explained']} explained, {count['failed']} failed"
        )
    assert not failed
    assert used == {*EXPLAINED, *DIFFERENT}  # no explanation of what needs none
    assert count["passed"] > 200
