"""Where the files are that come with responder: detections, policy, playbooks, the commented configuration."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent.parent


def shipped(name: str) -> Path:
    """The path of a shipped file or folder; ``playbooks`` stands at the top of a source checkout."""
    inside = HERE / "shipped" / name
    return inside if inside.exists() else HERE.parent / name
