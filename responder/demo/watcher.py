"""Shows what a serving responder does, as it does it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from responder.audit.trail import Record
from responder.bootstrap import House

ENDS = ("run:playbook:done", "run:playbook:incomplete", "run:playbook:stopped")
QUIET = ("run:step:intent",)
COLOURS = {"detection": "yellow", "policy": "magenta", "run": "cyan"}


class Watcher:
    """Prints the audit records that are new since the last time; ``run_ended`` tells whether a run has."""

    def __init__(self, console: Console, house: House) -> None:
        self._console, self._house = console, house
        self._seen = 0
        self.run_ended = False

    def show_new(self) -> None:
        """Prints what came since the last time."""
        records = self._house.records
        with records.state.connect() as connection:
            new = [each for each in records.trail.read(connection) if each.seq > self._seen]
        for record in new:
            self._seen = record.seq
            if record.tag not in QUIET:
                self._show(record)
            if record.tag in ENDS:
                self.run_ended = True

    def _show(self, record: Record) -> None:
        colour = COLOURS.get(record.tag.split(":")[0], "white")
        time = record.at.astimezone(self._house.records.config.zone).strftime("%H:%M:%S")
        words = escape(f"{record.account or ''} {_told(record)}".strip())
        self._console.print(f"{time} [{colour}]{record.tag:<24}[/{colour}] {words}", soft_wrap=True)


def _told(record: Record) -> str:
    detail: dict[str, Any] = record.detail
    if "figures" in detail:
        figures = ", ".join(
            f"{value:g} {name.replace('_', ' ')}" for name, value in detail["figures"].items()
        )
        return f"{detail['family']}: {figures}"
    if "reasons" in detail:
        return "; ".join(detail["reasons"])
    if record.tag.startswith("run:step:"):
        return f"{detail['step']} ({detail['action']})" + (
            f": {detail['reason']}" if detail.get("reason") else ""
        )
    return ", ".join(str(detail[key]) for key in ("detection", "playbook", "outcome") if key in detail)
