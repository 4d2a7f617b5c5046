"""Telephone numbers and mail addresses of people: what is a usable one, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,255}")
_ANY_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"'=]+@[\w.-]*\w")
_ANY_NUMBER = re.compile(r"\+[1-9]\d{6,14}\b", re.ASCII)


def e164(written: str) -> str:
    """A number as E.164 (a plus, the country's code, at most 15 digits in all); raises ValueError."""
    number = re.sub(r"[\s.\-/\u00a0\u202f]|\(0\)|[()]", "", written)
    number = "+" + number[2:] if number.startswith("00") else number
    if not _E164.fullmatch(number):
        raise ValueError("a telephone number must be written with a plus and the country's code")
    return number


def mail_address(written: str) -> str:
    """One bare mail address; raises ValueError for a list, a display name, a control character."""
    address = written.strip()
    if not _ADDRESS.fullmatch(address) or ".." in address:
        raise ValueError("a mail address must be one bare address, such as help@example.org")
    return address


Number = Annotated[str, AfterValidator(e164)]
Address = Annotated[str, AfterValidator(mail_address)]


def mask_address(address: str) -> str:
    """The address as the audit shows it: ``j***@example.net``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def mask_number(number: str) -> str:
    """The number as the audit shows it: ``+33******01``."""
    return f"{number[:3]}{'*' * max(len(number) - 5, 0)}{number[-2:]}"


def scrub(value: Any, private: Mapping[str, str]) -> Any:
    """``value`` with every text of ``private`` put in its other words, and every address and number masked.

    Works through lists and mappings; for audit details, which must not name anybody.
    """
    if isinstance(value, str):
        for text in sorted(private, key=len, reverse=True):
            value = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", _constant(private[text]), value, flags=re.I)
        value = _ANY_ADDRESS.sub(lambda found: mask_address(found[0]), value)
        return _ANY_NUMBER.sub(lambda found: mask_number(found[0]), value)
    if isinstance(value, Mapping):
        return {key: scrub(each, private) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(each, private) for each in value]
    return value


def _constant(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text
