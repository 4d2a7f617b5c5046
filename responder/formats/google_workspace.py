"""Google Workspace's login events, as the Admin SDK's Reports API gives them: JSON with one activity a line.

The API answers with a list, whose ``items`` are the activities (``jq -c '.items[]'``). Those of the application
``login`` have events named ``login_success`` and ``login_failure``; what is asked for in between
(``login_challenge``, ``login_verification``) and what Google thinks of a login are neither.

The actor of a success is who logged in. That of a failure is the victim; without an ``@`` it is not kept.

Gmail's own log (the application ``gmail``, and its export to BigQuery) is the format ``gmail``.
"""

from __future__ import annotations

import re

import polars as pl

from responder.formats.format import Format, Parsed
from responder.formats.records import address, objects, texts, timed
from responder.formats.table import parsed
from responder.sources.lines import Lines

col = pl.col

SCHEMA = {
    "id": pl.Struct({"time": pl.String(), "applicationName": pl.String()}),
    "actor": pl.Struct({"email": pl.String()}),
    "ipAddress": pl.String(),
    "events": pl.List(pl.Struct({"name": pl.String()})),
}
"""What is read of an activity (Reports API, ``Activity``)."""

NAMES = {"login_success": True, "login_failure": False}


def parse(lines: Lines) -> Parsed:
    """Logins in ``lines``."""
    problems = list(lines.problems)
    keep = ["text"] if lines.keep_text else []
    frame = objects(texts(lines), SCHEMA, lines, problems)
    frame = frame.filter(col.id.struct.field("applicationName") == "login").select(
        "row",
        *keep,
        stamp=col.id.struct.field("time"),
        host=pl.lit(""),
        account=col.actor.struct.field("email").str.strip_chars(" "),
        client_ip=address(col.ipAddress),
        event="events",
    )
    frame = frame.explode("event").with_columns(
        success=col.event.struct.field("name").replace_strict(NAMES, default=None, return_dtype=pl.Boolean)
    )
    frame = timed(frame.filter(col.success.is_not_null()), lines, problems)
    named = col.account.str.contains("@", literal=True).fill_null(False)
    frame = frame.filter(named | ~col.success).with_columns(account=pl.when(named).then(col.account))
    return parsed(lines, problems, logins=frame)


SAMPLE = re.compile(r'^[\[,\s]*\{.*"applicationName"\s*:\s*"login"')


def recognises(sample: list[str]) -> bool:
    """Whether a line is a login activity."""
    return any(SAMPLE.match(line) and '"events"' in line and '"uniqueQualifier"' in line for line in sample)


FORMAT = Format(
    "google-workspace",
    "Google Workspace logins (Reports API, JSON lines)",
    recognises,
    parse,
    logins_only=True,
)
