"""Styles of hijack: each file here that has one is found without a list."""

from __future__ import annotations

import importlib
import pkgutil

from responder.simulate.story import Style


def styles() -> dict[str, Style]:
    """Every style by its name."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return {one.name: one for module in modules for one in vars(module).values() if isinstance(one, Style)}
