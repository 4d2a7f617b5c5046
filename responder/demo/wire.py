"""LDAP on the wire (RFC 4511): whole messages cut from a stream, and answers built and encoded."""

from __future__ import annotations

from io import BufferedIOBase
from typing import Any

from ldap3.protocol.rfc4511 import (
    Control,
    Controls,
    ExtendedResponse,
    LDAPMessage,
    PartialAttribute,
    ProtocolOp,
    SearchRequest,
    SearchResultEntry,
)
from ldap3.utils.asn1 import encode
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type.namedtype import NamedType, NamedTypes
from pyasn1.type.univ import Any as AnyElement

LONGEST_MESSAGE = 1024 * 1024
SEQUENCE = 0x30
NOTICE_OF_DISCONNECTION = "1.3.6.1.4.1.1466.20036"
PROTOCOL_ERROR = 2

Attributes = dict[str, list[str]]


def _with(types: NamedTypes, name: str, put: Any) -> NamedTypes:
    return NamedTypes(*(NamedType(name, put) if one.name == name else one for one in types.namedTypes))


# What a client sends: an LDAPMessage whose filter stays encoded, for filters.py to take apart.
_SEARCH = SearchRequest(componentType=_with(SearchRequest.componentType, "filter", AnyElement()))
_OPERATION = ProtocolOp(componentType=_with(ProtocolOp.componentType, "searchRequest", _SEARCH))
_REQUEST = LDAPMessage(componentType=_with(LDAPMessage.componentType, "protocolOp", _OPERATION))


class MalformedError(ValueError):
    """What came is no LDAP message; RFC 4511 4.1.1 wants the session ended."""


def read(stream: BufferedIOBase) -> Any | None:
    """The next LDAPMessage, however its bytes were cut or joined; None when the client has gone."""
    head = stream.read(2)
    if len(head) < 2:
        return None
    size, more = head[1], b""
    if head[0] != SEQUENCE or size == 0x80:
        raise MalformedError("not a sequence of definite length")
    if size > 0x80:
        more = stream.read(size & 0x7F)
        size = int.from_bytes(more, "big")
    if size > LONGEST_MESSAGE:
        raise MalformedError("too long")
    body = stream.read(size)
    if len(body) < size:
        return None
    try:
        message, rest = decoder.decode(head + more + body, asn1Spec=_REQUEST)
    except (PyAsn1Error, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError(str(error)) from error
    if rest:
        raise MalformedError("more in it than a message")
    return message


def write(number: int, name: str, operation: Any, controls: dict[str, bytes] | None = None) -> bytes:
    """An LDAPMessage with the id of the request that it answers, ready to be sent."""
    message = LDAPMessage()
    message["messageID"] = number
    message["protocolOp"] = ProtocolOp().setComponentByName(name, operation)
    if controls:
        message["controls"] = Controls()
        for place, (kind, value) in enumerate(controls.items()):
            control = Control()
            control["controlType"] = kind
            control["controlValue"] = value
            message["controls"][place] = control
    return bytes(encode(message))


def result(kind: type[Any], code: int, text: str = "", matched: str = "") -> Any:
    """A result of any operation: its code, a word of explanation, the nearest entry that exists."""
    answer = kind()
    answer["resultCode"] = code
    answer["matchedDN"] = matched
    answer["diagnosticMessage"] = text
    return answer


def entry(dn: str, attributes: Attributes, types_only: bool) -> Any:
    """An entry that a search found."""
    found = SearchResultEntry()
    found["object"] = dn
    for place, (name, values) in enumerate(attributes.items()):
        attribute = PartialAttribute()
        attribute["type"] = name
        attribute["vals"].extend([] if types_only else [value.encode() for value in values])
        found["attributes"][place] = attribute
    return found


def farewell(reason: str) -> bytes:
    """The notice of disconnection that a server sends before it hangs up on a broken message."""
    notice = result(ExtendedResponse, PROTOCOL_ERROR, reason)
    notice["responseName"] = NOTICE_OF_DISCONNECTION
    return write(0, "extendedResp", notice)
