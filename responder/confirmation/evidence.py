"""What speaks for and against a hijack, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass

from responder.detections.detection import Family, Severity
from responder.detections.hit import Hit
from responder.measures import measures

USUAL_FACTOR = 2.0
"""A hit below this multiple of the account's own highest in the past is that account's habit.

Our own choice: a sender of newsletters that doubles its list stays below, a hijack exceeds it many times.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding: for (``supports``) or against a hijack, in words, with the figures and the log lines."""

    family: Family
    detection: str
    severity: Severity
    supports: bool
    words: str
    figures: dict[str, float]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """All evidence of a case, and the independent families that agree."""

    evidence: tuple[Evidence, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families with evidence for a hijack, each once, by name."""
        return tuple(sorted({each.family for each in self.evidence if each.supports}))

    def severe(self, least: Severity) -> bool:
        """Whether any supporting evidence weighs at least so much."""
        order = list(Severity)
        return any(e.supports and order.index(e.severity) >= order.index(least) for e in self.evidence)


def confirm(hits: list[Hit]) -> Confirmation:
    """The evidence that a case's hits make up."""
    return Confirmation(tuple(_weigh(hit) for hit in hits))


def doubt(hit: Hit) -> str | None:
    """What in the account's own past speaks against a hit, or None."""
    habits = [
        f"{name} up to {hit.usual[name]:g} in {_length(hit.window)} is this account's habit"
        for name, value in hit.figures.items()
        if hit.usual.get(name, 0) and value < USUAL_FACTOR * hit.usual[name]
    ]
    return "; ".join(habits) if habits else None


def _weigh(hit: Hit) -> Evidence:
    against = doubt(hit)
    figures = ", ".join(f"{_figure(value)} {_words(name)}" for name, value in hit.figures.items())
    words = f"{figures} in {_length(hit.window)}"
    if against:
        words += f", but {against}"
    words = "; ".join((words, *hit.missing))
    return Evidence(hit.family, hit.detection, hit.severity, against is None, words, hit.figures, hit.lines)


def _words(name: str) -> str:
    return name.replace("_", " ") if name in measures() else name


def _figure(value: float) -> str:
    return f"{value:g}" if value == int(value) else f"{value:.2f}"


def _length(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
