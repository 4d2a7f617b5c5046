"""One client's session with the stand-in directory: who it is, and the answer to each of its requests."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ldap3.protocol import rfc4511
from ldap3.protocol.rfc2696 import RealSearchControlValue
from ldap3.utils.asn1 import encode
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error

from responder.demo import wire
from responder.demo.entries import LOCK, OPERATIONAL, Entry, Key, RefusedError, key
from responder.demo.filters import FilterError, Test, fold, parse

if TYPE_CHECKING:
    from responder.demo.directory import StandInDirectory

PAGED = "1.2.840.113556.1.4.319"  # RFC 2696
PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # draft-behera-ldap-password-policy
ACCOUNT_LOCKED = bytes.fromhex("3003810101")  # its response control: error accountLocked(1)
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"  # RFC 4532

CHANGES = ("modifyRequest", "addRequest", "delRequest", "modDNRequest")
ANSWERS: dict[str, tuple[str, type[Any]]] = {
    "bindRequest": ("bindResponse", rfc4511.BindResponse),
    "searchRequest": ("searchResDone", rfc4511.SearchResultDone),
    "modifyRequest": ("modifyResponse", rfc4511.ModifyResponse),
    "addRequest": ("addResponse", rfc4511.AddResponse),
    "delRequest": ("delResponse", rfc4511.DelResponse),
    "modDNRequest": ("modDNResponse", rfc4511.ModifyDNResponse),
    "compareRequest": ("compareResponse", rfc4511.CompareResponse),
    "extendedReq": ("extendedResp", rfc4511.ExtendedResponse),
}


class Session:
    """A connection's state; ``who`` is the key of the entry that it is bound as, empty when anonymous."""

    def __init__(self, directory: StandInDirectory) -> None:
        self.directory = directory
        self.who: Key = ()
        self.over = False
        self._controls: dict[str, bytes] = {}

    @property
    def is_service(self) -> bool:
        """Whether it is responder's own account."""
        return self.who == self.directory.service_key

    def answers(self, message: Any) -> Iterator[bytes]:
        """The encoded answers to one message, as many as the operation has."""
        number, asked = int(message["messageID"]), message["protocolOp"]
        name, request = asked.getName(), asked.getComponent()
        if name not in ANSWERS:
            self.over = name != "abandonRequest"  # unbind, or something that only servers say
            return
        answer, kind = ANSWERS[name]
        self._controls = {}
        with self.directory.lock:
            try:
                done = yield from self._operate(name, number, request, _controls(message))
            except RefusedError as refused:
                done = wire.result(kind, refused.code, refused.text, refused.matched)
            yield wire.write(number, answer, done, self._controls)

    def _operate(self, name: str, number: int, request: Any, controls: dict[str, tuple[bool, bytes]]) -> Any:
        unknown = [
            kind
            for kind, (critical, _) in controls.items()
            if critical and kind not in (PAGED, PASSWORD_POLICY)
        ]
        if unknown:
            raise RefusedError(12, f"critical control {unknown[0]} is not supported")
        if name in CHANGES and not self.is_service:
            raise RefusedError(50 if self.who else 8, "only the service account may write")
        match name:
            case "bindRequest":
                return self._bind(request, PASSWORD_POLICY in controls)
            case "searchRequest":
                return (yield from self._search(number, request, controls.get(PAGED)))
            case "modifyRequest":
                return self._modify(request)
            case "compareRequest":
                return self._compare(request)
            case "extendedReq":
                return self._extended(request)
        raise RefusedError(50, "nobody may add, delete or rename entries here")

    def _bind(self, request: Any, tell_policy: bool) -> Any:
        self.who = ()
        if int(request["version"]) != 3:
            raise RefusedError(2, "only LDAP version 3")
        if request["authentication"].getName() != "simple":
            raise RefusedError(7, "only simple binds")
        name, password = _text(request["name"]), _text(request["authentication"]["simple"])
        if name and not password:
            raise RefusedError(53, "unauthenticated bind (DN with no password) disallowed")  # RFC 4513 5.1.2
        if name:
            self.who = self._proven(name, password, tell_policy)
        return wire.result(rfc4511.BindResponse, 0)

    def _proven(self, name: str, password: str, tell_policy: bool) -> Key:
        entry = self.directory.entries.get(key(name))
        if entry is not None and entry.locked and tell_policy:
            self._controls = {PASSWORD_POLICY: ACCOUNT_LOCKED}
        if entry is None or entry.locked or password not in entry.passwords:
            raise RefusedError(49)
        return entry.key

    def _search(self, number: int, request: Any, paged: tuple[bool, bytes] | None) -> Any:
        base, scope = _text(request["baseObject"]), int(request["scope"])
        asked = [_text(name).lower() for name in request["attributes"]]
        types_only = bool(request["typesOnly"])
        if not key(base) and scope == 0:
            yield wire.write(number, "searchResEntry", wire.entry("", self._about(), types_only))
            return wire.result(rfc4511.SearchResultDone, 0)
        if not self.who:
            raise RefusedError(50, "log in first")
        start = self.directory.find(base)
        found = list(self.directory.below(start, scope, self._test(request["filter"]), self.is_service))
        limit = int(request["sizeLimit"])
        page, first = self._page(found, paged)
        for place, entry in enumerate(page, start=first):
            if limit and place >= limit:
                raise RefusedError(4)
            shown = self._shown(entry, asked)
            yield wire.write(number, "searchResEntry", wire.entry(entry.dn, shown, types_only))
        return wire.result(rfc4511.SearchResultDone, 0)

    def _test(self, octets: Any) -> Test:
        try:
            return parse(bytes(octets))
        except (FilterError, PyAsn1Error, IndexError) as error:
            raise RefusedError(2, f"bad search filter: {error}") from error

    def _page(self, found: list[Entry], paged: tuple[bool, bytes] | None) -> tuple[list[Entry], int]:
        if paged is None:
            return found, 0
        value, _ = decoder.decode(paged[1], asn1Spec=RealSearchControlValue())
        size, cookie = int(value["size"]), bytes(value["cookie"])
        first = int.from_bytes(cookie, "big")
        after = first + size if size and first + size < len(found) else 0
        answer = RealSearchControlValue()
        answer["size"] = len(found)
        answer["cookie"] = after.to_bytes(4, "big") if after else b""
        self._controls = {PAGED: bytes(encode(answer))}
        return found[first : first + size], first

    def _shown(self, entry: Entry, asked: list[str]) -> wire.Attributes:
        every = not asked or "*" in asked
        operational = {name: entry.hidden[name] for name in OPERATIONAL if name in entry.hidden}
        if not self.is_service:
            operational.pop(LOCK, None)
        shown = {name: values for name, values in entry.shown.items() if every or name.lower() in asked}
        return shown | {
            name: values for name, values in operational.items() if "+" in asked or name.lower() in asked
        }

    def _about(self) -> wire.Attributes:
        return {
            "objectClass": ["top"],
            "namingContexts": [self.directory.base],
            "supportedLDAPVersion": ["3"],
            "supportedControl": [PAGED, PASSWORD_POLICY],
            "supportedExtension": [WHO_AM_I],
            "vendorName": [f"responder {self.directory.label}"],
        }

    def _modify(self, request: Any) -> Any:
        entry = self.directory.find(_text(request["object"]))
        changed = deepcopy(entry)
        names = set()
        for change in request["changes"]:
            name = _text(change["modification"]["type"])
            values = [_text(value) for value in change["modification"]["vals"]]
            changed.change(name, int(change["operation"]), values)
            names.add(name.lower())
        if "userpassword" in names and entry.locked:
            changed.hidden.pop(LOCK, None)
        entry.hidden, entry.passwords = changed.hidden, changed.passwords
        return wire.result(rfc4511.ModifyResponse, 0)

    def _compare(self, request: Any) -> Any:
        if not self.who:
            raise RefusedError(50, "log in first")
        entry, asked = self.directory.find(_text(request["entry"])), request["ava"]
        values = self.directory.values(entry, self.is_service)(_text(asked["attributeDesc"]).lower())
        if not values:
            raise RefusedError(17 if values is None else 16)
        same = fold(_text(asked["assertionValue"])) in map(fold, values)
        return wire.result(rfc4511.CompareResponse, 6 if same else 5)

    def _extended(self, request: Any) -> Any:
        if _text(request["requestName"]) != WHO_AM_I:
            raise RefusedError(2, "unsupported extended operation")
        answer = wire.result(rfc4511.ExtendedResponse, 0)
        me = self.directory.entries[self.who].dn if self.who else ""
        answer["responseValue"] = f"dn:{me}" if me else ""
        return answer


def _controls(message: Any) -> dict[str, tuple[bool, bytes]]:
    found = {}
    if message["controls"].hasValue():
        for control in message["controls"]:
            value = bytes(control["controlValue"]) if control["controlValue"].hasValue() else b""
            found[_text(control["controlType"])] = (bool(control["criticality"]), value)
    return found


def _text(octets: Any) -> str:
    return bytes(octets).decode("utf-8", "replace")
