"""What the adapters and the playbooks know of the organisation itself."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

PREFIX = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """``help_desk`` says in words how to reach it; ``prefix`` begins every reference, ``[a-z0-9-]`` only."""

    name: str
    domain: str
    help_desk: str
    language: str
    prefix: str = "responder"

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.prefix):
            raise ValueError(f"prefix {self.prefix!r}: small letters, digits and hyphens, 20 at most")

    def names(self) -> dict[str, str]:
        """The facts as they are kept with a run."""
        return asdict(self)
