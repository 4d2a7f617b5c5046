"""Late events: counted, and judged at their own time all the same."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from reading import read

from responder.events.late import Late
from responder.events.lives import Part, join, nothing_open, with_open

RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"


def part(*times: str, source: str = "mail.log", failed: str | None = None) -> Part:
    """A delivery at each time, and a failed login."""
    lines = [
        f"Nov 24 {at} mx1 postfix/smtp[2]: 4A1B2C3D4E: to=<a@example.com>, {RELAY}, dsn=2.0.0, status=sent (250 ok)"
        for at in times
    ]
    if failed:
        lines.append(
            f"Nov 24 {failed} mx2 postfix/smtpd[1]: warning: unknown[198.51.100.9]: SASL LOGIN authentication "
            "failed: (reason unavailable), sasl_username=victim"
        )
    return with_open(join(read(*lines), source, None), nothing_open())[0]


def test_what_is_minutes_behind_is_late():
    """Just five minutes are not."""
    late = Late()
    assert late.take(part("08:00:00", "08:10:00", "08:04:59", "08:05:00", "08:10:01")) == 1
    assert late.count == {"mail.log": 1}


def test_the_youngest_of_all_before_counts():
    """Over parts and kinds of events; each source has its own clock."""
    late = Late()
    assert late.take(part("08:00:00", failed="08:10:00")) == 0
    assert late.take(part("08:04:00", "08:06:00")) == 1
    assert late.take(part("08:04:00", source="other.log")) == 0
    assert late.take(part()) == 0
    assert late.take(part("08:04:00", failed="08:03:00")) == 2
    assert late.count == {"mail.log": 3}


def test_how_late_is_late_is_up_to_the_site():
    """A relay that sends its log once an hour."""
    late = Late(timedelta(hours=1))
    assert late.take(part("08:00:00", "07:30:00", "06:59:59")) == 1


def test_late_events_are_events():
    """Nothing is lost by coming late."""
    events = part("08:00:00", "07:00:00").flat()
    assert events["time"].dt.hour().to_list() == [8, 7]
    assert isinstance(events, pl.DataFrame)
