"""``responder check``: everything that is wrong, at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    context: typer.Context,
    connections: Annotated[bool, typer.Option(help="Ask each system whether it knows us.")] = True,
) -> None:
    """Check configuration, policy, detections, playbooks, logs and connections; nothing is written."""
    from responder.bootstrap import build, check_connections, check_sources

    config = context.obj.config()
    house = build(config)
    problems = check_sources(config)
    if connections:
        problems += check_connections(house)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise typer.Exit(1)
    rules = house.rules
    asked = f", {len(house.systems)} systems answered" if connections else ""
    print(
        f"All is well: {len(rules.detections.rules)} detections, policy '{rules.policy.keys.policy}' in mode "
        f"{rules.policy.keys.mode}, playbooks {', '.join(house.playbooks)}{asked}."
    )
