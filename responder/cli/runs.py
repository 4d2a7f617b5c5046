"""What the commands that act share: going on with a run, and showing its steps."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from responder.cli.shared import print_json, print_table

if TYPE_CHECKING:
    from responder.bootstrap import House
    from responder.runs.run import StepResult

PATIENCE = 60
"""Seconds to wait for a run that another process works on."""


def acting(context: typer.Context) -> House:
    """All parts of the site, for a command that acts; its standard output is its own, so logs go elsewhere."""
    from responder.bootstrap import build
    from responder.cli.logs import log_to_stderr

    config = context.obj.config()
    log_to_stderr(config.zone, logging.WARNING)
    return build(config)


def go_on(house: House, run: int, as_json: bool) -> None:
    """Works on the run, or watches the process that does, and shows how it stands then."""
    progress = house.engine.advance(run)
    end = time.monotonic() + PATIENCE
    while progress.busy and time.monotonic() < end:
        time.sleep(0.2)
        progress = house.engine.advance(run)
    if as_json:
        print_json(
            {"run": run, "state": progress.state, "steps": [plain_step(step) for step in progress.steps]}
        )
    else:
        print(f"Run {run}: {progress.state}")
        show(progress.steps)
    if progress.paused:
        print(progress.paused)
    if progress.state not in ("done", "undone"):
        raise typer.Exit(1)


def show(steps: Iterable[StepResult]) -> None:
    """The steps as a table."""
    print_table(
        ("step", "action", "state", "reason"),
        ((step.step, step.action, step.state, step.reason or "") for step in steps),
        "No step was begun.",
    )


def plain_step(step: StepResult) -> dict[str, object]:
    """A step as JSON."""
    return {
        "step": step.step,
        "action": step.action,
        "state": step.state,
        "reason": step.reason,
        "outputs": dict(step.outputs),
    }
