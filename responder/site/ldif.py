"""Directory entries from LDIF (RFC 2849), as directories export them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path

from responder.errors import BadInput, Place

Entry = dict[str, list[str]]
"""The values of each attribute, whose names are in small letters; ``dn`` is among them."""


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a file; raises BadInput where it is no LDIF or has changes in the place of entries."""
    entry: Entry = {}
    for number, line in _whole_lines(path):
        if not line:
            if entry:
                yield entry
            entry = {}
            continue
        name, mark, value = line.partition(":")
        if not mark or not name:
            raise BadInput("no 'attribute: value'", Place(path, number))
        name = name.partition(";")[0].lower()
        if name == "changetype":
            raise BadInput("has a change; entries are read, as a directory exports them", Place(path, number))
        if name != "version" or entry:
            entry.setdefault(name, []).append(_value(value, Place(path, number)))
    if entry:
        yield entry


def _value(text: str, place: Place) -> str:
    if text.startswith("<"):
        raise BadInput("a value in another file, which is not read", place)
    if not text.startswith(":"):
        return text.removeprefix(" ")
    try:
        return base64.b64decode(text[1:].strip(), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        raise BadInput("what should be base64 is none", place) from None


def _whole_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with those that go on with a space put together, without comments, and the number of the first of each."""
    first, whole = 0, ""
    try:
        with path.open(encoding="utf-8", errors="replace", newline=None) as file:
            for number, line in enumerate(file, 1):
                text = line.rstrip("\n")
                if text.startswith(" ") and first:
                    whole += text[1:]
                    continue
                if first and not whole.startswith("#"):
                    yield first, whole
                first, whole = number, text
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", Place(path)) from error
    if first and not whole.startswith("#"):
        yield first, whole
