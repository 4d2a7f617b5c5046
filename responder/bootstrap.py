"""The one place that builds: from a configuration to the parts at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Detections, load_detections
from responder.errors import BadInput, BadInputs
from responder.site.config import Config, Detecting
from responder.site.shipped import shipped


Part = TypeVar("Part")


def _collect(problems: list[BadInput], load: Callable[[], Part]) -> Part | None:
    """What ``load`` gives, or None with what was wrong added to ``problems``."""
    try:
        return load()
    except BadInputs as error:
        problems.extend(error.problems)
    except BadInput as error:
        problems.append(error)
    return None


@dataclass(frozen=True, slots=True)
class Rules:
    """What judging needs: the detections, the policy, how often is looked, the site's mail domain."""

    detections: Detections
    policy: Policy
    interval: int
    domain: str | None


def load_rules(config: Config | None) -> Rules:
    """The site's rules, the shipped ones where it has none of its own; raises BadInputs with all problems."""
    problems: list[BadInput] = []
    folders = [shipped("detections")]
    policy_file = shipped("policy.yaml")
    if config:
        folders += [config.path(folder) for folder in config.keys.detection.folders]
        policy_file = config.path(config.keys.policy) if config.keys.policy else policy_file
    detections = _collect(problems, lambda: load_detections(folders))
    policy = _collect(problems, lambda: load_policy(policy_file))
    if detections is None or policy is None:
        raise BadInputs(problems)
    return Rules(
        detections,
        policy,
        config.keys.detection.interval if config else Detecting().interval,
        config.keys.site.domain if config else None,
    )
