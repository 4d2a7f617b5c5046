"""``responder cases``: who is suspected of what, and what waits for an answer."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.shared import Json, local, print_json, print_table


def command(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: Json = False,
) -> None:
    """List the cases, and the decisions that wait for an answer."""
    from responder.bootstrap import build_records
    from responder.reports.cases import list_cases

    config = context.obj.config()
    with build_records(config).state.connect() as connection:
        rows = list_cases(connection, everything)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("case", "opened", "account", "families", "decision", "state", "answer with", "run", "run state"),
        (
            (
                row["case"],
                local(row["opened_at"], config.zone),
                row["account"],
                ", ".join(row["families"]),
                row["decision"] or "",
                row["outcome"] or row["state"] or "",
                f"responder approve {row['decision_id']}" if row["state"] == "waiting" else "",
                row["run"] or "",
                row["run_state"] or "",
            )
            for row in rows
        ),
        "No cases.",
    )
