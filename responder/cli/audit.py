"""``responder audit``: the record of every decision and change."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.shared import Json, local, print_json, print_table


def command(
    context: typer.Context,
    case: Annotated[int | None, typer.Option(help="Of one case only.")] = None,
    as_json: Json = False,
) -> None:
    """Print the audit trail, and whether its chain holds."""
    import json
    from dataclasses import asdict

    from responder.bootstrap import build_records

    config = context.obj.config()
    records = build_records(config)
    with records.state.connect() as connection:
        broken = records.trail.broken_at(connection)
        entries = list(records.trail.read(connection, **({"case_id": case} if case is not None else {})))
    if as_json:
        print_json(
            {
                "chain_holds": broken is None,
                "broken_at": broken,
                "records": [asdict(each) for each in entries],
            }
        )
    else:
        print_table(
            ("seq", "time", "actor", "what", "account", "case", "decision", "run", "detail"),
            (
                (
                    each.seq,
                    local(each.at, config.zone),
                    each.actor,
                    each.tag,
                    each.account or "",
                    each.case_id or "",
                    each.decision_id or "",
                    each.run_id or "",
                    json.dumps(each.detail) if each.detail else "",
                )
                for each in entries
            ),
            "Nothing is recorded yet.",
        )
        print("The chain of hashes holds." if broken is None else f"THE CHAIN IS BROKEN AT RECORD {broken}.")
    if broken is not None:
        raise typer.Exit(1)
