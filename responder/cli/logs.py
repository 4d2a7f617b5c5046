"""How a process tells what it does, where its standard output is for something else."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from responder.cli.shared import plain


def log_to_stderr(zone: ZoneInfo, least: int = logging.DEBUG) -> None:
    """Readable lines on standard error, times in the site's zone; nothing in them can move a terminal.

    ``least`` is the lowest level that is told: a command whose own words say what was done keeps to warnings.
    """

    import structlog

    def stamp(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["timestamp"] = datetime.now(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
        return event

    def safe(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            key: plain(value) if isinstance(value, str) and key != "exception" else value
            for key, value in event.items()
        }

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.format_exc_info,
            safe,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
