"""A short form of ``make fuzz``."""

from __future__ import annotations

from fuzz.fuzz import fuzz, wrong

from responder.formats import formats
from responder.formats.format import Format, Parsed


def test_damaged_lines_are_read_without_falling_over():
    """Each time the same ones; ``make fuzz`` takes others."""
    assert [str(found) for found in fuzz(40_000, seed=7)] == []


def test_a_format_that_finds_the_name_of_another_line_is_caught():
    """The check can fail."""
    postfix = formats()["postfix"]

    def parse(lines) -> Parsed:
        parsed = postfix.parse(lines)
        moved = parsed.starts.with_columns(account=parsed.starts["account"].reverse())
        return Parsed(moved, parsed.ends, parsed.deliveries, parsed.logins, parsed.links)

    lines = [
        b"Nov 24 08:00:01 mx1 postfix/smtpd[11]: 4A1B2C3D4E: client=pc[192.0.2.5], sasl_method=PLAIN, "
        b"sasl_username=" + name
        for name in (b"ann", b"ben")
    ]
    assert list(wrong(postfix, lines)) == []
    assert len(list(wrong(Format("bad", "bad", postfix.recognises, parse), lines))) == 2


def test_a_format_that_falls_over_is_caught():
    """The check can fail this way too."""

    def parse(lines) -> Parsed:
        raise ValueError("no")

    assert list(wrong(Format("bad", "bad", lambda sample: True, parse), [b"x"])) == ["ValueError: no"]
