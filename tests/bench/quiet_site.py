"""A site that follows several logs and only watches: reading, detecting and deciding are real, nothing is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

PLAYBOOK = {
    "playbook": "tell",
    "description": "Tells the staff.",
    "steps": [
        {
            "id": "tell",
            "uses": "notify.email",
            "with": {"to": "security@example.net", "subject": "hijacked", "text": "{{ case.account }}"},
        }
    ],
}
"""A policy names one, even where nothing is carried out."""


def write(folder: Path, files: Sequence[Path], format_: str) -> Path:
    """Write the configuration of a site that follows ``files`` into ``folder``, and return its path."""
    (folder / "playbooks").mkdir()
    (folder / "site.key").write_text("a measured site's own key", encoding="utf-8")
    _write(folder / "playbooks/tell.yaml", PLAYBOOK)
    _write(
        folder / "policy.yaml",
        {
            "policy": "watch",
            "mode": "watch",
            "rules": [{"decision": "contain", "families": 3}],
            "limits": {"containments_an_hour": 0},
            "playbooks": {"contain": "tell"},
        },
    )
    _write(
        folder / "responder.yaml",
        {
            "site": {
                "name": "Example University",
                "domain": "example.org",
                "time_zone": "UTC",
                "help_desk": "the IT help desk",
                "key": {"file": "site.key"},
            },
            "sources": [{"follow": str(file), "format": format_} for file in files],
            "policy": "policy.yaml",
            "playbooks": ["playbooks"],
            "systems": {
                "mail": {
                    "kind": "smtp",
                    "host": "127.0.0.1",
                    "port": 1,
                    "security": "none",
                    "from": "it@example.org",
                }
            },
        },
    )
    return folder / "responder.yaml"


def _write(path: Path, keys: object) -> None:
    path.write_text(json.dumps(keys, indent=2), encoding="utf-8")  # JSON is YAML
