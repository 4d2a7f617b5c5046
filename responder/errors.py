"""Every error that responder raises on purpose, as one tree.

::

    ResponderError
    ├── BadInput               something a person wrote is wrong: says where, what, and what would be right
    │   └── BadInputs          several of them, found in one go
    ├── SourceUnreadable       a log cannot be read now; the other sources go on
    ├── MissingSecret          a secret that the configuration names is not there
    ├── SystemFault            a directory, ticket desk, mail or SMS service did not do what was asked
    │   ├── SystemUnreachable  nothing was done: the connection never stood, so asking again is safe
    │   ├── SystemRefused      it answered no, and will again: wrong rights, wrong value
    │   └── OutcomeUnknown     it may have been done: look before anything is repeated
    ├── AccountNotFound        the directory has no such account
    ├── AccountAmbiguous       the directory has more than one
    ├── ChangedMeanwhile       somebody else changed the target since; it is left as it is
    ├── WritingPaused          the kill switch is on
    └── NotFound               no such case, decision or run
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class ResponderError(Exception):
    """The root: its text is meant for an operator and says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file that a person wrote; ``line`` and ``column`` count from 1, 0 means not known."""

    file: Path | str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [str(self.file)]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class BadInput(ResponderError):
    """Something a person wrote is wrong; ``str()`` is ``file:line: what is wrong; what would be right``."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class BadInputs(BadInput):
    """Every wrong thing found in one go, one a line, in the order of the files."""

    def __init__(self, problems: list[BadInput]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class SourceUnreadable(ResponderError):
    """A log cannot be read now."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: cannot be read: {reason}")
        self.path = path


class MissingSecret(ResponderError):
    """A secret that the configuration names is not there."""


class SystemFault(ResponderError):
    """A directory, ticket desk, mail or SMS service did not do what was asked."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system


class SystemUnreachable(SystemFault):
    """Nothing was done: the connection never stood, so asking again is safe, after ``retry_after`` seconds."""

    def __init__(self, system: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(system, message)
        self.retry_after = retry_after


class SystemRefused(SystemFault):
    """It answered no, and will again until somebody changes rights or values."""


class OutcomeUnknown(SystemFault):
    """It may have been done: look before anything is repeated."""


class AccountNotFound(ResponderError):
    """The directory has no such account."""

    def __init__(self, account: str, system: str) -> None:
        super().__init__(
            f"{system}: no entry for account {account!r}; check the login attribute and the search base"
        )
        self.account = account


class AccountAmbiguous(ResponderError):
    """The directory has more than one entry for an account; none is touched."""

    def __init__(self, account: str, system: str, entries: list[str]) -> None:
        super().__init__(
            f"{system}: {len(entries)} entries for account {account!r} ({'; '.join(entries)}); "
            "none was touched: narrow the search base or filter"
        )
        self.account = account
        self.entries = entries


class ChangedMeanwhile(ResponderError):
    """Somebody else changed the target since; it is left as it is and a person decides."""


class WritingPaused(ResponderError):
    """The kill switch is on: nothing is written until ``responder resume``."""


class NotFound(ResponderError):
    """No such case, decision or run."""
