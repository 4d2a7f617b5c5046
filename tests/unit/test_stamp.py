"""Times of log lines: years that nobody wrote, leap days, zones, and what is no time at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import run_of, utc

from responder.formats.stamp import times

NAIVE = utc(2025, 11, 24, 8, 0, 1)


def told(*stamps: str, reference: datetime = datetime(2025, 11, 24, 12, tzinfo=UTC), zone: str = "UTC"):
    """The instants of stamps, UTC without zone."""
    return times(pl.Series(stamps, dtype=pl.String), run_of(reference=reference, zone=zone)).to_list()


def test_a_stamp_without_a_year_is_of_the_year_of_the_reference():
    """Days of one digit are padded by a space."""
    assert told("Nov 24 08:00:01", "Nov  4 08:00:01") == [NAIVE, utc(2025, 11, 4, 8, 0, 1)]


@pytest.mark.parametrize(
    ("reference", "stamp", "year"),
    [
        (datetime(2021, 12, 31, 23, 59, 58, tzinfo=UTC), "Jan  1 00:00:01", 2022),
        (datetime(2022, 1, 1, 0, 0, 3, tzinfo=UTC), "Dec 31 23:59:59", 2021),
        (datetime(2022, 1, 1, 0, 0, 3, tzinfo=UTC), "Jan  1 00:00:02", 2022),
        (datetime(2025, 11, 24, tzinfo=UTC), "Jun  1 00:00:00", 2025),
        (datetime(2025, 11, 24, tzinfo=UTC), "Apr  1 00:00:00", 2026),
    ],
)
def test_at_new_year_a_stamp_is_of_the_year_that_puts_it_nearest(reference, stamp, year):
    """A line of last night is not a year old, and a clock that is ahead is not a year behind."""
    (time,) = told(stamp, reference=reference)
    assert time.year == year


def test_months_out_of_order_add_no_years():
    """Several hosts' lines in one file, and files put together by hand."""
    found = told(*["Feb 21 12:00:00", "Jan 11 00:00:01"] * 2, reference=datetime(2025, 2, 22, tzinfo=UTC))
    assert {time.year for time in found} == {2025}


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2024, utc(2024, 2, 29, 12, 32, 36)),
        (2025, utc(2024, 2, 29, 12, 32, 36)),
        (2026, None),
        (2027, utc(2028, 2, 29, 12, 32, 36)),
    ],
)
def test_a_leap_day_is_of_a_year_that_has_one(year, expected):
    """Read within a year of it; no other year can be meant."""
    assert told("Feb 29 12:32:36", reference=datetime(year, 3, 1, tzinfo=UTC)) == [expected]


def test_a_leap_day_changes_nothing_of_its_neighbours():
    """One stamp that needs another year does not move the others."""
    found = told("Feb 28 23:59:59", "Feb 29 00:00:00", reference=datetime(2024, 3, 1, tzinfo=UTC))
    assert found == [utc(2024, 2, 28, 23, 59, 59), utc(2024, 2, 29)]


def test_a_stamp_without_a_zone_is_in_the_source_s():
    """Winter and summer."""
    assert told("Nov 24 08:00:01", "Jul 24 08:00:01", zone="Europe/Paris") == [
        utc(2025, 11, 24, 7, 0, 1),
        utc(2025, 7, 24, 6, 0, 1),
    ]


