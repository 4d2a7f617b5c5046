"""Runs of lines: bytes cut at line feeds and nowhere else, with what was wrong told of."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.sources.lines import BLOCK, LONGEST, Problem, _after_line_feeds, located
from responder.sources.lines import cut as cut_lines


def cut(data: bytes, first: int = 1) -> tuple[list[str], list[str]]:
    """The lines of bytes and the problems."""
    text, troubles = cut_lines(data, len(data))
    problems = located(troubles, "mail.log", first)
    return text.to_list(), [str(problem) for problem in problems]


def test_lines_keep_their_line_feed():
    """So that a line's end can be told from its text."""
    assert cut(b"one\n\ntwo\n") == (["one\n", "\n", "two\n"], [])


def test_nothing_is_no_line():
    """An empty file."""
    assert cut(b"") == ([], [])


def test_only_a_line_feed_ends_a_line():
    """Carriage returns, form feeds and Unicode's separators may be written by strangers."""
    line = "a\rb\x0bc\x0cd\x1ce\x1df\x1eg\x85h\u2028i\u2029j\n"
    assert cut(line.encode()) == ([line], [])


def test_nul_bytes_are_dropped_and_told_of():
    """A file that was truncated under a daemon's hands is full of them."""
    assert cut(b"one\n\0\0\0two\nth\0ree\n", first=10) == (
        ["one\n", "two\n", "three\n"],
        ["mail.log:11: has NUL bytes (from here on); they were dropped"],
    )


def test_bytes_that_are_no_utf_8_are_replaced_and_told_of():
    """Latin-1 names in old systems' logs; a character that is cut in two by a truncating daemon."""
    assert cut(b"one\nJos\xe9\nEm\xc3\nZ\xc3\xbcrich\n") == (
        ["one\n", "Jos\ufffd\n", "Em\ufffd\n", "Zürich\n"],
        ["mail.log:2: is not UTF-8 (from here on); the bytes were replaced by U+FFFD"],
    )


def test_bytes_like_those_of_surrogates_and_overlong_forms_are_replaced():
    """Neither is UTF-8, and no ``/`` or line feed may come of them."""
    lines, problems = cut(b"\xed\xa0\x80\n\xc0\x8a\xc0\xaf\n")
    assert [set(line) for line in lines] == [{"\ufffd", "\n"}] * 2
    assert len(problems) == 1


def test_a_line_that_is_too_long_is_emptied_and_told_of():
    """The numbers of the others stay right."""
    data = b"one\n" + b"x" * LONGEST + b"\n" + b"y" * (LONGEST - 1) + b"\nthree\n"
    lines, problems = cut(data)
    assert [len(line) for line in lines] == [4, 1, LONGEST, 6]
    assert problems == [f"mail.log:2: a line of {LONGEST} bytes, longer than {LONGEST}; passed over"]


def test_blocks_come_together():
    """Line feeds at the end of one block, at the start of the next, and lines over both."""
    data = (b"a" * (BLOCK - 1) + b"\n" + b"\n" + b"b" * 10 + b"\n") * 2 + b"c" * 5 + b"\n"
    ends = _after_line_feeds(np.frombuffer(data, np.uint8)).tolist()
    assert ends == [0, *(at + 1 for at, byte in enumerate(data) if byte == 10)]


def test_a_problem_without_a_line_is_about_the_source():
    """A file that cannot be opened has no line."""
    assert str(Problem("mail.log", 0, "cannot be read")) == "mail.log: cannot be read"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20))
def test_any_bytes_are_cut_at_line_feeds_and_nowhere_else(lines):
    """As many lines as line feeds, each the text of its bytes."""
    expected = [line.replace(b"\0", b"").decode("utf-8", "replace") + "\n" for line in lines]
    assert cut(b"".join(line + b"\n" for line in lines))[0] == expected
