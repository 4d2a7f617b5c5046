"""The end of a message about a word that is not known."""

from __future__ import annotations

import difflib


def did_you_mean(word: str, known: list[str]) -> str:
    """The nearest known word as a question, or else all of them."""
    if near := difflib.get_close_matches(word, known, 1, 0.6):
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(sorted(known))}" if known else ""
