"""Log formats: each file here that has a ``FORMAT`` is one, found without a list."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from responder.errors import BadInput
from responder.formats.format import Format
from responder.site.suggest import did_you_mean


@cache
def formats() -> dict[str, Format]:
    """Every format by its name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if format_ := getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None):
            found[format_.name] = format_
    return found


def format_named(name: str) -> Format:
    """The format of that name; raises BadInput with what is known."""
    try:
        return formats()[name]
    except KeyError:
        raise BadInput(f"no log format '{name}'{did_you_mean(name, list(formats()))}") from None
