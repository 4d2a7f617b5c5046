"""Secrets: named in the configuration, kept elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr, model_validator

from responder.errors import MissingSecret
from responder.site.yaml import Written


class Secret(Written):
    """Where a secret is: ``{env: NAME}`` or ``{file: PATH}``; never the secret itself."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_plain_text(cls, value: Any) -> Any:
        if isinstance(value, dict):
            if len(value.keys() & {"env", "file"}) != 1:
                raise ValueError("say where the secret is, {env: NAME} or {file: PATH}")
            return value
        if isinstance(value, Secret):
            return value
        raise ValueError("a secret must not stand in this file; say {env: NAME} or {file: PATH}")

    def reveal(self) -> SecretStr:
        """The secret; raises MissingSecret with what to do."""
        if self.env is not None:
            if not (value := os.environ.get(self.env)):
                raise MissingSecret(
                    f"the environment variable {self.env} is not set; set it for this service"
                )
            return SecretStr(value)
        assert self.file is not None
        try:
            value = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise MissingSecret(f"the secret file {self.file} cannot be read: {reason}") from error
        if not value:
            raise MissingSecret(f"the secret file {self.file} is empty; write the secret to it")
        return SecretStr(value)
