"""The events of whole files, read side by side and joined in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from responder.events.lives import Joined, Part, join, nothing_open, with_open
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
) -> Iterator[Part]:
    """The joined events, part by part in the order of the files; what was wrong goes to ``problems``."""

    def work(lines: Lines) -> Joined:
        return join(format_.parse(lines), lines.source, domain)

    open_ = nothing_open()
    for joined in read_given(paths, zone, work, problems, progress=progress):
        problems.extend(joined.parsed.problems)
        part, open_ = with_open(joined, open_)
        yield part
