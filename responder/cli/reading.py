"""What the commands that read log files share: which format, which zone, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from responder.errors import BadInput, Place
from responder.site.suggest import did_you_mean

if TYPE_CHECKING:
    from responder.events.account import Names
    from responder.events.late import Late
    from responder.events.webmail import Webmail
    from responder.formats.format import Format
    from responder.site.config import Config
    from responder.sources.given import Progress
    from responder.sources.lines import Problem

LOGS = typer.Argument(
    metavar="FILES",
    help="Log files, compressed ones too, or folders of them; - is standard input.",
    show_default=False,
)
Files = Annotated[list[Path], LOGS]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Their format, or several as in postfix+dovecot, or mapped:FILE for JSON lines that a mapping reads; "
        "recognised when not given.",
    ),
]
ZoneName = Annotated[
    str | None, typer.Option("--zone", help="Zone of stamps without one; by default the site's.")
]
SHOWN = 20
SAMPLE = 256 * 1024
"""Bytes of a file's beginning from which its format is recognised."""


def zone_of(name: str | None, config: Config | None) -> ZoneInfo:
    """The zone that was asked for, the site's, or this machine's."""
    if name is None:
        if config:
            return config.zone
        from tzlocal import get_localzone_name

        name = get_localzone_name() or "UTC"
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"no time zone '{name}'; say one of the IANA list, such as Europe/Paris") from None


def format_of(name: str | None, paths: list[Path], mail_only: bool = False) -> Format:
    """The format that was asked for, or those of the first file whose lines can be recognised, which is said.

    ``mail_only``: without those that tell of logins only, where there are others.
    """
    from responder.formats import format_named, formats, together

    if name:
        return format_named(name)
    for path in paths:
        if str(path) == "-":
            continue
        sample = _sample(path)
        if found := [each for each in formats().values() if each.recognises(sample)]:
            of_mail = [each for each in found if not each.logins_only]
            format_ = together(of_mail if mail_only and of_mail else found)
            print(f"{path}: read as {format_.title}", file=sys.stderr)
            return format_
    if not paths:
        raise BadInput("no log file to read; name files, or a folder of them")
    if str(paths[0]) == "-":
        return formats()["postfix"]
    readable = [path for path in paths if path.is_file()]
    if not readable:
        raise BadInput("cannot be read: no such file", Place(paths[0]))
    raise BadInput(
        f"of no format that is known{did_you_mean('', list(formats()))}; say --format", Place(readable[0], 1)
    )


def _sample(path: Path) -> list[str]:
    from datetime import UTC, datetime

    from responder.sources.carriers import unwrap
    from responder.sources.lines import Lines, cut
    from responder.sources.packed import open_packed

    if not path.is_file():  # to look at a pipe would take what stands in it away
        return []
    try:
        with open_packed(path) as file:
            data = file.read(SAMPLE)
    except OSError:
        return []
    data = data[: data.rfind(b"\n") + 1] or data + b"\n"
    text, _ = cut(data, len(data))
    return unwrap(Lines(str(path), 1, text, datetime.now(UTC), ZoneInfo("UTC"))).text.to_list()


def names_of(config: Config | None) -> Names:
    """How the site's accounts are called, by the names that ``serve`` kept last; said where those cannot be read."""
    from responder.cli.shared import plain
    from responder.errors import ResponderError
    from responder.events.account import Names

    if not config:
        return Names()
    from responder.state.aliases import read_kept

    try:
        aliases = read_kept(config.path(config.keys.storage.state))
    except ResponderError as error:
        print(plain(f"{error}; names are read without the directory's aliases"), file=sys.stderr)
        aliases = {}
    return Names.of(config.keys.site.domain, aliases)


def webmail_of(config: Config | None) -> Webmail | None:
    """The site's webmail servers, None where it names none."""
    from responder.events.webmail import Webmail

    return Webmail(config.keys.site.webmail_networks) if config and config.keys.site.webmail else None


@contextmanager
def progress(paths: list[Path]) -> Iterator[Progress | None]:
    """A progress bar over the files' bytes on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    from responder.sources.packed import is_packed

    total = sum(path.stat().st_size for path in paths if path.is_file())
    known = not any(str(path) == "-" or is_packed(path) for path in paths)
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total if known else None)
        yield lambda read: bar.update(task, advance=read)


def tell(problems: list[Problem]) -> None:
    """Says on standard error what could not be read, the first few of each kind in full."""
    from responder.cli.shared import plain

    for problem in problems[:SHOWN]:
        print(plain(problem), file=sys.stderr)
    if len(problems) > SHOWN:
        print(f"... and {len(problems) - SHOWN} more", file=sys.stderr)


def tell_late(late: Late) -> None:
    """Says on standard error how many events came late."""
    from responder.cli.shared import plain

    minutes = int(late.after.total_seconds() // 60)
    for source, count in late.count.items():
        what = f"{count} events stand more than {minutes} minutes behind younger ones; they count at their own time"
        print(plain(f"{source}: {what}"), file=sys.stderr)
