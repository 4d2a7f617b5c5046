"""A stand-in for the organisation's LDAP directory, which behaves as OpenLDAP with its password policy."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from socketserver import StreamRequestHandler
from typing import Any

from responder.demo import wire
from responder.demo.entries import LOCK, Entry, Key, RefusedError, key, of_person, plain
from responder.demo.filters import Test, Values
from responder.demo.person import Person
from responder.demo.session import Session
from responder.demo.stand_in import HOST, StandIn

__all__ = ["Person", "StandInDirectory"]

# Names that the schema knows, whether or not an entry has them; a filter on any other cannot be answered.
SCHEMA = """
objectClass uid cn sn givenName displayName mail supannMailPerso mailAlternateAddress mobile telephoneNumber
preferredLanguage employeeType departmentNumber memberOf member description o ou dc entryUUID createTimestamp
modifyTimestamp pwdAccountLockedTime pwdFailureTime pwdReset pwdChangedTime
"""
KNOWN = frozenset(SCHEMA.lower().split())
BASE, ONE = 0, 1


class _Handler(StreamRequestHandler):
    disable_nagle_algorithm = True

    def __init__(self, directory: StandInDirectory, *rest: Any) -> None:
        self.directory = directory
        super().__init__(*rest)

    def handle(self) -> None:
        session = Session(self.directory)
        try:
            while (message := wire.read(self.rfile)) is not None:
                self.wfile.write(b"".join(session.answers(message)))
                if session.over:
                    break
        except wire.MalformedError as error:
            self.wfile.write(wire.farewell(str(error)))


class StandInDirectory(StandIn):
    """A stand-in directory of ``people``, where the service account may write the lock and the password.

    A locked entry, one with pwdAccountLockedTime, is refused every bind (49); setting a new password takes
    away a lock that was there before. Nobody else writes, and nothing is encrypted.
    """

    label = "stand-in directory"

    def __init__(
        self, people: Iterable[Person], base: str = "dc=example,dc=org", service_password: str = "stand-in"
    ) -> None:
        super().__init__(lambda *rest: _Handler(self, *rest))
        self.base = base
        self.people_base = f"ou=people,{base}"
        self.service_dn = f"cn=responder,ou=system,{base}"
        self.service_password = service_password
        service = plain(self.service_dn, "organizationalRole")
        service.passwords = [service_password]
        shape = [
            plain(base, "domain"),
            *(plain(f"ou={ou},{base}", "organizationalUnit") for ou in ("people", "system")),
        ]
        entries = [*shape, service, *(of_person(person, self.people_base) for person in people)]
        self.entries: dict[Key, Entry] = {entry.key: entry for entry in entries}
        self.service_key = service.key
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens; only inside the ``with`` block."""
        return f"ldap://{HOST}:{self.port}"

    def dn(self, uid: str) -> str:
        """The name of a person's entry."""
        return self._person(uid).dn

    def is_locked(self, uid: str) -> bool:
        """Whether a person's entry is locked."""
        return self._person(uid).locked

    def _person(self, uid: str) -> Entry:
        return next(entry for entry in self.entries.values() if entry.shown.get("uid") == [uid])

    def find(self, dn: str) -> Entry:
        """The entry of that name; raises RefusedError (32) with the nearest one above it."""
        wanted = key(dn)
        if wanted in self.entries:
            return self.entries[wanted]
        above = (self.entries[wanted[n:]].dn for n in range(1, len(wanted)) if wanted[n:] in self.entries)
        raise RefusedError(32, "no such entry", next(above, ""))

    def below(self, start: Entry, scope: int, test: Test, may_see_lock: bool) -> Iterator[Entry]:
        """The entries of a scope that satisfy a filter."""
        for entry in self.entries.values():
            depth = len(entry.key) - len(start.key)
            inside = depth >= 0 and entry.key[depth:] == start.key
            in_scope = depth == scope if scope in (BASE, ONE) else True
            if inside and in_scope and test(self.values(entry, may_see_lock)):
                yield entry

    def values(self, entry: Entry, may_see_lock: bool) -> Values:
        """What filters and comparisons see of an entry."""
        held = {name.lower(): values for name, values in (entry.shown | entry.hidden).items()}
        if not may_see_lock:
            held.pop(LOCK.lower(), None)
        return lambda name: held.get(name, [] if name in KNOWN else None)
