"""An account cannot be judged clean in a minute whose lines are missing: live and in a backtest alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from responder.audit.trail import Trail
from responder.backtest.backtest import Outcome, backtest
from responder.cases.book import CLOSED
from responder.cases.case import Case
from responder.clock import SystemClock
from responder.decisions.decision import Kind
from responder.decisions.policy import load_policy
from responder.detections.detection import load_detections
from responder.events.bulk import read_events
from responder.events.store import DuckDBStore
from responder.formats import format_named
from responder.live.ingest import Ingest
from responder.live.watch import Watch
from responder.reports.cases import list_cases, show_case
from responder.site.shipped import shipped
from responder.sources.followed import FollowedFile
from responder.state.database import open_state

EIGHT = datetime(2025, 11, 24, 8)  # noqa: DTZ001  # as the lines have it
ZONE = ZoneInfo("UTC")
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"
LOST = "rsyslogd[12]: imjournal: 234 messages lost due to rate-limiting"


def line(minutes: float, said: str) -> str:
    return f"{EIGHT + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ} mx1 {said}\n"


def burst(minutes: float) -> list[str]:
    """Mallory writes to 300 domains within ten minutes, and a fifth of them know nobody of that name."""
    lines = []
    for n in range(300):
        result = "dsn=2.0.0, status=sent (250 ok)" if n % 5 else "dsn=5.1.1, status=bounced (no)"
        at, queue_id = minutes + n / 30, f"4A1B2C{int(minutes):04X}{n:04X}"
        lines += [
            line(
                at,
                f"postfix/smtpd[1]: {queue_id}: client=a[192.0.2.5], sasl_method=PLAIN, sasl_username=mallory",
            ),
            line(
                at,
                f"postfix/smtp[2]: {queue_id}: to=<a@d{n}.example>, {RELAY}, {result}",
            ),
        ]
    return lines


def tolled(first: int, last: int) -> list[str]:
    """Something every ten minutes, so that the log is never silent."""
    return [line(minute, "cron[7]: (root) CMD (true)") for minute in range(first, last, 10)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two bursts, the second after the case of the first was closed; lines are missing in each and between them."""
    file = tmp_path / "mail.log"
    lines = [*burst(0), *tolled(10, 6000), *burst(6000)]
    lines += [line(minute, LOST) for minute in (1, 300, 6001, 9000)]
    file.write_text("".join(sorted(lines, key=lambda each: each[:20])), encoding="utf-8")
    return file


WORDS = "lines are missing: mx1 lost 234 lines at 2025-11-{} UTC (rsyslog: rate-limiting)"


def judged(log: Path) -> Outcome:
    detections, policy = load_detections([shipped("detections")]), load_policy(shipped("policy.yaml"))
    return backtest(read_events([log], format_named("postfix"), ZONE, None, []), detections, policy, 15)


def test_live_and_in_a_backtest_evidence_says_what_is_missing(tmp_path, log):
    """In the window of a hit, and at the end of a case in the time in which it was quiet; decisions are the same."""
    store, state, clock = DuckDBStore(tmp_path / "events.duckdb", b"key"), open_state(None), SystemClock()
    Ingest(store, None, [(FollowedFile(log, ZONE), format_named("postfix"))]).read()
    trail = Trail(clock, b"key")

    def act(connection: Connection, case: Case, decision_id: int, kind: Kind) -> None:
        """Nothing is carried out here."""

    detections, policy = load_detections([shipped("detections")]), load_policy(shipped("policy.yaml"))
    Watch(store, state, trail, clock, detections, policy, 15, act).look()
    with state.begin() as connection:
        numbers = [row["case"] for row in list_cases(connection, everything=True)]
        first, second = (show_case(connection, number) for number in numbers)
        closed = [record.detail for record in trail.read(connection) if record.tag == CLOSED]
    assert {each["words"].rpartition("; ")[2] for each in first["evidence"]} == {WORDS.format("24 08:01")}
    assert {each["words"].rpartition("; ")[2] for each in second["evidence"]} == {WORDS.format("28 12:01")}
    assert (first["outcome"], first["missing"]) == ("quiet", [WORDS.format("24 13:00")])
    assert closed == [{"outcome": "quiet", "missing": first["missing"]}]
    assert second["missing"] == []
    outcome = judged(log)
    live = [decision["kind"] for case in (first, second) for decision in case["decisions"]]
    assert live == [each.decision.kind for each in outcome.verdicts]
    assert {hit.missing for hit in outcome.verdicts[0].hits} == {(WORDS.format("24 08:01"),)}
    assert {hit.missing for hit in outcome.verdicts[-1].hits} == {(WORDS.format("28 12:01"),)}
    store.close()
    state.dispose()


def test_a_backtest_tells_of_every_loss(log):
    """Whether an account was suspected then or not."""
    outcome = judged(log)
    assert [(loss.where, loss.until, loss.lost) for loss in outcome.losses] == [
        ("mx1", (EIGHT + timedelta(minutes=minutes)).replace(tzinfo=UTC), 234)
        for minutes in (1, 300, 6001, 9000)
    ] + [(str(log), (EIGHT + timedelta(minutes=9000)).replace(tzinfo=UTC), None)]


def test_a_log_without_a_gap_tells_of_none(tmp_path):
    """Nor is anything said with the evidence."""
    file = tmp_path / "mail.log"
    file.write_text("".join([*burst(0), *tolled(10, 60)]), encoding="utf-8")
    outcome = judged(file)
    assert outcome.losses == ()
    assert {hit.missing for verdict in outcome.verdicts for hit in verdict.hits} == {()}
