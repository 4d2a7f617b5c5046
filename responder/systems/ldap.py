"""LDAP requests with every result code read: a connection for each, verified TLS, explicit timeouts."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from pyasn1.error import PyAsn1Error
from pydantic import SecretStr

from responder.errors import (
    ChangedMeanwhile,
    OutcomeUnknown,
    ResponderError,
    SystemRefused,
    SystemUnreachable,
)

Changes = list[tuple[str, list[str]]]
_OPERATIONS = {"add": ldap3.MODIFY_ADD, "delete": ldap3.MODIFY_DELETE}
_BROKEN = (LDAPException, PyAsn1Error, OSError)

# Result codes of RFC 4511, appendix A.
_DONE, _SIZE_LIMIT = 0, 4
_BUSY = {51: "is busy", 52: "is not available"}
_CUT_OFF = {3: "time limit", 11: "administrative limit"}
_NOT_AS_EXPECTED = (16, 19, 20, 32)
_HIDDEN = (32, 50)  # no such object, insufficient access rights
_MASTER_ELSEWHERE = 10
_OTHER = 80

PAGED = "1.2.840.113556.1.4.319"
PAGE = 500
"""Entries asked for at once, which is what OpenLDAP gives where nothing else was configured (slapd.conf(5))."""

LIFT = "give our account 'size.prtotal=unlimited' in its limits"


class TooManyEntriesError(ResponderError):
    """The server had more entries than were asked for; ``names`` are those that it gave."""

    def __init__(self, names: list[str]) -> None:
        super().__init__("more entries than expected")
        self.names = names


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; its name is used as it came, never built."""

    dn: str
    values: dict[str, list[str]]

    def all(self, attribute: str) -> list[str]:
        """The values, none when the entry has no such attribute or it must not be read."""
        return self.values.get(attribute.lower(), [])

    def first(self, attribute: str) -> str | None:
        """The first value that is not blank."""
        return next((value.strip() for value in self.all(attribute) if value.strip()), None)


