"""``responder case``: everything about one case."""

from __future__ import annotations

from typing import Annotated

import typer

from responder.cli.shared import Json, local, plain, print_json, print_table


def command(
    context: typer.Context,
    case: Annotated[int, typer.Argument(metavar="ID")],
    as_json: Json = False,
) -> None:
    """Show a case: evidence with its log lines, decisions and why, runs and their steps."""
    from responder.bootstrap import build_records
    from responder.reports.cases import show_case

    config = context.obj.config()
    with build_records(config).state.connect() as connection:
        found = show_case(connection, case)
    if as_json:
        print_json(found)
        return
    state = f"closed: {found['outcome']}" if found["closed_at"] else "open"
    print(
        plain(
            f"Case {found['case']}: {found['account']}, opened {local(found['opened_at'], config.zone)}, {state}"
        )
    )
    for sentence in found["missing"]:
        print(plain(f"    {sentence}"))
    for evidence in found["evidence"]:
        mark = "for" if evidence["supports"] else "against"
        print(plain(f"\n{evidence['family']} ({mark}): {evidence['words']}  [{evidence['detection']}]"))
        for line in evidence["lines"]:
            print(plain(f"    {line}"))
    for decision in found["decisions"]:
        answer = (
            f", {decision['state']} by {decision['answered_by']}"
            if decision["answered_by"]
            else f", {decision['state']}"
        )
        when = local(decision["at"], config.zone)
        print(
            plain(
                f"\nDecision {decision['id']}: {decision['kind']}, {when}, by {decision['decided_by']}{answer}"
            )
        )
        for reason in decision["reasons"]:
            print(plain(f"    {reason}"))
    for run in found["runs"]:
        print(plain(f"\nRun {run['id']}: {run['playbook']}, {run['state']}"))
        print_table(
            ("step", "action", "direction", "state", "ended", "reason"),
            (
                (
                    s["step"],
                    s["action"],
                    s["direction"],
                    s["state"],
                    local(s["ended_at"], config.zone),
                    s["reason"] or "",
                )
                for s in run["steps"]
            ),
            "No step was begun.",
        )
