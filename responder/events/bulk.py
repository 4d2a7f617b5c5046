"""The events of whole files, read side by side and joined in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from responder.events.lives import Joined, Part, join, nothing_open, with_open
from responder.events.unread import Unread, classes
from responder.formats.format import Format
from responder.sources.given import Progress, read_given
from responder.sources.lines import Lines, Problem


def read_events(
    paths: Iterable[Path],
    format_: Format,
    zone: ZoneInfo,
    domain: str | None,
    problems: list[Problem],
    progress: Progress | None = None,
    unread: Unread | None = None,
) -> Iterator[Part]:
    """The joined events, part by part in the order of the files.

    What was wrong goes to ``problems``, and the lines that gave no event are counted in ``unread``.
    """

    def work(lines: Lines) -> tuple[Joined, pl.DataFrame | None]:
        parsed = format_.parse(lines)
        return join(parsed, lines.source, domain), (classes(lines, parsed) if unread else None)

    open_ = nothing_open()
    for joined, passed_over in read_given(paths, zone, work, problems, progress=progress):
        if unread and passed_over is not None:
            unread.add(passed_over)
        problems.extend(joined.parsed.problems)
        part, open_ = with_open(joined, open_)
        yield part