OCTOBER = datetime(2025, 10, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (["01:59:59", "02:30:00", "02:59:59", "02:00:00", "02:30:00", "03:00:00"], "-1 0 0 1 1 1"),
        (["01:59:59", "02:30:00", "02:59:59"], "-1 0 0"),
        (["02:30:00", "02:59:59", "03:00:00"], "1 1 1"),
        (["02:59:58", "02:59:57", "02:59:59", "03:00:00"], "1 1 1 1"),
        (["02:30:00"], "1"),
    ],
)
def test_of_the_hour_that_comes_twice_the_order_of_the_lines_tells_which_it_is(clocks, expected):
    """Neither counted twice within an hour nor an hour off; alone, it is the one nearer to the reference."""
    second = [which == "1" and clock < "03" for clock, which in zip(clocks, expected.split(), strict=True)]
    wanted = [
        utc(2025, 10, 26, int(c[:2]), int(c[3:5]), int(c[6:]))
        - timedelta(hours=1 if late or c >= "03" else 2)
        for c, late in zip(clocks, second, strict=True)
    ]
    assert told(*(f"Oct 26 {c}" for c in clocks), reference=OCTOBER, zone="Europe/Paris") == wanted


def test_read_while_it_is_written_the_hour_that_comes_twice_is_the_one_of_now():
    """A live log: what was just written is of just now."""
    for hour in (0, 1):
        now = datetime(2025, 10, 26, hour, 30, 2, tzinfo=UTC)
        assert told("Oct 26 02:30:00", reference=now, zone="Europe/Paris") == [utc(2025, 10, 26, hour, 30)]


def test_in_the_hour_that_is_skipped_a_clock_was_not_put_forward():
    """So its 02:30 is half an hour after its 02:00."""
    reference = datetime(2025, 3, 30, 12, tzinfo=UTC)
    assert told(
        "Mar 30 01:59:59", "Mar 30 02:30:00", "Feb 30 02:30:00", reference=reference, zone="Europe/Paris"
    ) == [
        utc(2025, 3, 30, 0, 59, 59),
        utc(2025, 3, 30, 1, 30),
        None,
    ]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2025-02-02T09:50:42.211184+01:00", utc(2025, 2, 2, 8, 50, 42, 211184)),
        ("2025-02-02T09:50:42+01:00", utc(2025, 2, 2, 8, 50, 42)),
        ("2025-02-02T09:50:42.211-05:30", utc(2025, 2, 2, 15, 20, 42, 211000)),
        ("2025-02-02T09:50:42Z", utc(2025, 2, 2, 9, 50, 42)),
        ("2025-02-02T09:50:42.5Z", utc(2025, 2, 2, 9, 50, 42, 500000)),
        ("1999-12-31T23:59:59+00:00", utc(1999, 12, 31, 23, 59, 59)),
    ],
)
def test_an_iso_stamp_says_all_itself(stamp, expected):
    """Year, fraction and offset; neither the reference nor the source's zone matter."""
    assert told(stamp, zone="Asia/Tokyo") == [expected]


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-11-31T14:99:16.000000+01:00",
        "2025-11-31T14:00:00+01:00",
        "2025-13-01T00:00:00+01:00",
        "2025-11-24T08:00:01",
        "2025-02-29T00:00:00Z",
        "Nov 31 08:00:00",
        "Nov 24 25:00:00",
        "Nov 24 08:60:00",
        "Foo 24 08:00:00",
        "Nov 24",
        "",
        "T",
    ],
)
def test_an_impossible_time_is_none(stamp):
    """It does not roll over to the next day or hour, and its neighbours keep theirs."""
    assert told("Nov 24 08:00:01", stamp, "2025-11-24T08:00:01Z") == [NAIVE, None, NAIVE]


def test_no_stamps_are_no_times():
    """A run of lines that says nothing."""
    assert told() == []


@settings(max_examples=100, deadline=None)
@given(st.datetimes(utc(2000, 1, 1), utc(2037, 12, 31)), st.integers(-181 * 86400, 181 * 86400))
def test_a_stamp_near_its_reference_gives_the_time_back(reference, seconds):
    """Whatever the day, a stamp of within half a year is read as it was meant."""
    reference = reference.replace(microsecond=0)
    time = reference + timedelta(seconds=seconds)
    stamp = f"{time:%b} {time.day:2} {time:%H:%M:%S}"
    assert told(stamp, reference=reference.replace(tzinfo=UTC)) == [time]
