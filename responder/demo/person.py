"""A person of the demonstration's small university: a directory entry, and an owner who is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox; ``mobile`` is E.164, ``language`` a code such as ``fr``, both may be empty."""

    uid: str
    name: str
    mail: str
    backup_address: str
    mobile: str
    language: str
    password: str
    employee_type: str
