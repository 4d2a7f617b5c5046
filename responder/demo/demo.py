"""The demo: a morning's log played live, a hijack noticed and shut, everything proved and taken back."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from rich.console import Console

from responder.bootstrap import House, build
from responder.demo.desk import StandInDesk
from responder.demo.directory import StandInDirectory
from responder.demo.mail import StandInMailbox
from responder.demo.morning import PEOPLE, SHIPPED
from responder.demo.people import BYSTANDER, VICTIM
from responder.demo.proof import Proof
from responder.demo.replay import restamped, speed_for
from responder.demo.site import ZONE, write_site
from responder.demo.sms import StandInSms
from responder.demo.watcher import Watcher
from responder.site.config import load_config

PLAYS = 18.0
"""Seconds that the morning takes."""

PATIENCE = 20.0
"""Seconds that the response may take after the last line before the demo gives up."""


def run(console: Console | None = None) -> bool:
    """Plays the demo; returns whether everything that it claims was proved."""
    console = console or Console(highlight=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="responder-demo-")))
        directory = stack.enter_context(StandInDirectory(PEOPLE))
        desk = stack.enter_context(StandInDesk())
        mail = stack.enter_context(StandInMailbox())
        sms = stack.enter_context(StandInSms())
        console.print("[bold]Four stand-ins are up on this machine, each speaking its real protocol:[/bold]")
        console.print(f"  a directory ({directory.url}), a ticket desk ({desk.url}),")
        console.print(f"  a mail relay ({mail.host}:{mail.port}) and an SMS service ({sms.url}).")
        house = build(load_config(write_site(folder, directory, desk, mail, sms)))
        proof = Proof(console, directory, desk, mail, sms)
        proof.begin()
        if not _play(console, house, folder / "mail.log"):
            console.print("[bold red]The response did not come to its end.[/bold red]")
            return False
        return proof.of_containment() and proof.of_the_audit(house) and proof.of_undo(house)


def _play(console: Console, house: House, log: Path) -> bool:
    """Plays the morning into the followed log while the service runs; whether a run came to its end."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    console.print(
        f"\n[bold]A morning of {len(lines)} log lines, {len(PEOPLE)} people, one of them hijacked ({VICTIM}), "
        f"is now played live in {PLAYS:.0f} seconds[/bold] ({BYSTANDER} works as always).\n"
    )
    stop = threading.Event()
    watcher = Watcher(console, house)
    with house.open_service() as service:
        serving = threading.Thread(target=service.run, args=[stop], name="serve")
        serving.start()
        try:
            _replay(lines, log, watcher.show_new)
            end = time.monotonic() + PATIENCE
            while not watcher.run_ended and time.monotonic() < end:
                watcher.show_new()
                time.sleep(0.1)
        finally:
            stop.set()
            serving.join()
    watcher.show_new()
    return watcher.run_ended


def _replay(lines: list[str], log: Path, meanwhile: Callable[[], None]) -> None:
    start, now = time.monotonic(), datetime.now(ZoneInfo(ZONE))
    with log.open("a", encoding="utf-8") as file:
        for delay, line in restamped(lines, now, speed_for(lines, PLAYS)):
            while (left := start + delay - time.monotonic()) > 0:
                meanwhile()
                time.sleep(min(left, 0.1))
            file.write(line + "\n")
            file.flush()
