"""The command ``responder``."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Annotated

import typer

import responder.cli
from responder.cli.shared import Context
from responder.errors import ResponderError

gc.set_threshold(100_000)  # start-up makes many objects that stay; looking for waste among them takes longer
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some reads every installed package
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads that nothing here has work for

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Notices a hijacked mailbox in the mail logs, makes sure, shuts it everywhere, and proves what it did.",
)


def _version(value: bool) -> None:
    if value:
        from responder import __version__

        typer.echo(f"responder {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", envvar="RESPONDER_CONFIG", help="responder.yaml; by default the one here."
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    context.obj = Context(config)


for _module in pkgutil.iter_modules(responder.cli.__path__):
    _file = importlib.import_module(f"responder.cli.{_module.name}")
    if hasattr(_file, "command"):
        app.command(_module.name.rstrip("_"))(_file.command)


def main() -> None:
    """Runs a command; a person sees messages, never a traceback (unless RESPONDER_DEBUG is set)."""
    try:
        app()
    except ResponderError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("RESPONDER_DEBUG"):
            raise
        print(
            f"responder failed at something it does not know: {type(error).__name__}: {error}\n"
            "Nothing that was begun is lost. RESPONDER_DEBUG=1 shows where; please report it.",
            file=sys.stderr,
        )
        sys.exit(70)
