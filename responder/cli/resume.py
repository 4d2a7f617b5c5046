"""``responder resume``: the end of a pause."""

from __future__ import annotations

import typer

from responder.cli.shared import Person


def command(context: typer.Context, person: Person) -> None:
    """Let writing go on after a pause; runs go on where they stood."""
    from responder.bootstrap import build_records

    resumed = build_records(context.obj.config()).switch.resume(person)
    print("Writing goes on." if resumed else "Writing was not paused.")
