"""The names that a playbook's text can use, checked before a run needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from responder.site.suggest import did_you_mean

Names = Mapping[str, "Names | None"]
"""A tree of names; None: whatever stands below is not known beforehand."""

CASE = ("id", "account", "opened_at", "families", "detections", "summary")
OWNER = ("name", "language", "backup_address", "mobile")
SITE = ("name", "domain", "help_desk")
RUN = ("id", "reference")


def known(earlier: Mapping[str, Iterable[str] | None]) -> dict[str, Names | None]:
    """The names at a step; ``earlier`` are the steps before it with their outputs, None: not known."""
    steps = {
        step: {
            "state": None,
            "reason": None,
            "outputs": None if outputs is None else _leaves((*outputs, "verified")),
        }
        for step, outputs in earlier.items()
    }
    return {
        "case": _leaves(CASE),
        "owner": _leaves(OWNER),
        "site": _leaves(SITE),
        "run": _leaves(RUN),
        "steps": steps,
        "now": None,
    }


def wrong(path: tuple[str, ...], names: Mapping[str, Names | None], later: Iterable[str]) -> str | None:
    """What is wrong with a name, None when nothing is; ``later`` are the steps that come after."""
    here: Names | None = names
    for depth, part in enumerate(path):
        if here is None:
            return None
        if part not in here:
            above = ".".join(path[:depth])
            if above == "steps" and part in later:
                return f"step '{part}' comes later; only earlier steps have outputs"
            what = f"{above} has no '{part}'" if above else f"no name '{part}'"
            return what + did_you_mean(part, list(here))
        here = here[part]
    return None


def _leaves(names: Iterable[str]) -> dict[str, Names | None]:
    return dict.fromkeys(names)
