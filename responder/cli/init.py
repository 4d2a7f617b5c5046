"""``responder init``: a first configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Where to; made when it is not there.")] = Path(),
) -> None:
    """Write a commented configuration, a policy in mode ask and a new site key."""
    import os
    import secrets

    from responder.errors import BadInput, ResponderError
    from responder.site.shipped import shipped

    policy = shipped("policy.yaml").read_text(encoding="utf-8").replace("policy: shipped", "policy: own")
    files = {
        "responder.yaml": (shipped("responder.yaml").read_text(encoding="utf-8"), 0o644),
        "policy.yaml": (policy.replace("\nmode: act\n", "\nmode: ask\n"), 0o644),
        "site.key": (secrets.token_hex(32) + "\n", 0o600),
    }
    if there := [name for name in files if (folder / name).exists()]:
        raise BadInput(f"{folder / there[0]}: is there already; nothing was written, move it away first")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (text, mode) in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            print(f"{folder / name} written")
    except OSError as error:
        raise ResponderError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    print("Now change responder.yaml to your site, set the secrets that it names, and run 'responder check'.")
