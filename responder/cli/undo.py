"""``responder undo``: takes a run back."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.runs import acting, plain_step, show
from responder.cli.shared import Json, Person, print_json


def command(
    context: typer.Context,
    run: Annotated[int, typer.Argument(metavar="RUN", help="The run, as 'responder cases' shows it.")],
    person: Person,
    as_json: Json = False,
) -> None:
    """Take back what a run did, the last step first, and close its case."""
    from responder.cases.book import restore_case

    house = acting(context)
    results = house.engine.undo(run, person)
    records = house.records
    with records.state.begin() as connection:
        restore_case(connection, records.trail, records.clock, run, person)
    if as_json:
        print_json([plain_step(step) for step in results])
    else:
        show(results)
    if any(step.state not in ("done", "skipped") for step in results):
        raise typer.Exit(1)
