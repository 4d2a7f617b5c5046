"""``responder approve``: a person's yes to a queued decision."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.runs import acting, go_on
from responder.cli.shared import Json, Person


def command(
    context: typer.Context,
    decision: Annotated[
        int, typer.Argument(metavar="ID", help="The decision, as 'responder cases' shows it.")
    ],
    person: Person,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; kept in the audit.")] = "",
    as_json: Json = False,
) -> None:
    """Approve a queued decision: the account is contained."""
    from responder.approvals.answer import approve
    from responder.cases.book import read_case
    from responder.decisions.decision import Kind

    house = acting(context)
    records = house.records
    with records.state.begin() as connection:
        case_id = approve(connection, records.trail, records.clock, decision, person, comment)
        case = read_case(connection, case_id)
        assert case is not None
        run = house.act(connection, case, decision, Kind.CONTAIN)
    go_on(house, run, as_json)
