"""``responder demo``: the main job, shown on stand-ins."""

from __future__ import annotations

import typer


def command() -> None:
    """Show a hijack being noticed, shut and undone, on stand-ins of a directory, a desk, a relay and an SMS service."""
    from responder.demo.demo import run

    if not run():
        raise typer.Exit(1)
