"""``responder serve``: everything in one process."""

from __future__ import annotations

import typer


def command(context: typer.Context) -> None:
    """Read the logs, detect, decide and act, until stopped."""
    import signal
    import threading

    from responder.bootstrap import build
    from responder.cli.logs import log_to_stderr

    config = context.obj.config()
    log_to_stderr(config.zone)
    house = build(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with house.open_service() as service:
        service.run(stop)
