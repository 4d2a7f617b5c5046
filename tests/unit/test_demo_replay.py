"""Replaying an old log as if it happened now."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from responder.demo.morning import SHIPPED
from responder.demo.replay import restamped, speed_for

NOW = datetime(2027, 3, 4, 23, 59, 58, tzinfo=ZoneInfo("Europe/Paris"))


def test_stamps_become_live_and_the_rest_stays():
    """A line's delay and its stamp agree, across midnight too."""
    lines = [
        "Nov 24 08:00:00 mail1 a: one",
        "Nov 24 08:00:10 mail1 b: two Nov 24",
        "Nov 24 08:01:00 mail2 c: three",
    ]
    assert list(restamped(lines, NOW, speed=10.0)) == [
        (0.0, "Mar  4 23:59:58 mail1 a: one"),
        (1.0, "Mar  4 23:59:59 mail1 b: two Nov 24"),
        (6.0, "Mar  5 00:00:04 mail2 c: three"),
    ]


def test_the_shipped_morning_takes_as_long_as_wanted():
    """Every line comes, in order, within twenty seconds."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    played = list(restamped(lines, NOW, speed_for(lines, 20.0)))
    assert [line[15:] for _, line in played] == [line[15:] for line in lines]
    assert all(one <= other for (one, _), (other, _) in pairwise(played))
    assert played[-1][0] == pytest.approx(20.0)


def test_a_stamp_that_goes_back_does_not_turn_time_back():
    """Two hosts' clocks may differ by a second."""
    lines = ["Nov 24 08:00:01 a", "Nov 24 08:00:00 b", "Feb 29 08:00:00 c"]
    assert [delay for delay, _ in restamped(lines, NOW, speed=1.0)] == [0.0, 0.0, 0.0]


def test_one_moment_cannot_be_stretched():
    """A log of a single second is played at once."""
    lines = ["Nov 24 08:00:01 a", "Nov 24 08:00:01 b"]
    assert [delay for delay, _ in restamped(lines, NOW, speed_for(lines, 20.0))] == [0.0, 0.0]
