"""What the commands share: the configuration, and how things are printed."""

from __future__ import annotations

import getpass
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from responder.site.config import Config

DEFAULTS = (Path("responder.yaml"), Path("/etc/responder/responder.yaml"))

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Person = Annotated[
    str, typer.Option("--as", help="Who you are; by default your login.", default_factory=lambda: me())
]


def me() -> str:
    """The person at the keyboard, as the system knows them."""
    return f"person:{getpass.getuser()}"


@dataclass(frozen=True, slots=True)
class Context:
    """What was said before the command."""

    file: Path | None

    def config(self) -> Config:
        """The configuration; raises BadInput when there is none or it is wrong."""
        from responder.site.config import load_config

        return load_config(self.file or next((path for path in DEFAULTS if path.is_file()), DEFAULTS[0]))

    def config_or_none(self) -> Config | None:
        """The configuration where there is one; commands that read log files do without."""
        return self.config() if self.file or any(path.is_file() for path in DEFAULTS) else None


def plain(value: object) -> str:
    """Text that cannot move a terminal's cursor: control and formatting characters become visible."""
    return "".join(
        c if unicodedata.category(c)[0] != "C" else f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}"
        for c in str(value)
    )


def local(time: datetime | None, zone: ZoneInfo) -> str:
    """A time in the site's zone, the zone shown."""
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z") if time else ""


def print_json(value: Any) -> None:
    """Indented JSON in ASCII; times as ISO-8601."""
    json.dump(value, sys.stdout, indent=2, default=_plain_value)
    sys.stdout.write("\n")


def write_file(path: Path, text: str) -> None:
    """Writes a file that a person asked for; raises ResponderError when that cannot be done."""
    from responder.errors import ResponderError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ResponderError(f"{path}: cannot be written: {error.strerror}") from error


def _plain_value(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def leave(code: int) -> NoReturn:
    """Ends the process at once: the system takes a large log's memory back quicker than Python gives it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """A table that survives a dumb terminal; ``empty`` is said where there are no rows."""
    from rich.box import ASCII2, SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=False)
    fits = console.is_terminal and not console.is_dumb_terminal
    table = Table(box=SIMPLE_HEAD if fits else ASCII2, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    count = 0
    for row in rows:
        table.add_row(*(_escaped(plain(cell)) for cell in row))
        count += 1
    if not count:
        print(empty)
        return
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
