"""The directory of a world, as LDIF."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator

from responder.simulate.person import Person

BASE = "dc=example,dc=org"
PROTECTED = f"cn=protected-accounts,ou=groups,{BASE}"


def ldif(people: Iterable[Person]) -> Iterator[str]:
    """One entry after the other, each with the empty line behind it."""
    for person in people:
        yield _entry(person)


def _entry(person: Person) -> str:
    name = f"{person.given} {person.surname}".removeprefix("- ")
    pairs = [
        ("dn", f"uid={person.uid},ou=people,{BASE}"),
        ("objectClass", "inetOrgPerson"),
        ("objectClass", "supannPerson"),
        ("uid", person.uid),
        ("cn", name),
        ("sn", person.surname),
        ("givenName", person.given),
        ("mail", person.mail),
        ("mailAlternateAddress", person.alias),
        ("mobile", person.mobile),
        ("supannMailPerso", person.backup),
        ("employeeType", person.kind),
        ("departmentNumber", str(person.department)),
        ("memberOf", PROTECTED if person.protected else ""),
    ]
    return "".join(f"{_line(key, value)}\n" for key, value in pairs if value) + "\n"


def _line(key: str, value: str) -> str:
    """Plain where LDIF allows it, else Base64 (RFC 2849)."""
    if value.isascii() and value[0] not in " :<":
        return f"{key}: {value}"
    return f"{key}:: {b64encode(value.encode()).decode()}"
