"""What a log format is: a function from a run of lines to tables of what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import polars as pl

from responder.sources.before import with_before
from responder.sources.lines import Lines, Problem

Schema = dict[str, pl.DataType | type[pl.DataType]]
"""Columns of a table and what is in them."""

STARTS: Schema = {
    "line": pl.UInt64,
    "time": pl.Datetime("us"),
    "host": pl.String,
    "queue_id": pl.String,
    "account": pl.String,
    "client_ip": pl.String,
}
"""An authenticated account hands in a message; ``time`` is UTC, in every table."""

ENDS: Schema = {"line": pl.UInt64, "host": pl.String, "queue_id": pl.String}
"""A message leaves the queue, and its id is free for another."""

DELIVERIES: Schema = {
    "line": pl.UInt64,
    "time": pl.Datetime("us"),
    "host": pl.String,
    "queue_id": pl.String,
    "recipient": pl.String,
    "original": pl.String,
    "outcome": pl.String,
    "dsn": pl.String,
}
"""What became of one recipient of a message: sent, deferred, bounced, expired, deliverable or undeliverable.

``original``: the address that the sender gave, where the server made ``recipient`` of it, such as the alias that
``recipient`` is one of many of; else null.
"""

LINKS: Schema = {
    "line": pl.UInt64,
    "host": pl.String,
    "queue_id": pl.String,
    "origin": pl.String,
    "late": pl.Boolean,
}
"""A message that came back from a content filter: ``queue_id`` is a new id of the message ``origin``; ``late``
where the new id may have been in use before this line."""

LOGINS: Schema = {
    "line": pl.UInt64,
    "time": pl.Datetime("us"),
    "host": pl.String,
    "account": pl.String,
    "client_ip": pl.String,
    "success": pl.Boolean,
    "service": pl.String,
}
"""Somebody tried to log in as ``account`` (null where the log does not say); in a failure it is the victim.

``service``: ``webmail`` where a web page was logged in to, from which mail is then handed in; else null.
"""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a run of lines says; each frame is in line order, ``line`` being the line's number in its source.

    Frames have a column ``text`` too when the lines were to be kept. ``noted``: the places of lines that may be notices
    of losses, where the format's own sieve looked for them.
    """

    starts: pl.DataFrame
    ends: pl.DataFrame
    deliveries: pl.DataFrame
    logins: pl.DataFrame
    links: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LINKS))
    problems: tuple[Problem, ...] = field(default=())
    noted: pl.Series | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A log format: its name, how to recognise it from a few lines, and its parser.

    ``logins_only``: it tells of no mail, so who asks about mail need not read it. ``before``: a pattern of lines that
    later ones need, as the login to a connection over which a message is handed in; none where it is empty.
    ``sieve``: a pattern that each line holds of which an event comes, or that stands for several; where it is empty
    there is none.
    """

    name: str
    title: str
    recognises: Callable[[list[str]], bool]
    parse: Callable[[Lines], Parsed]
    logins_only: bool = False
    before: str = ""
    sieve: str = ""

    def read(self, lines: Lines) -> Parsed:
        """What ``lines`` say, with what was carried to them in mind."""
        together = with_before(lines)
        said = self.parse(together)
        extra = len(together) - len(lines)
        if not extra:
            return said
        tables = ("starts", "ends", "deliveries", "logins", "links")
        return replace(
            said,
            problems=tuple(problem for problem in said.problems if problem.line),
            noted=None if said.noted is None else said.noted.filter(said.noted >= extra) - extra,
            **{name: getattr(said, name).filter(pl.col("line") > 0) for name in tables},
        )
