"""Writes a geo database that readers of MaxMind's DB format 2.0 can read.

Only what such a file of countries and providers needs: a tree over IPv6 with IPv4 at ``::/96``, records of 24 bits,
and maps of texts and numbers. Written here so that the same world is the same bytes; the libraries that write this
format put the time of writing into it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
TEXT, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11
SEPARATOR = 16


class _Number(int):
    """A number that is written as one of the sizes of the format."""

    kind = UINT32


class _Short(_Number):
    kind = UINT16


class _Long(_Number):
    kind = UINT64


def geo_database(rows: Iterable[tuple[str, str, int, str]], built: int) -> bytes:
    """The file for rows of network, country, number and name of the autonomous system; ``built`` in seconds."""
    tree, data, places = [[0, 0]], bytearray(), dict[tuple[str, int, str], int]()
    for network, country, asn, organisation in rows:
        key = country, asn, organisation
        if key not in places:
            places[key] = len(data)
            data += _encoded(
                {
                    "country": {"iso_code": country},
                    "autonomous_system_number": _Number(asn),
                    "autonomous_system_organization": organisation,
                }
            )
        _insert(tree, network, -1 - places[key])
    count = len(tree)
    nodes = b"".join(_record(side, count).to_bytes(3) for node in tree for side in node)
    about = {
        "binary_format_major_version": _Short(2),
        "binary_format_minor_version": _Short(0),
        "build_epoch": _Long(built),
        "database_type": "Simulated-Country-ASN",
        "description": {"en": "An invented internet"},
        "ip_version": _Short(6),
        "languages": ["en"],
        "node_count": _Number(count),
        "record_size": _Short(24),
    }
    return nodes + bytes(SEPARATOR) + bytes(data) + MARKER + _encoded(about)


def _insert(tree: list[list[int]], network: str, leaf: int) -> None:
    """0 is nothing (the root is nobody's child), what is above 0 a node, what is below a place in the data."""
    net = ipaddress.ip_network(network)
    bits, length = int(net.network_address), net.prefixlen + 128 - net.max_prefixlen
    node = 0
    for depth in range(length - 1):
        side = bits >> (127 - depth) & 1
        if tree[node][side] <= 0:
            tree.append([0, 0])
            tree[node][side] = len(tree) - 1
        node = tree[node][side]
    tree[node][bits >> (128 - length) & 1] = leaf


def _record(side: int, count: int) -> int:
    return side if side > 0 else count if side == 0 else count + SEPARATOR - 1 - side


def _encoded(value: Any) -> bytes:
    if isinstance(value, Mapping):
        pairs = b"".join(_encoded(key) + _encoded(each) for key, each in value.items())
        return _control(MAP, len(value)) + pairs
    if isinstance(value, list):
        return _control(ARRAY, len(value)) + b"".join(_encoded(each) for each in value)
    if isinstance(value, _Number):
        digits = value.to_bytes((value.bit_length() + 7) // 8)
        return _control(value.kind, len(digits)) + digits
    text = str(value).encode()
    return _control(TEXT, len(text)) + text


def _control(kind: int, size: int) -> bytes:
    """Type and size; sizes from 29 to 284 take a second byte, types above 7 too."""
    short = min(size, 29)
    head = bytes([kind << 5 | short]) if kind <= 7 else bytes([short, kind - 7])
    return head + (bytes([size - 29]) if size >= 29 else b"")