class LdapClient:
    """Searches and modifies on the first of ``urls`` that answers; a broken connection is thrown away."""

    def __init__(
        self,
        name: str,
        urls: Sequence[str],
        *,
        bind_dn: str,
        password: Callable[[], SecretStr],
        start_tls: bool,
        ca_file: Path | None,
        timeout: int,
    ) -> None:
        self._name = name
        self._urls = urls
        self._bind_dn = bind_dn
        self._password = password
        self._start_tls = start_tls
        self._ca_file = ca_file
        self._timeout = timeout

    def search(self, base: str, search: str, attributes: list[str], limit: int) -> list[Entry]:
        """At most ``limit`` entries below ``base``; raises TooManyEntriesError when there are more."""
        return self._found(base, search, attributes, ldap3.SUBTREE, limit)

    def pages(self, base: str, search: str, attributes: list[str]) -> Iterator[list[Entry]]:
        """Every entry below ``base``, page by page (RFC 2696) over one connection.

        A server that has no pages gives them all at once. Raises SystemRefused where it gives fewer than it has.
        """
        with self._session() as connection:
            cookie: bytes | None = None
            while cookie is None or cookie:
                paged = {"paged_size": PAGE, "paged_criticality": False, "paged_cookie": cookie}
                code, entries = self._asked(connection, base, search, attributes, ldap3.SUBTREE, **paged)
                if code == _SIZE_LIMIT:
                    raise SystemRefused(self._name, f"it lists no more than some of its entries; {LIFT}")
                self._check(connection)
                yield entries
                answer = connection.result.get("controls", {}).get(PAGED)
                cookie = answer["value"]["cookie"] if answer else b""

    def read(self, dn: str, attributes: list[str]) -> Entry | None:
        """The entry of that name, None when it is not there or must not be seen."""
        return next(iter(self._found(dn, "(objectClass=*)", attributes, ldap3.BASE, 0, _HIDDEN)), None)

    def modify(self, dn: str, attribute: str, changes: Changes) -> None:
        """Makes all changes of one attribute or none.

        Raises ChangedMeanwhile when the values are not those that the changes name, OutcomeUnknown when the
        request left and no answer came.
        """
        wanted = {attribute: [(_OPERATIONS[operation], values) for operation, values in changes]}
        with self._session() as connection:
            try:
                connection.modify(dn, wanted)
            except _BROKEN as error:
                raise OutcomeUnknown(self._name, f"no answer to the change: {error}") from error
            code = connection.result["result"]
            if code in _NOT_AS_EXPECTED:
                raise ChangedMeanwhile(
                    f"{self._name}: {attribute} is no longer as it was: {_said(connection)}"
                )
            if code == _OTHER:
                raise OutcomeUnknown(self._name, f"failed in the middle: {_said(connection)}")
            self._check(connection)

    def _found(
        self, base: str, search: str, attributes: list[str], scope: str, limit: int, none: Sequence[int] = ()
    ) -> list[Entry]:
        """The entries; a result code in ``none`` counts as no entry."""
        with self._session() as connection:
            code, entries = self._asked(connection, base, search, attributes, scope, size_limit=limit)
            if code == _SIZE_LIMIT:
                raise TooManyEntriesError([entry.dn for entry in entries] + ["..."])
            if code not in none:
                self._check(connection)
            if not entries and any(each["type"] == "searchResRef" for each in connection.response or []):
                raise SystemRefused(self._name, f"{base!r} is held by another server; ask that one")
            return entries

    def _asked(
        self, connection: Any, base: str, search: str, attributes: list[str], scope: str, **more: Any
    ) -> tuple[int, list[Entry]]:
        """The result code of a search, which is still to be checked, and the entries."""
        try:
            connection.search(base, search, scope, attributes=attributes, **more)
        except _BROKEN as error:
            raise SystemUnreachable(self._name, f"no answer to the search: {error}") from error
        found = [_entry(each) for each in connection.response or [] if each["type"] == "searchResEntry"]
        return connection.result["result"], found

    def _check(self, connection: Any) -> None:
        """Raises unless the request was done: a cut-off answer must never read as "there is none"."""
        code = connection.result["result"]
        if code == _DONE:
            return
        if code in _BUSY:
            raise SystemUnreachable(self._name, f"{connection.server.host} {_BUSY[code]}")
        if code in _CUT_OFF:
            raise SystemUnreachable(self._name, f"the answer was cut off by the server's {_CUT_OFF[code]}")
        if code == _MASTER_ELSEWHERE:
            raise SystemRefused(self._name, "this server only refers to another; name that one in servers")
        raise SystemRefused(self._name, _said(connection))

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """A connection that is logged in, of the first server that gives one."""
        problems = []
        for url in self._urls:
            try:
                connection = self._connected(url)
            except SystemUnreachable as error:
                problems.append(str(error).removeprefix(f"{self._name}: "))
                continue
            try:
                yield connection
            finally:
                _close(connection)
            return
        raise SystemUnreachable(self._name, "; ".join(problems))

    def _connected(self, url: str) -> Any:
        tls = _Tls(self._name, self._ca_file)
        server = ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=self._timeout)
        connection = ldap3.Connection(
            server,
            self._bind_dn,
            self._password().get_secret_value(),
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            auto_escape=False,
            check_names=False,
            receive_timeout=self._timeout,
        )
        try:
            self._log_in(connection)
        except _BROKEN as error:
            _close(connection)
            raise SystemUnreachable(self._name, f"{url}: {error}") from error
        except BaseException:
            _close(connection)
            raise
        return connection

    def _log_in(self, connection: Any) -> None:
        connection.open(read_server_info=False)
        if self._start_tls:
            connection.start_tls(read_server_info=False)
        connection.bind()
        if connection.result["result"] != _DONE:
            self._check(connection)


class _Tls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS as the standard library checks it, host name included; ldap3's own check is deprecated."""

    def __init__(self, name: str, ca_file: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._name = name
        self._ca_file = ca_file

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Encrypts the connection; raises ssl.SSLError when the certificate does not prove the host."""
        context = ssl.create_default_context(cafile=self._ca_file)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)


def escaped(value: str) -> str:
    """A value for a search filter (RFC 4515): all but ASCII letters and digits as bytes, in one pass."""
    return "".join(
        each if each.isascii() and each.isalnum() else "".join(f"\\{byte:02x}" for byte in _utf8(each))
        for each in value
    )


def _utf8(character: str) -> bytes:
    return character.encode("utf-8", "surrogatepass")


def _entry(response: Any) -> Entry:
    raw = response["raw_attributes"]
    values = {name.lower(): [each.decode("utf-8", "replace") for each in raw[name]] for name in raw}
    return Entry(str(response["dn"]), values)


def _said(connection: Any) -> str:
    result = connection.result
    return f"{result['description']} ({result['result']}) {result['message']}".strip()


def _close(connection: Any) -> None:
    """Ends a connection in whatever state it is; ldap3 leaves the socket of one that never stood open."""
    for end in (connection.unbind, connection.strategy.close, getattr(connection.socket, "close", None)):
        if end is not None:
            with suppress(*_BROKEN):
                end()
