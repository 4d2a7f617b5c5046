"""LDAP search filters (RFC 4511 4.5.1.7) with their three answers: yes, no, and cannot be said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ldap3.protocol.rfc4511 import Filter
from pyasn1.codec.ber import decoder

Values = Callable[[str], list[str] | None]
"""An attribute's values by lower-case name: empty when the entry has none, None for an unknown name."""

Test = Callable[[Values], bool | None]
"""Whether an entry with these values satisfies a filter; only True selects it."""

# Only these have an order (generalizedTimeOrderingMatch); of any other, more or less cannot be said.
ORDERED = frozenset(
    {"pwdaccountlockedtime", "pwdfailuretime", "pwdchangedtime", "createtimestamp", "modifytimestamp"}
)
AND, OR, NOT = 0xA0, 0xA1, 0xA2
DEEPEST = 50


class FilterError(ValueError):
    """The filter is none, or nested without end."""


def parse(octets: bytes, depth: int = 0) -> Test:
    """The test of an encoded Filter; raises FilterError.

    ldap3's specification cannot decode filters inside filters, so those are taken apart here.
    """
    if depth > DEEPEST:
        raise FilterError("nested too deeply")
    if octets[:1] not in (bytes([AND]), bytes([OR]), bytes([NOT])):
        leaf, _ = decoder.decode(octets, asn1Spec=Filter())
        return _leaf(leaf.getName(), leaf.getComponent())
    parts = [parse(part, depth + 1) for part in _parts(octets)]
    if octets[0] == NOT and len(parts) == 1:
        return lambda values: _opposite(parts[0](values))
    if octets[0] == OR:
        return lambda values: _any([part(values) for part in parts])
    return lambda values: _all([part(values) for part in parts])


def _parts(octets: bytes) -> Iterator[bytes]:
    at, _ = _content(octets, 0)
    while at < len(octets):
        _, end = _content(octets, at)
        if end > len(octets):
            raise FilterError("cut short")
        yield octets[at:end]
        at = end


def _content(octets: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at a place starts and ends."""
    size, start = octets[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(octets[at + 2 : start], "big")
    return start, start + size


def _leaf(kind: str, part: Any) -> Test:
    match kind:
        case "present":
            name = _text(part).lower()
            return lambda values: bool(values(name))
        case "extensibleMatch":
            return lambda _values: None
        case "substringFilter":
            name, pieces = _text(part["type"]).lower(), part["substrings"]
            return lambda values: _some(values(name), lambda value: _has_pieces(value, pieces))
    name, wanted = _text(part["attributeDesc"]).lower(), fold(_text(part["assertionValue"]))
    tests: dict[str, Callable[[str], bool]] = {
        "equalityMatch": lambda value: value == wanted,
        "approxMatch": lambda value: value == wanted,
        "greaterOrEqual": lambda value: value >= wanted,
        "lessOrEqual": lambda value: value <= wanted,
    }
    if kind in ("greaterOrEqual", "lessOrEqual") and name not in ORDERED:
        return lambda _values: None
    return lambda values: _some(values(name), tests[kind])


def fold(text: str) -> str:
    """A value as caseIgnoreMatch compares it: without case, runs of spaces as one."""
    return " ".join(text.lower().split())


def _some(values: list[str] | None, test: Callable[[str], bool]) -> bool | None:
    return None if values is None else any(test(fold(value)) for value in values)


def _opposite(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _has_pieces(value: str, pieces: Any) -> bool:
    at = 0
    for piece in pieces:
        wanted = _text(piece.getComponent()).lower()
        match piece.getName():
            case "initial" if not value.startswith(wanted):
                return False
            case "final":
                return value.endswith(wanted) and len(value) - len(wanted) >= at
        found = value.find(wanted, at)
        if found < 0:
            return False
        at = found + len(wanted)
    return True


def _text(octets: Any) -> str:
    return bytes(octets).decode("utf-8", "replace")
