"""Confirmation: what speaks for a hijack, what against, and how many independent kinds agree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from responder.confirmation.evidence import USUAL_FACTOR, confirm, doubt
from responder.detections.detection import Family, Severity
from responder.detections.hit import Hit

AT = datetime(2025, 11, 24, 8, tzinfo=UTC)


def hit(family: Family = Family.VOLUME, severity: Severity = Severity.HIGH, window: int = 600, **more) -> Hit:
    values = {"figures": {"recipients": 120.0}, "usual": {}, "lines": ("a line",), **more}
    return Hit("alice", f"a-{family}-detection", family, severity, AT, window, **values)


def test_a_hit_is_evidence_with_its_figures_and_lines():
    """In words that a person reads."""
    (found,) = confirm([hit()]).evidence
    assert found.supports
    assert found.words == "120 recipients in 10 min"
    assert (found.family, found.severity, found.lines) == (Family.VOLUME, Severity.HIGH, ("a line",))


@pytest.mark.parametrize(
    ("window", "figures", "words"),
    [
        (3600, {"recipient_domains": 50.0}, "50 recipient domains in 1 h"),
        (86400, {"unknown_user_share": 0.083333}, "0.08 unknown user share in 1 d"),
        (90, {"recipients": 1e6}, "1e+06 recipients in 90 s"),
        (600, {"recipients": 5.0, "unknown_user_share": 1.0}, "5 recipients, 1 unknown user share in 10 min"),
    ],
)
def test_figures_and_windows_in_words(window, figures, words):
    """Whole numbers without a point, shares with two places."""
    assert confirm([hit(window=window, figures=figures)]).evidence[0].words == words


def test_families_are_counted_once_each():
    """Ten hits of one kind are one kind of evidence."""
    found = confirm([hit(), hit(), hit(Family.SPREAD), hit(Family.QUALITY)])
    assert found.families == (Family.QUALITY, Family.SPREAD, Family.VOLUME)


@pytest.mark.parametrize(
    ("usual", "habit"),
    [
        ({}, False),
        ({"recipients": 60.0}, False),
        ({"recipients": 60.5}, True),
        ({"recipients": 500.0}, True),
        ({"recipients": 0.0}, False),
        ({"messages": 500.0}, False),
    ],
)
def test_what_is_the_account_s_habit_speaks_against(usual, habit):
    """Below twice its own highest it is no news."""
    assert USUAL_FACTOR == 2
    assert (doubt(hit(usual=usual)) is not None) == habit
    assert confirm([hit(usual=usual)]).families == (() if habit else (Family.VOLUME,))


def test_a_habit_is_said_with_its_number():
    """So that a person sees what was weighed."""
    found = confirm([hit(usual={"recipients": 90.0})]).evidence[0]
    assert not found.supports
    assert (
        found.words == "120 recipients in 10 min, but recipients up to 90 in 10 min is this account's habit"
    )


def test_severity_counts_only_of_what_supports():
    """A severe hit that is a habit makes nothing severe."""
    found = confirm([hit(usual={"recipients": 100.0}), hit(Family.SPREAD, Severity.MEDIUM)])
    assert found.severe(Severity.LOW)
    assert found.severe(Severity.MEDIUM)
    assert not found.severe(Severity.HIGH)


def test_without_hits_there_is_no_evidence():
    """Neither families nor severity."""
    found = confirm([])
    assert (found.evidence, found.families, found.severe(Severity.LOW)) == ((), (), False)
