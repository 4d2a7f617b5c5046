"""Which names are one account: asked of the directory now and then, kept for when it is away."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from responder.errors import ResponderError
from responder.events.account import Names
from responder.live.ingest import Ingest
from responder.state.aliases import keep, kept
from responder.systems.aliases import Aliases
from responder.systems.directory import Directory

log = structlog.get_logger()

SHOWN = 5
"""Names that are given as examples."""


@dataclass(slots=True)
class NameBook:
    """Hands ``ingest`` the other names of accounts; the names of ``protected`` accounts stay accounts themselves.

    Were a protected name another account's, its protection would end, and a person could take the name by
    writing it into their own entry.
    """

    state: Engine
    directory: Directory | None
    ingest: Ingest
    domain: str | None
    protected: Sequence[str] = ()
    _refused: tuple[str, ...] = ()
    _why: str = ""

    def begin(self) -> None:
        """Takes the names that were kept; where none were, those of the directory before the first line is read."""
        with self.state.connect() as connection:
            accounts = kept(connection)
        self._use(accounts)
        if not accounts:
            self.refresh()

    def refresh(self) -> None:
        """Takes and keeps the directory's names; when it does not tell them, those from before go on to hold."""
        try:
            found = self.directory.aliases() if self.directory else Aliases()
        except ResponderError as error:
            if self._why != str(error):
                log.warning(
                    "no names from the directory; those that were kept go on to hold", what=str(error)
                )
            self._why = str(error)
            return
        self._why = ""
        with self.state.begin() as connection:
            changed = keep(connection, found.accounts)
        if changed:
            self._use(found.accounts)
            log.info("other names of accounts", number=len(found.accounts), changed=changed)
        if found.refused and found.refused != self._refused:
            log.warning(
                "names that several entries of the directory claim; they are nobody's other name",
                number=len(found.refused),
                such_as=list(found.refused[:SHOWN]),
            )
        self._refused = found.refused

    def _use(self, accounts: Mapping[str, str]) -> None:
        protected = re.compile("|".join(fnmatch.translate(each.lower()) for each in self.protected) or "(?!)")
        free = {name: account for name, account in accounts.items() if not protected.match(name)}
        self.ingest.names = Names.of(self.domain, free)
