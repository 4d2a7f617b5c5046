"""How a serving process tells what it does."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from responder.cli.shared import plain


def log_to_stderr(zone: ZoneInfo) -> None:
    """Readable lines on standard error, times in the site's zone; nothing in them can move a terminal."""

    def stamp(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["timestamp"] = datetime.now(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
        return event

    def safe(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: plain(value) if isinstance(value, str) and key != "exception" else value for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.format_exc_info,
            safe,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
