"""What a playbook's step can do; one action a file, found by walking this package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

from responder.actions.action import Action


def discover() -> dict[str, type[Action[Any]]]:
    """Every action that a playbook may name, by its name."""
    found: dict[str, type[Action[Any]]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if each.__module__ == module.name and issubclass(each, Action) and each.in_playbooks:
                assert each.name not in found, f"two actions {each.name}"
                found[each.name] = each
    return dict(sorted(found.items()))


def build(systems: Mapping[str, Any]) -> dict[str, Action[Any]]:
    """The actions that can be carried out with the configured systems, given by port (``directory``)."""
    return {name: each(systems[each.needs]) for name, each in discover().items() if each.needs in systems}
