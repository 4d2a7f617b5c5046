"""Whether a secret may go unencrypted: only to a server on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def encrypted(url: str) -> str:
    """``url`` when it is https, or of this machine; raises ValueError otherwise."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"{url} would send the secret in clear; use https://")
    return url
