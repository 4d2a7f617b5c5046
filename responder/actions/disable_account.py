"""``directory.disable_account``: shuts an account in the directory, so that every application refuses it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from responder.actions.action import Action, Change, Done, Look, Outputs, Plan, Seen, Undo
from responder.errors import ChangedMeanwhile, SystemRefused
from responder.site.yaml import Written
from responder.systems.directory import Directory, LockState

LOCKED = "locked for good"


class AccountParameters(Written):
    """``account``: the login, with or without its domain."""

    account: str = Field(min_length=1)


class EntryParameters(Written):
    """The entry to give back, and the lock values that it had before; written by responder itself."""

    entry_id: str
    values: tuple[str, ...]


class DisableAccount(Action[AccountParameters]):
    """Locks the account's entry for good; undone by putting back exactly what was there.

    An account that is locked already is left alone: the lock is somebody else's and stays theirs.
    Raises AccountNotFound, AccountAmbiguous, and SystemRefused where the entry's password policy would
    ignore the lock.
    """

    name: ClassVar[str] = "directory.disable_account"
    needs: ClassVar[str] = "directory"
    Parameters: ClassVar[type[Written]] = AccountParameters
    outputs: ClassVar[frozenset[str]] = frozenset({"entry_id"})
    reversible: ClassVar[bool] = True
    in_playbooks: ClassVar[bool] = True

    def __init__(self, system: Directory) -> None:
        self._directory = system

    def plan(self, parameters: AccountParameters) -> Plan:
        """The lock, unless the entry has it already."""
        state = self._directory.lock_state(self._directory.owner(parameters.account).entry_id)
        if state.locked:
            return Plan((), "the account was locked already; that lock is not ours to undo")
        if state.ignored_by is not None:
            raise SystemRefused(
                self._directory.name,
                f"the password policy {state.ignored_by} ignores locks (pwdLockout is not TRUE); "
                "nothing was written: correct the policy or disable the account by hand",
            )
        return Plan((_change(self._directory.name, state.entry_id, list(state.values), LOCKED),))

    def apply(self, parameters: AccountParameters, plan: Plan, reference: str) -> Outputs:
        """Locks the entry if it still is as it was planned."""
        change = plan.changes[0]
        self._directory.lock(LockState(change.target, "", False, tuple(change.before)))
        return {"entry_id": change.target}

    def look(self, parameters: AccountParameters, plan: Plan, reference: str) -> Look:
        """Reads the lock back."""
        state = self._directory.lock_state(plan.changes[0].target)
        detail = "" if state.locked else "the lock cannot be read back"
        return Look(Seen.DONE if state.locked else Seen.NOT_DONE, {"entry_id": state.entry_id}, detail)

    def undo(self, done: Done[AccountParameters]) -> Undo:
        """Puts the entry's earlier lock values back."""
        change = done.plan.changes[0]
        return Undo(
            EnableAccount(self._directory),
            EntryParameters(entry_id=change.target, values=tuple(change.before)),
        )


class EnableAccount(Action[EntryParameters]):
    """Takes our own lock away; any other lock is left as it is."""

    name: ClassVar[str] = "directory.enable_account"
    needs: ClassVar[str] = "directory"
    Parameters: ClassVar[type[Written]] = EntryParameters

    def __init__(self, system: Directory) -> None:
        self._directory = system

    def plan(self, parameters: EntryParameters) -> Plan:
        """The earlier values, unless they are back already; raises ChangedMeanwhile for a lock not ours."""
        state = self._directory.lock_state(parameters.entry_id)
        if state.values == parameters.values:
            return Plan((), "the account is as it was before; somebody unlocked it already")
        if not state.locked:
            raise ChangedMeanwhile(
                f"{self._directory.name}: the lock is no longer the one that was set; it is left as it is"
            )
        return Plan((_change(self._directory.name, state.entry_id, LOCKED, list(parameters.values)),))

    def apply(self, parameters: EntryParameters, plan: Plan, reference: str) -> Outputs:
        """Unlocks the entry if our lock is still there."""
        self._directory.unlock(LockState(parameters.entry_id, "", False, parameters.values))
        return {}

    def look(self, parameters: EntryParameters, plan: Plan, reference: str) -> Look:
        """Reads the lock back."""
        state = self._directory.lock_state(parameters.entry_id)
        return Look(Seen.DONE if state.values == parameters.values else Seen.NOT_DONE)


def _change(system: str, entry_id: str, before: object, after: object) -> Change:
    return Change(system, entry_id, "lock", before, after)
