"""``responder deny``: a person's no to a queued decision."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.shared import Person


def command(
    context: typer.Context,
    decision: Annotated[
        int, typer.Argument(metavar="ID", help="The decision, as 'responder cases' shows it.")
    ],
    person: Person,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; kept in the audit.")] = "",
) -> None:
    """Deny a queued decision: nothing is done, and the case is closed."""
    from responder.approvals.answer import deny
    from responder.bootstrap import build_records

    records = build_records(context.obj.config())
    with records.state.begin() as connection:
        case = deny(connection, records.trail, records.clock, decision, person, comment)
    print(f"Decision {decision} is denied; case {case} is closed, and what was seen so far no longer counts.")
