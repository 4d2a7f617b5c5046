"""The events of a backtest: in memory, or where they are too many in files of their own that are gone afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory

import polars as pl

from responder.events.lives import Part, merged
from responder.formats.format import LOGINS

IN_MEMORY = 750_000
"""Events that are kept in memory: some 200 MB."""

TOGETHER = 50_000
"""Events that are given back at once."""

col = pl.col


@dataclass(slots=True)
class Kept:
    """Takes parts in and gives back, in their order, what some accounts did.

    The files lie on a disk, so recipients are put there as numbers by a seed that is kept nowhere, with their domains.
    """

    in_memory: int = IN_MEMORY
    messages: int = 0
    deliveries: int = 0
    _parts: list[Part] = field(default_factory=list)
    _away: list[tuple[str, Path]] = field(default_factory=list)
    _folder: TemporaryDirectory[str] | None = None
    _seed: int = field(default_factory=lambda: randbits(64))

    def add(self, part: Part) -> None:
        """The next part; its logins are not kept."""
        self.messages += len(part.submissions)
        self.deliveries += len(part.deliveries)
        self._parts.append(part)
        if self.messages + self.deliveries > self.in_memory:
            while self._parts:
                self._put_away(self._parts.pop(0))

    def of(self, accounts: Iterable[str]) -> Iterator[Part]:
        """What the accounts did: parts of one source each, each of some TOGETHER events."""
        theirs = col.account.is_in(list(accounts))
        here = (
            Part(
                each.source,
                each.submissions.filter(theirs),
                each.deliveries.filter(theirs),
                each.logins.clear(),
            )
            for each in self._parts
        )
        away = (self._back(source, path, theirs) for source, path in self._away)
        waiting: list[Part] = []
        for part in chain(here, away):
            waiting.append(part)
            if sum(len(each.submissions) + len(each.deliveries) for each in waiting) > TOGETHER:
                yield from merged(waiting)
                waiting.clear()
        yield from merged(waiting)

    @property
    def folder(self) -> Path | None:
        """Where the files are, None while everything is in memory."""
        return Path(self._folder.name) if self._folder else None

    def close(self) -> None:
        """Removes the files."""
        if self._folder:
            self._folder.cleanup()

    def _put_away(self, part: Part) -> None:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="responder-backtest-")
        path = Path(self._folder.name) / str(len(self._away))
        hidden = (self._hidden(part.deliveries[name]) for name in ("recipient", "original"))
        part.submissions.write_ipc(path.with_suffix(".submissions"), compression="lz4")
        part.deliveries.with_columns(hidden).write_ipc(path.with_suffix(".deliveries"), compression="lz4")
        self._away.append((part.source, path))

    def _hidden(self, addresses: pl.Series) -> pl.Series:
        domain = addresses.str.extract(r"(@[^@]*)$").fill_null("")
        numbers = addresses.hash(self._seed).cast(pl.String)
        return (
            pl.select(pl.when(addresses.is_not_null()).then(pl.concat_str(numbers, domain)))
            .to_series()
            .alias(addresses.name)
        )

    def _back(self, source: str, path: Path, theirs: pl.Expr) -> Part:
        submissions, deliveries = (
            pl.read_ipc(path.with_suffix(f".{kind}")).filter(theirs) for kind in ("submissions", "deliveries")
        )
        return Part(source, submissions, deliveries, pl.DataFrame(schema=LOGINS))
