"""Innocents who look guilty: each one in a file here is found without a list."""

from __future__ import annotations

import importlib
import pkgutil

from responder.simulate.story import Lookalike


def lookalikes() -> dict[str, Lookalike]:
    """Every look-alike by its kind."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return {
        one.kind: one for module in modules for one in vars(module).values() if isinstance(one, Lookalike)
    }
