"""The demo's site: a folder with a configuration that names the stand-ins."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from responder.demo.desk import StandInDesk
from responder.demo.directory import StandInDirectory
from responder.demo.mail import StandInMailbox
from responder.demo.sms import StandInSms

ZONE = "Europe/Paris"


def write_site(
    folder: Path, directory: StandInDirectory, desk: StandInDesk, mail: StandInMailbox, sms: StandInSms
) -> Path:
    """Writes responder.yaml, its secrets and an empty log to follow; returns the configuration's path."""
    for name, secret in (
        ("site.key", secrets.token_hex(32)),
        ("ldap.secret", directory.service_password),
        ("desk.secret", desk.token),
        ("sms.secret", sms.auth_token),
    ):
        (folder / name).write_text(secret, encoding="utf-8")
    (folder / "mail.log").touch()
    config = {
        "site": {
            "name": "Example University",
            "domain": "example.org",
            "time_zone": ZONE,
            "language": "en",
            "help_desk": "the IT help desk, telephone 0123, room B12",
            "key": {"file": "site.key"},
        },
        "sources": [{"follow": "mail.log", "format": "postfix"}],
        "detection": {"interval": 1},
        "systems": {
            "directory": {
                "kind": "openldap",
                "servers": [directory.url],
                "allow_clear_text": True,
                "bind_dn": directory.service_dn,
                "password": {"file": "ldap.secret"},
                "base": directory.people_base,
            },
            "ticket_desk": {
                "kind": "request_tracker",
                "url": desk.url,
                "token": {"file": "desk.secret"},
                "queue": "Security",
            },
            "mail": {
                "kind": "smtp",
                "host": mail.host,
                "port": mail.port,
                "security": "none",
                "from": "it-security@example.org",
            },
            "sms": {
                "kind": "twilio",
                "account_sid": sms.account_sid,
                "auth_token": {"file": "sms.secret"},
                "from": "+33639980000",
                "base_url": sms.url,
            },
        },
    }
    file = folder / "responder.yaml"
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")  # JSON is YAML
    return file
