"""How many parts a text message has: 160 characters of GSM's alphabet each or 70 of any other."""

from __future__ import annotations

# 3GPP TS 23.038, default alphabet and its extension table; the latter's characters take two places.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """The number of parts; one character outside GSM's alphabet, as ``ç`` or ``’``, makes it all UCS-2."""
    if set(text) <= GSM | GSM_EXTENDED:
        length, alone, joined = len(text) + sum(c in GSM_EXTENDED for c in text), 160, 153
    else:
        length, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)
