"""Networks of client addresses, by which origins are told apart."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network


@lru_cache(100_000)
def network(address: str) -> str | None:
    """The /24 or /48 of an address; None for loopback, private and link-local ones, which tell no origin."""
    ip = _parsed(address)
    if ip is None or ip.is_loopback or ip.is_link_local or any(ip in each for each in _PRIVATE):
        return None
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of ``networks``; what is no address is in none."""
    ip = _parsed(address)
    return ip is not None and any(ip in each for each in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 and RFC 4193; not ``is_private``, which holds the documentation ranges too."""
