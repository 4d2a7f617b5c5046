"""Real Postfix lines of other tools' collections: each says what those tools' own tests say it does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from reading import run_of

from responder.events.lives import join, nothing_open, with_open
from responder.formats.postfix import AGENTS, parse

pytestmark = pytest.mark.shared

REFERENCE = datetime(2025, 6, 1, tzinfo=UTC)
AGENT = re.compile(rf"\S+/({'|'.join(sorted(AGENTS))})\[\d+\]: \S+: to=.*status=")
LOGIN = re.compile(r"\S+/smtpd\[\d+\]: .*(?:sasl_username=|authentication failed)")

OTHERWISE = {
    ("postfix.log", 21): "the address has no angle brackets, which Postfix always writes",
    **dict.fromkeys(
        [("postfix.log", n) for n in (170, 175, 183, 185, 190, 197)],
        "written before Postfix 2.3: no dsn=, so nothing tells a bounce from an unknown user; told of as cut short",
    ),
}
"""Lines that are passed over, and why that is right."""


@dataclass
class Line:
    """A line of the corpus with the fields that it should give."""

    file: str
    number: int
    text: str
    expected: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def read(self) -> tuple[list[dict[str, Any]], int]:
        """The events of the line read by itself, and the number of problems."""
        parsed = parse(run_of(self.text, reference=REFERENCE))
        part, _ = with_open(join(parsed, self.file, None), nothing_open())
        return part.flat().rows(named=True), len(parsed.problems)

    @property
    def place(self) -> tuple[str, int]:
        return self.file, self.number


@pytest.fixture(scope="module")
def lines(shared: Path) -> list[Line]:
    """Every line of the two files that hold Postfix's, with what is expected of it."""
    expected = {
        (row["file"], row["line"]): row["expected"]
        for row in map(
            json.loads, (shared / "corpora/expected.jsonl").read_text(encoding="utf-8").splitlines()
        )
    }
    return [
        Line(name, number, text, expected.get((name, number), {}))
        for name in ("postfix.log", "mixed-maillog.log")
        for number, text in enumerate((shared / "corpora" / name).read_text(encoding="utf-8").split("\n"), 1)
    ]


def own(text: str, field_: str) -> str:
    """A field as the line itself has it, for lines of which the collection states less."""
    return re.search(rf"{field_}=<?([^>,\s]*)", text)[1]


def test_every_delivery_is_read_with_the_fields_that_it_should_have(lines):
    """Queue id, recipient, code and outcome, as stated, or else as the line has them."""
    checked = 0
    for line in lines:
        if not AGENT.search(line.text) or line.place in OTHERWISE:
            continue
        (event,), problems = line.read
        stated = line.expected
        status = stated.get("status") or own(line.text, "status")
        assert {
            "kind": event["kind"],
            "queue_id": event["queue_id"],
            "recipient": event["recipient"],
            "dsn": event["dsn"],
            "outcome": event["outcome"],
            "problems": problems,
        } == {
            "kind": "delivery",
            "queue_id": stated.get("queue_id") or line.text.split("]: ")[1].split(":")[0],
            "recipient": (stated.get("recipient") or own(line.text, "to")).lower(),
            "dsn": stated.get("dsn") or own(line.text, "dsn"),
            "outcome": status.partition("-")[0],
            "problems": 0,
        }, line
        assert event["host"] == stated.get("host", event["host"]), line
        checked += 1
    assert checked == 31


def test_every_login_is_read_with_the_fields_that_it_should_have(lines):
    """Client, name and result; the collections hold failures only."""
    checked = 0
    for line in lines:
        if not LOGIN.search(line.text):
            continue
        (event,), problems = line.read
        stated = line.expected
        name = re.search(r"sasl_username=(\S+)$", line.text)
        assert (event["kind"], event["success"], problems) == ("login", False, 0), line
        assert event["client_ip"] == (
            stated.get("client_ip") or re.search(r" \S+\[([\d.]+)\]: SASL", line.text)[1]
        ), line
        assert event["account"] == stated.get("sasl_username", name[1] if name else None), line
        checked += 1
    assert checked == 9


def test_lines_that_are_passed_over_are_those_listed(lines):
    """Each for the reason that stands beside it; those cut short are told of."""
    passed = {line.place: line.read for line in lines if AGENT.search(line.text)}
    assert {place for place, (events, _) in passed.items() if not events} == set(OTHERWISE)
    assert {place for place, (_, problems) in passed.items() if problems} == {
        place for place, reason in OTHERWISE.items() if "cut short" in reason
    }


def test_no_other_line_gives_an_event(lines):
    """Rejects, warnings, connections, queue manager, other daemons and other programs."""
    rest = [line for line in lines if not AGENT.search(line.text) and not LOGIN.search(line.text)]
    assert len(rest) > 300
    assert {line.place: events for line in rest if (events := line.read[0])} == {}


def test_times_are_those_of_the_stamps(lines):
    """Month, day and time as they stand; in ISO-8601 stamps with their offset."""
    for line in lines:
        events, _ = line.read
        for event in events:
            stated = line.expected.get("timestamp") or line.expected.get("timestamp_peer")
            if re.match(r"\d{4}-", line.text):
                iso = datetime.fromisoformat(line.text.split(" ")[0])
                assert event["time"] == iso.astimezone(UTC).replace(tzinfo=None), line
            else:
                assert (
                    f"{event['time']:%b} {event['time'].day:2} {event['time']:%H:%M:%S}" == line.text[:15]
                ), line
            if stated and str(stated).endswith("Z"):
                assert event["time"].isoformat()[5:19] == str(stated)[5:19], line


def test_the_whole_file_reads_as_its_lines_do(lines):
    """Neighbours change nothing but whose a delivery is."""
    for name in ("postfix.log", "mixed-maillog.log"):
        mine = [line for line in lines if line.file == name]
        parsed = parse(run_of(*(line.text for line in mine), reference=REFERENCE))
        alone = [line.number for line in mine for _ in line.read[0]]
        assert sorted([*parsed.deliveries["line"], *parsed.logins["line"], *parsed.starts["line"]]) == alone
        assert parsed.starts.is_empty()
