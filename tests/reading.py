"""Log lines for tests: cut into runs as the sources do, parsed, and joined to events."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from responder.events.lives import join, nothing_open, with_open
from responder.formats.format import Parsed
from responder.formats.postfix import parse
from responder.sources.lines import Lines, cut, located

SITE = "example.org"
"""The domain whose accounts need none."""

NOON = datetime(2025, 11, 24, 12, tzinfo=UTC)
"""A moment near the stamps of the tests' lines."""


def utc(*parts: int) -> datetime:
    """An instant as the events table has it: UTC, without zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def run_of(
    *lines: str | bytes,
    first: int = 1,
    reference: datetime = NOON,
    zone: str = "UTC",
    keep_text: bool = False,
) -> Lines:
    """Lines as a source hands them on."""
    data = b"".join((each if isinstance(each, bytes) else each.encode("utf-8")) + b"\n" for each in lines)
    text, troubles = cut(data, len(data))
    problems = located(troubles, "mail.log", first)
    return Lines("mail.log", first, text, reference, ZoneInfo(zone), keep_text, tuple(problems))


def read(
    *lines: str | bytes, reference: datetime = NOON, zone: str = "UTC", keep_text: bool = False
) -> Parsed:
    """What Postfix lines say."""
    return parse(run_of(*lines, reference=reference, zone=zone, keep_text=keep_text))


def events_of(*lines: str | bytes, keep_text: bool = False) -> pl.DataFrame:
    """The joined events of Postfix lines."""
    return joined(read(*lines, keep_text=keep_text))


def joined(parsed: Parsed) -> pl.DataFrame:
    """The events of what a format read of lines, with nothing before them."""
    return with_open(join(parsed, "mail.log", SITE), nothing_open())[0].flat()
