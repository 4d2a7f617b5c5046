"""TLS as a server that receives syslog needs it (RFC 5425)."""

from __future__ import annotations

import ssl
from pathlib import Path

from responder.errors import BadInput


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later; with ``client_ca`` only for clients that have a certificate of it.

    Raises BadInput, which names the file that cannot be used.
    """
    for path in (certificate, key, client_ca):
        try:
            if path:
                path.open("rb").close()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise BadInput(
            f"{certificate} and {key} cannot be used ({reason(error)}); they must be PEM, belong to each other, "
            "and the key must have no password"
        ) from error
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, ValueError) as error:
            raise BadInput(f"{client_ca} cannot be used ({reason(error)}); it must be PEM") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    """Without it a person would be asked on the terminal."""
    raise ValueError("the key has a password")


def reason(error: Exception) -> str:
    """What OpenSSL, or the system, says is wrong."""
    found = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(found).replace("_", " ").lower()
