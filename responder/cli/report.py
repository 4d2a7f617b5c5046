"""``responder report``: the actions taken in a period."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from responder.cli.shared import write_file
from responder.errors import BadInput

if TYPE_CHECKING:
    from datetime import date


def command(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, as 2026-01-31.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, itself included.")],
    form: Annotated[str, typer.Option("--format", help="html, csv or json.")] = "html",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; by default standard output.")
    ] = None,
) -> None:
    """Report the actions taken in a period, with who or what decided each."""
    from responder.bootstrap import build_records
    from responder.reports.report import Form, actions, period, write
    from responder.site.suggest import did_you_mean

    if form not in list(Form):
        raise BadInput(f"--format: no form '{form}'{did_you_mean(form, list(Form))}")
    days = _day("--from", first), _day("--to", last)
    config = context.obj.config()
    since, until = period(*days, config.zone)
    with build_records(config).state.connect() as connection:
        rows = actions(connection, since, until, config.zone)
    text = write(rows, Form(form), *days, config.keys.site.name, config.zone)
    if output:
        write_file(output, text)
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _day(option: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        raise BadInput(f"{option}: '{text}' is no day; write it as 2026-01-31") from None
