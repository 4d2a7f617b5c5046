"""The port to the organisation's directory: who owns an account, and shutting it everywhere at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from responder.systems.aliases import Aliases


@dataclass(frozen=True, slots=True)
class Owner:
    """The person behind an account, as the directory has it.

    ``entry_id`` stays the same when the entry is renamed or moved, ``dn`` does not. ``mobile`` is E.164;
    ``language`` is a primary subtag such as ``fr``, the site's own when the entry has none.
    """

    account: str
    dn: str
    entry_id: str
    name: str
    backup_address: str | None
    mobile: str | None
    language: str


@dataclass(frozen=True, slots=True)
class LockState:
    """Whether an entry is locked for good, and the ``values`` that say so, exactly as they were read.

    ``ignored_by`` names a password policy by which this entry's locks have no effect, None where there is
    none or it cannot be told.
    """

    entry_id: str
    dn: str
    locked: bool
    values: tuple[str, ...]
    ignored_by: str | None = None


class Directory(Protocol):
    """A directory; every method raises SystemUnreachable or SystemRefused where it cannot do its work."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def owner(self, account: str) -> Owner:
        """The owner of an account; raises AccountNotFound or AccountAmbiguous."""

    def lock_state(self, entry_id: str) -> LockState:
        """How the entry stands now, wherever it has moved; raises AccountNotFound when it is gone."""

    def lock(self, seen: LockState) -> None:
        """Locks the entry for good if it still is as ``seen``; raises ChangedMeanwhile otherwise.

        Raises OutcomeUnknown when the answer was lost.
        """

    def unlock(self, before: LockState) -> None:
        """Puts the values of ``before`` back if the lock is still the one that ``lock`` writes.

        Raises ChangedMeanwhile otherwise, OutcomeUnknown when the answer was lost.
        """

    def aliases(self) -> Aliases:
        """The account of every other name that the directory knows, read as a whole: minutes where it is large."""

    def ping(self) -> None:
        """Returns when the directory answers and lets us in."""
