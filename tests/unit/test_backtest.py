"""Backtest: what the rules would have decided on old logs, from lines to verdicts."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from zlib import crc32

import pytest
from reading import events_of, run_of, utc

from responder.backtest.backtest import Backtest, Outcome, backtest
from responder.backtest.kept import Kept
from responder.decisions.decision import Kind
from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Detections, load_detections
from responder.events.lives import Part, join, nothing_open, with_open
from responder.formats.postfix import parse
from responder.site.shipped import shipped

EIGHT = utc(2025, 11, 24, 8)
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


@pytest.fixture(scope="module")
def detections() -> Detections:
    return load_detections([shipped("detections")])


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(shipped("policy.yaml"))


def stamp(second: float) -> str:
    return f"{EIGHT + timedelta(seconds=second):%b %d %H:%M:%S}"


def sending(
    account: str, number: int, every: float = 1, at: float = 0, networks: int = 1, unknown: int = 0
) -> list[str]:
    """The log of an account that writes to so many domains, every so many seconds."""
    lines = []
    for n in range(number):
        queue_id = f"{crc32(account.encode()):08X}{n:04X}"
        when, client = at + n * every, f"198.51.{n % networks}.7"
        result = "dsn=5.1.1, status=bounced (no)" if n < unknown else "dsn=2.0.0, status=sent (250 ok)"
        lines += [
            f"{stamp(when)} mx1 postfix/smtpd[1]: {queue_id}: client=unknown[{client}], sasl_method=PLAIN, "
            f"sasl_username={account}",
            f"{stamp(when)} mx1 postfix/smtp[2]: {queue_id}: to=<a@d{n}.example>, {RELAY}, {result}",
            f"{stamp(when)} mx1 postfix/qmgr[3]: {queue_id}: removed",
        ]
    return lines


def parts(*logs: list[str]) -> list[Part]:
    """A log in parts, as bulk reading hands it on."""
    open_, found = nothing_open(), []
    for lines in logs:
        part, open_ = with_open(join(parse(run_of(*lines)), "mail.log", "example.org"), open_)
        found.append(part)
    return found


def judged(detections: Detections, policy: Policy, *logs: list[str]) -> Outcome:
    return backtest(parts(*logs), detections, policy, 15)


def test_a_hijack_is_found_and_an_ordinary_day_is_not(detections, policy):
    """Hundreds of unknown recipients from many networks against a few friends."""
    outcome = judged(
        detections, policy, sending("mallory", 300, networks=4, unknown=60), sending("alice", 20, every=60)
    )
    assert {verdict.account for verdict in outcome.verdicts} == {"mallory"}
    last = outcome.verdicts[-1]
    assert last.decision.kind is Kind.CONTAIN
    assert len({hit.family for hit in last.hits}) == 3
    assert [verdict.at for verdict in outcome.verdicts] == sorted(verdict.at for verdict in outcome.verdicts)


def test_the_outcome_says_what_it_was_made_from(detections, policy):
    """Messages, deliveries, accounts, how many were looked at closely, and the time between."""
    outcome = judged(detections, policy, sending("mallory", 300), sending("alice", 20, every=60))
    assert (outcome.messages, outcome.deliveries, outcome.accounts, outcome.looked_at) == (320, 320, 2, 1)
    assert outcome.first == EIGHT.replace(tzinfo=UTC)
    assert outcome.last == EIGHT.replace(tzinfo=UTC) + timedelta(seconds=1140)


def test_nothing_read_is_nothing_decided(detections, policy):
    """No files, and files without a line of ours."""
    assert judged(detections, policy) == Outcome([], 0, 0, 0, 0, None, None)
    assert judged(detections, policy, ["Nov 24 08:00:00 mx1 cron[1]: x"]) == Outcome(
        [], 0, 0, 0, 0, None, None
    )


def test_an_account_that_logs_in_by_several_names_is_one(detections, policy):
    """With and without the site's domain."""
    names = (("mallory", 0), ("Mallory@example.org", 60), ("mallory+a", 120))
    outcome = judged(detections, policy, *(sending(name, 40, at=at) for name, at in names))
    assert (outcome.accounts, {verdict.account for verdict in outcome.verdicts}) == (1, {"mallory"})


def test_guessed_passwords_accuse_nobody(detections, policy):
    """Thousands of failed logins are not the victim's doing."""
    lines = [
        f"{stamp(n)} mx1 postfix/smtpd[1]: warning: unknown[198.51.100.9]: SASL LOGIN authentication failed: "
        "(reason unavailable), sasl_username=victim"
        for n in range(500)
    ]
    assert judged(detections, policy, lines) == Outcome([], 0, 0, 0, 0, None, None)


def test_incoming_mail_accuses_nobody(detections, policy):
    """Deliveries that no account of ours handed in."""
    lines = [line for line in sending("x", 300) if "smtpd" not in line]
    assert judged(detections, policy, lines).verdicts == []


def test_the_verdicts_are_the_same_however_the_log_is_cut(detections, policy):
    """And with whoever else's lines between."""
    lines = sending("mallory", 200, networks=3, unknown=40)
    others = sending("alice", 20, every=30)
    whole = judged(detections, policy, lines)
    assert whole.verdicts
    for size in (7, 100, 599):
        cut = [lines[n : n + size] for n in range(0, len(lines), size)]
        assert judged(detections, policy, *cut, others).verdicts == whole.verdicts


def test_a_second_hijack_after_the_quiet_hours_is_decided_anew(detections, policy):
    """A day and a half later."""
    again = sending("mallory", 200, at=36 * 3600)
    outcome = judged(detections, policy, sending("mallory", 200), again)
    days = [verdict.at.day for verdict in outcome.verdicts]
    assert set(days) == {24, 25}


def test_a_newsletter_s_habit_is_no_hijack(detections, policy):
    """The same list every week: the hit is held against the account's own past."""
    weekly = [sending("letters", 150, at=-week * 7 * 86400) for week in (3, 2, 1, 0)]
    outcome = judged(detections, policy, *weekly)
    today = [verdict for verdict in outcome.verdicts if verdict.at.day == 24 and verdict.at.month == 11]
    assert [verdict.decision.kind for verdict in today] == [Kind.OBSERVE]


def test_a_look_at_one_line_log_works(detections, policy):
    """The smallest there is."""
    (line,) = sending("alice", 1)[:1]
    assert events_of(line)["account"].to_list() == ["alice"]
    outcome = judged(detections, policy, [line])
    assert (outcome.messages, outcome.deliveries, outcome.verdicts) == (1, 0, [])


def test_what_is_too_much_for_memory_is_judged_alike(detections, policy, monkeypatch):
    """Most of it being put away on a disk, and gone from there afterwards."""
    monkeypatch.setattr("responder.backtest.backtest.TOGETHER", 1)
    logs = [
        sending("mallory", 150, networks=4, unknown=60),
        sending("alice", 20, every=60),
        sending("mallory", 150, networks=4, at=3600) + sending("bob", 5),
    ]
    whole = judged(detections, policy, *logs)
    test = Backtest(detections, policy, 15, kept=Kept(in_memory=100))
    for part in parts(*logs):
        test.add(part)
    folder = Path(test.kept._folder.name)
    text = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"alice" in text
    assert b"a@d" not in text
    assert test.outcome() == whole
    assert {verdict.account for verdict in whole.verdicts} == {"mallory"}
    assert not folder.exists()
