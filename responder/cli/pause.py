"""``responder pause``: the kill switch."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.shared import Person, local, plain


def command(
    context: typer.Context,
    person: Person,
    reason: Annotated[
        str, typer.Option("--reason", "-m", help="Why; kept in the audit.")
    ] = "no reason given",
) -> None:
    """Stop all writing to every system at once; detection goes on."""
    from responder.bootstrap import build_records

    config = context.obj.config()
    pause = build_records(config).switch.pause(person, reason)
    print(
        plain(f"Writing is paused since {local(pause.since, config.zone)} by {pause.actor}: {pause.reason}")
    )
