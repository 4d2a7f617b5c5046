"""``responder simulate``: a labelled world to try detections and policies on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from responder.cli.shared import Json, plain, print_json

if TYPE_CHECKING:
    from datetime import date


class Stamps(StrEnum):
    """How the lines' times are written."""

    TRADITIONAL = "traditional"
    ISO = "iso"


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", show_default=False)],
    mailboxes: Annotated[int, typer.Option(help="How many mailboxes.")] = 2000,
    days: Annotated[int, typer.Option(help="How many days of logs.")] = 14,
    warmup_days: Annotated[
        int, typer.Option(help="How many of them pass before the first mail of an intruder.")
    ] = 7,
    seed: Annotated[int, typer.Option(help="The same seed and options give the same bytes.")] = 1,
    style: Annotated[Stamps, typer.Option(help="How the lines' times are written.")] = Stamps.TRADITIONAL,
    hijacks: Annotated[
        int | None,
        typer.Option(
            help="How many hijacks, a campaign over many accounts counted once; by default one in a hundred "
            "mailboxes, at least one of every style.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[str, typer.Option(help="The first day.")] = "2026-09-14",
    zone: Annotated[str, typer.Option(help="The world's time zone.")] = "Europe/Paris",
    as_json: Json = False,
) -> None:
    """Write logs, directory and geo database of a university that does not exist, with hijacks, and the truth."""
    from dataclasses import asdict

    from responder.cli.reading import zone_of
    from responder.simulate.hijacks import styles
    from responder.simulate.plan import Plan
    from responder.simulate.world import make_world

    if hijacks is None:
        hijacks = max(len(styles()), mailboxes // 100)
    plan = Plan(mailboxes, days, warmup_days, seed, style.value, hijacks, _date(start), zone_of(zone, None))
    with _bar(days) as day_done:
        made = make_world(folder, plan, day_done)
    if as_json:
        print_json({"folder": str(folder), **asdict(made)})
    else:
        print(
            f"{plain(folder)}: {made.lines} lines of {days} days; {made.hijacks} hijacked accounts in {made.campaigns} "
            f"hijacks, {made.malicious_messages} malicious messages to {made.malicious_recipients} recipients; "
            f"{made.lookalikes} innocents who look alike. truth.jsonl and malicious.jsonl tell which."
        )


def _date(text: str) -> date:
    from datetime import date

    from responder.errors import BadInput

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--start {plain(text)}: no date; say one such as 2026-09-14") from None


@contextmanager
def _bar(days: int) -> Iterator[Callable[[], object]]:
    """A progress bar over the days on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating", total=days)
        yield lambda: bar.update(task, advance=1)
