"""``responder events``: what log files say, as JSON lines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from responder.cli.reading import (
    SHOWN,
    Files,
    FormatName,
    ZoneName,
    format_of,
    names_of,
    progress,
    tell,
    tell_late,
    webmail_of,
    zone_of,
)
from responder.cli.shared import Context, plain

if TYPE_CHECKING:
    from responder.events.unread import Unread

TIMES = ("time", "silent_since")
ADDRESSES = ("recipient", "original")


def command(
    context: typer.Context,
    files: Files,
    format_: FormatName = None,
    zone: ZoneName = None,
    clear: Annotated[bool, typer.Option("--clear", help="Show recipients instead of their hashes.")] = False,
) -> None:
    """Print the events of log files as JSON lines, and on standard error which lines gave none."""
    from secrets import token_bytes

    import polars as pl

    from responder.events.bulk import read_events
    from responder.events.event import EVENTS
    from responder.events.late import Late
    from responder.events.privacy import hashed
    from responder.events.unread import Unread
    from responder.sources.folder import in_order
    from responder.sources.lines import Problem

    config = context.obj.config_or_none() if isinstance(context.obj, Context) else None
    site_zone, problems = zone_of(zone, config), list[Problem]()
    files = in_order(files, problems)
    key = config.keys.site.key.reveal().get_secret_value().encode() if config else token_bytes(32)
    names = names_of(config)
    unread, late, webmail = Unread(), Late(), webmail_of(config)
    read_as = format_of(format_, files)
    with progress(files) as bar:
        for part in read_events(
            files, read_as, site_zone, names, problems, bar, unread, webmail=webmail, late=late
        ):
            frame = part.flat()
            if not clear:
                frame = frame.with_columns(hashed(frame[name], key) for name in ADDRESSES)
            frame = frame.with_columns(
                **{
                    name: pl.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(site_zone.key)
                    for name in TIMES
                },
            )
            for row in frame.select(list(EVENTS)).iter_rows(named=True):
                event = {name: value for name, value in row.items() if value is not None}
                event |= {name: event[name].isoformat() for name in TIMES if name in event}
                if not clear:
                    event |= {name: f"{event[name]:016x}" for name in ADDRESSES if name in event}
                sys.stdout.write(json.dumps(event) + "\n")
    tell(problems)
    tell_late(late)
    _tell_unread(unread)
    if any(not problem.line for problem in problems):
        raise typer.Exit(1)


def _tell_unread(unread: Unread) -> None:
    """Says which kinds of lines gave no event, the most frequent first, each with an example."""
    frame = unread.frame()
    for row in frame.head(SHOWN).iter_rows(named=True):
        what = f"{row['count']} without an event: {row['program']}: {row['form']}"
        print(plain(f"{what}, such as {row['place']}: {row['example']}"), file=sys.stderr)
    if len(frame) > SHOWN:
        print(f"... and {len(frame) - SHOWN} more kinds of lines without an event", file=sys.stderr)
