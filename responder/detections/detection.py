"""A detection: a rule that a person wrote, as it stands in its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from responder.errors import BadInput, BadInputs, Place
from responder.measures import measures
from responder.site.suggest import did_you_mean
from responder.site.yaml import Written, load

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST, LONGEST = 60, 7 * 86400


class Family(StrEnum):
    """The kind of evidence; families are independent of one another."""

    VOLUME = "volume"
    SPREAD = "spread"
    QUALITY = "quality"
    ORIGIN = "origin"
    CONTENT = "content"
    EXTERNAL = "external"


class Severity(StrEnum):
    """How much a hit weighs by itself."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*([smhd])", value)):
        return int(match[1]) * UNITS[match[2]]
    raise ValueError("a length of time such as 10m, 1h or 1d")


Duration = Annotated[int, BeforeValidator(_seconds)]
"""Seconds, written as 10m, 1h, 1d."""


class Bounds(Written):
    """What a measure must be for the condition to hold."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Bounds:
        if self.at_least is None and self.at_most is None:
            raise ValueError("say at_least, at_most or both")
        return self

    def hold(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class Detection(Written):
    """Conditions on measures in a window, all of which must hold; ``because`` says where its numbers come from.

    One that only ``confirms`` opens no case: it is looked at for accounts that another detection has hit.
    """

    detection: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    family: Family
    severity: Severity
    window: Duration
    confirms: bool = False
    when: dict[str, Bounds] = Field(min_length=1)
    title: str
    because: str

    @field_validator("window")
    @classmethod
    def _in_range(cls, value: int) -> int:
        if not SHORTEST <= value <= LONGEST:
            raise ValueError("a window from 1m to 7d")
        return value

    @property
    def name(self) -> str:
        """What the detection is called in cases and reports."""
        return self.detection


@dataclass(frozen=True, slots=True)
class Detections:
    """The detections of a site."""

    rules: tuple[Detection, ...]

    @property
    def opening(self) -> list[Detection]:
        """Those that can open a case, and so are looked at for every account."""
        return [rule for rule in self.rules if not rule.confirms]

    @property
    def confirming(self) -> list[Detection]:
        """Those that only add to a case."""
        return [rule for rule in self.rules if rule.confirms]


def load_detections(folders: list[Path]) -> Detections:
    """Every ``*.yaml`` of the folders; a later folder's detection replaces an earlier one of the same name.

    Raises BadInputs with all problems of all files.
    """
    rules: dict[str, Detection] = {}
    problems: list[BadInput] = []
    for folder in folders:
        files = sorted(folder.glob("*.yaml"))
        if not files:
            problems.append(BadInput("no detections (*.yaml) in this folder", Place(folder)))
        here: dict[str, Path] = {}
        for file in files:
            try:
                rule = _load(file)
            except BadInputs as error:
                problems.extend(error.problems)
                continue
            except BadInput as error:
                problems.append(error)
                continue
            if rule.name in here:
                problems.append(BadInput(f"detection '{rule.name}' is in {here[rule.name]} too", Place(file)))
            here[rule.name] = file
            rules[rule.name] = rule
    if problems:
        raise BadInputs(problems)
    return Detections(tuple(rules.values()))


def _load(file: Path) -> Detection:
    document = load(file)
    rule = document.read(Detection)
    known = measures()
    unknown = [name for name in rule.when if name not in known]
    if unknown:
        raise BadInputs(
            [document.error(f"no measure '{n}'{did_you_mean(n, list(known))}", "when", n) for n in unknown]
        )
    return rule
