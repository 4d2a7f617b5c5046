"""``responder retry``: another try of what failed."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.runs import acting, go_on
from responder.cli.shared import Json, Person


def command(
    context: typer.Context,
    run: Annotated[int, typer.Argument(metavar="RUN", help="The run, as 'responder cases' shows it.")],
    person: Person,
    as_json: Json = False,
) -> None:
    """Try a run's failed steps again, after what they failed of was mended; uncertain ones are never repeated."""
    house = acting(context)
    house.engine.retry(run, person)
    go_on(house, run, as_json)
