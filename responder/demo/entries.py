"""The entries of the stand-in directory, changed as OpenLDAP with its password policy changes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import NAMESPACE_DNS, uuid5

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import escape_rdn, parse_dn

from responder.demo.person import Person

LOCK = "pwdAccountLockedTime"
OPERATIONAL = ("entryUUID", LOCK)
CHANGEABLE = {LOCK.lower(): LOCK, "userpassword": "userPassword"}
GENERALIZED_TIME = re.compile(  # RFC 4517 3.3.13
    r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?([.,]\d+)?"
    r"(Z|[+-]([01]\d|2[0-3])([0-5]\d)?)",
    re.ASCII,
)

Key = tuple[tuple[str, str], ...]


class RefusedError(Exception):
    """An operation that ends with a result code other than success."""

    def __init__(self, code: int, text: str = "", matched: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.matched = code, text, matched


@dataclass
class Entry:
    """One entry; ``hidden`` holds what is only shown when asked for by name, ``passwords`` is never shown."""

    dn: str
    shown: dict[str, list[str]]
    hidden: dict[str, list[str]] = field(default_factory=dict)
    passwords: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = key(self.dn)
        self.hidden["entryUUID"] = [str(uuid5(NAMESPACE_DNS, self.dn))]

    @property
    def locked(self) -> bool:
        """Whether the password policy refuses every bind."""
        return bool(self.hidden.get(LOCK))

    def change(self, name: str, operation: int, values: list[str]) -> None:
        """Add (0), delete (1) or replace (2) values of the lock or the password; raises RefusedError."""
        if name.lower() not in CHANGEABLE:
            raise RefusedError(50, f"no write access to {name}")
        name = CHANGEABLE[name.lower()]
        before = self.passwords if name == "userPassword" else self.hidden.get(name, [])
        after = _changed(name, operation, before, values)
        if name == "userPassword":
            self.passwords = after
        elif after:
            self.hidden[name] = _checked_lock(after)
        else:
            self.hidden.pop(name, None)


def _changed(name: str, operation: int, before: list[str], values: list[str]) -> list[str]:
    match operation:
        case 0 if not values:
            raise RefusedError(2, f"{name}: no values given")
        case 0 if set(before) & set(values):
            raise RefusedError(20, f"modify/add: {name}: value already exists")
        case 0:
            return before + values
        case 1 if not before or set(values) - set(before):
            raise RefusedError(16, f"modify/delete: {name}: no such {'value' if before else 'attribute'}")
        case 1:
            return [value for value in before if values and value not in values]
        case 2:
            return values
    raise RefusedError(2, f"unrecognized modify operation {operation}")


def _checked_lock(values: list[str]) -> list[str]:
    if any(not GENERALIZED_TIME.fullmatch(value) for value in values):
        raise RefusedError(21, f"{LOCK}: value #0 invalid per syntax")
    if len(values) > 1:
        raise RefusedError(19, f"{LOCK}: multiple values provided")
    return values


def key(dn: str) -> Key:
    """A name to compare by, without case and optional spaces; raises RefusedError (34) if it is none."""
    if not dn.strip():
        return ()
    try:
        return tuple(
            (kind.lower(), " ".join(value.lower().split())) for kind, value, _ in parse_dn(dn, strip=True)
        )
    except (LDAPInvalidDnError, IndexError) as error:
        raise RefusedError(34, "invalid DN") from error


def of_person(person: Person, base: str) -> Entry:
    """The entry of a person below ``base``; empty attributes are left out."""
    first, _, last = person.name.rpartition(" ")
    shown = {
        "objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson", "supannPerson"],
        "uid": [person.uid],
        "cn": [person.name],
        "givenName": [first],
        "sn": [last],
        "displayName": [person.name],
        "mail": [person.mail],
        "supannMailPerso": [person.backup_address],
        "mobile": [person.mobile],
        "preferredLanguage": [person.language],
        "employeeType": [person.employee_type],
    }
    shown = {name: values for name, values in shown.items() if values != [""]}
    return Entry(f"uid={escape_rdn(person.uid)},{base}", shown, passwords=[person.password])


def plain(dn: str, kind: str) -> Entry:
    """An entry that only gives the tree its shape, such as a base or a folder of people."""
    name, value = dn.split(",")[0].split("=")
    return Entry(dn, {"objectClass": ["top", kind], name: [value]})
