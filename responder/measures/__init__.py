"""Measures: each file here that has a ``MEASURE`` is one, found without a list."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from responder.measures.measure import Measure


@cache
def measures() -> dict[str, Measure]:
    """Every measure by its name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if measure := getattr(importlib.import_module(f"{__name__}.{module.name}"), "MEASURE", None):
            found[measure.name] = measure
    return found
