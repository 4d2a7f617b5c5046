"""The systems that responder writes to or reads from, each behind a port; one adapter a file.

An adapter is a class with ``kind`` (its name in the configuration), ``port`` (which entry of ``systems:`` it
can fill) and ``Settings``; it is found by walking this package, so that adding one is adding a file.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any, ClassVar, Protocol

from responder.site.yaml import Written
from responder.systems.facts import SiteFacts


class Adapter(Protocol):
    """One product that responder can talk to; made with its settings and what it must know of the site."""

    kind: ClassVar[str]
    port: ClassVar[str]
    Settings: ClassVar[type[Written]]

    def __init__(self, settings: Any, site: SiteFacts) -> None: ...

    def ping(self) -> None:
        """Returns when the system answers and knows us; raises SystemFault otherwise. Writes nothing."""


def discover() -> dict[str, type[Adapter]]:
    """Every adapter by its kind."""
    found: dict[str, type[Adapter]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for _, each in _classes(module.name):
            if each.__module__ == module.name and hasattr(each, "kind") and hasattr(each, "Settings"):
                assert each.kind not in found, f"two adapters of kind {each.kind}"
                found[each.kind] = each
    return dict(sorted(found.items()))


def _classes(module: str) -> list[tuple[str, Any]]:
    return inspect.getmembers(importlib.import_module(module), inspect.isclass)
