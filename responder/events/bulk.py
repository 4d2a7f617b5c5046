"""The events of whole files, read side by side and joined in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from responder.events.account import Names
from responder.events.gaps import SILENCE, Heard, heard
from responder.events.late import Late
from responder.events.lives import Joined, Part, join, nothing_open, with_open
from responder.events.unread import Unread, classes
from responder.events.webmail import LOGINS, Webmail, logins_of
from responder.formats.format import Format
from responder.sources.given import Progress, read_given
from responder.sources.lines import Lines, Problem


def read_events(
    paths: Iterable[Path],
    format_: Format,
    zone: ZoneInfo,
    names: Names | str | None,
    problems: list[Problem],
    progress: Progress | None = None,
    unread: Unread | None = None,
    webmail: Webmail | None = None,
    late: Late | None = None,
) -> Iterator[Part]:
    """The joined events, part by part in the order of the files.

    What was wrong goes to ``problems``; the lines that gave no event are counted in ``unread``, and late events in
    ``late``. With ``webmail`` what was handed in there is from where its user sits.
    """

    def work(lines: Lines) -> tuple[Joined, Heard, pl.DataFrame | None]:
        parsed = format_.read(lines)
        missing = heard(lines, parsed)
        passed_over = classes(lines, parsed, missing.notices) if unread else None
        return join(parsed, lines.source, names), missing, passed_over

    open_, logins = nothing_open(), pl.DataFrame(schema=LOGINS)
    newest: dict[str, datetime | None] = {}
    for joined, missing, passed_over in read_given(
        paths, zone, work, problems, progress=progress, needed=format_.before, sieve=format_.sieve
    ):
        if unread and passed_over is not None:
            unread.add(passed_over)
        problems.extend(joined.parsed.problems)
        part, open_ = with_open(joined, open_)
        losses, newest[part.source] = missing.missing(newest.get(part.source), SILENCE)
        part = replace(part, losses=losses)
        if late:
            late.take(part)
        if webmail:
            before = logins
            logins = pl.concat([logins, logins_of(part)])
            part = webmail.addressed(part, before) if webmail.accounts(part) else part
        yield part
