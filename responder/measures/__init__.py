"""Measures: each file here that has a ``MEASURE`` is one, found without a list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from responder.events.store import Figures
from responder.measures.measure import Measure


@cache
def measures() -> dict[str, Measure]:
    """Every measure by its name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if measure := getattr(importlib.import_module(f"{__name__}.{module.name}"), "MEASURE", None):
            found[measure.name] = measure
    return found


def figures(names: Iterable[str]) -> Figures:
    """What to ask the event store for these measures."""
    known = measures()
    wanted = set(names) | {part for name in names for part in known[name].made_of}
    return Figures(
        {name: known[name].sql for name in sorted(wanted) if not known[name].made_of},
        {name: known[name].sql for name in sorted(wanted) if known[name].made_of},
    )
