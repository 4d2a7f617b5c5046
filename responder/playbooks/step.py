"""One step of a playbook, as it is written and as it is known once it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import Field

from responder.site.yaml import Written


class OnFailure(StrEnum):
    """What a failed step means for the steps after it."""

    STOP = "stop"
    CONTINUE = "continue"


class WrittenStep(Written):
    """One entry of ``steps:``.

    ``when`` is an expression; a step whose ``when`` asks about an earlier step waits until that is settled.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")
    uses: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    when: str | None = None
    on_failure: OnFailure = OnFailure.STOP


@dataclass(frozen=True, slots=True)
class Step:
    """A checked step: ``message`` names the folder whose texts fill parameters in, by ``parts``.

    ``roots`` are the first words of the names it reads; ``waits_for`` the steps that ``when`` asks about.
    """

    id: str
    uses: str
    parameters: Mapping[str, Any]
    when: str | None
    on_failure: OnFailure
    message: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    roots: frozenset[str] = frozenset()
    waits_for: frozenset[str] = frozenset()
