"""The port to a text message service, and what a text costs: its alphabet and segments (3GPP TS 23.038)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Protocol

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_PLAINER = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—―", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u00ad", ""),
        "…": "...",
        "œ": "oe",
        "Œ": "OE",
        "ç": "c",
        "•": "-",
    }
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the service took; ``status`` and ``error`` are its words for what became of it."""

    id: str
    status: str
    error: str = ""


class SmsService(Protocol):
    """A text message service."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def send(self, to: str, body: str) -> Sent:
        """Hands one text in; ``to`` is E.164.

        Raises SystemUnreachable when it said "not now", SystemRefused for a number or a right that will not
        do, OutcomeUnknown when the answer was lost: ask ``find`` before anything is repeated.
        """

    def find(self, to: str, body: str) -> Sent | None:
        """The message with exactly that recipient and text; the text must bear a reference of its own."""

    def ping(self) -> None:
        """Returns when the service answers and lets us in."""


def reduced(text: str) -> str:
    """The text with quotes, dashes and the accents of Latin letters that GSM-7 lacks in a plainer form.

    One accent would turn the whole text into UCS-2 and more than double its segments.
    """
    return "".join(_reduced(each) for each in unicodedata.normalize("NFC", text.translate(_PLAINER)))


def segments(text: str) -> int:
    """How many messages the text is sent as: GSM-7 160, then 153 units each; UCS-2 70, then 67."""
    if all(each in _BASIC or each in _EXTENDED for each in text):
        return _parts([1 + (each in _EXTENDED) for each in text], 160, 153)
    return _parts([1 + (ord(each) > 0xFFFF) for each in text], 70, 67)


def _reduced(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


def _parts(units: list[int], alone: int, joined: int) -> int:
    """A character of two units is never split between two segments."""
    if sum(units) <= alone:
        return 1
    parts, room = 1, joined
    for unit in units:
        if unit > room:
            parts, room = parts + 1, joined
        room -= unit
    return parts
