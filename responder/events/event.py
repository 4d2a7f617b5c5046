"""The one flat table of events."""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from responder.formats.format import Schema


class Kind(StrEnum):
    """What an event tells."""

    SUBMISSION = "submission"
    DELIVERY = "delivery"
    LOGIN = "login"
    REPORT = "report"
    LOSS = "loss"


EVENTS: Schema = {
    "kind": pl.String,
    "time": pl.Datetime("us"),
    "host": pl.String,
    "queue_id": pl.String,
    "message": pl.String,
    "account": pl.String,
    "client_ip": pl.String,
    "recipient": pl.String,
    "original": pl.String,
    "recipient_domain": pl.String,
    "outcome": pl.String,
    "dsn": pl.String,
    "success": pl.Boolean,
    "service": pl.String,
    "source": pl.String,
    "line": pl.UInt64,
    "lost": pl.UInt64,
    "reason": pl.String,
    "silent_since": pl.Datetime("us"),
}
"""Columns of joined events; ``time`` is UTC. A column that does not apply to a kind is null in its rows.

The last three are of losses (see ``LOSSES``), which are of no account.

``message`` is the first queue id of the message, which ``queue_id`` is no more after a content filter.
``recipient`` and ``original``, the address that the sender gave where the server made another of it, are in clear
here, in memory; they are hashed before anything is kept or shown. ``recipient_domain`` is of what the sender gave.
Frames of lines that were to be kept have ``text`` too.
"""
