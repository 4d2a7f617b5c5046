"""The join of submissions and deliveries: by host and queue id, within the id's life.

Queue ids are used again. A life begins when an account hands in a message and ends when the queue manager
removes it; a delivery belongs to the life that it falls into, or to no account at all. A message that comes back
from a content filter has a life of another id, and stays the same message: the one of its first id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

import polars as pl

from responder.events.account import Names, canonical
from responder.events.domain import registrable
from responder.events.event import EVENTS, Kind
from responder.formats.format import Parsed, Schema
from responder.formats.losses import no_losses

KEY = ["host", "queue_id"]
OF_MESSAGE: Schema = {
    "account": pl.String,
    "client_ip": pl.String,
    "message": pl.String,
    "since": pl.Datetime("us"),
}
"""What is known of a message: who handed it in, from where, its first id, and when."""

OPEN: Schema = {"host": pl.String, "queue_id": pl.String, **OF_MESSAGE}
"""Messages still in a queue after the lines read so far."""

QUEUE_LIFE = timedelta(days=10)
"""So long after it was handed in a message is believed to be in a queue where no line says that it left: servers
give up after four or five days, and then may try to return it for as long."""

col = pl.col


def nothing_open() -> pl.DataFrame:
    """The state before the first line."""
    return pl.DataFrame(schema=OPEN)


@dataclass(frozen=True, slots=True)
class Joined:
    """What one run of lines says when read by itself; ``settled`` adds what was open before it.

    ``deliveries`` have what is known of their message; ``unresolved`` ones belong to a life that began in earlier
    lines, or to none: that of ``origin`` where it is given, else that of their own id. ``last`` is the last mark
    of each message id that these lines speak of, with ``origin`` where its account is still to be found.
    """

    parsed: Parsed
    source: str
    deliveries: pl.DataFrame
    unresolved: pl.DataFrame
    last: pl.DataFrame

    def asked(self) -> pl.DataFrame:
        """Host and queue id of the earlier messages that these lines speak of."""
        late = self.unresolved.select("host", queue_id=pl.coalesce("origin", "queue_id"))
        back = self.last.filter(col.origin.is_not_null()).select("host", queue_id="origin")
        return pl.concat([late, back]).unique()


def join(parsed: Parsed, source: str, names: Names | str | None) -> Joined:
    """Joins within one run of lines; several can be joined side by side.

    Accounts are canonical from here on, by the site's ``names``, or its own domain alone.
    """
    account = canonical(col.account, names)
    parsed = replace(
        parsed, starts=parsed.starts.with_columns(account), logins=parsed.logins.with_columns(account)
    )
    rest = {"origin": pl.lit(None, pl.String), "known": pl.lit(True)}
    starts = parsed.starts.select_seq(
        "line", *KEY, "account", "client_ip", message="queue_id", since="time", **rest
    )
    ends = parsed.ends.select_seq("line", *KEY, **NOTHING, **rest)
    marks = pl.concat([starts, ends]).sort("line")
    if len(parsed.links):
        marks = _with_links(marks, parsed.links)
    joined = parsed.deliveries.join_asof(marks, on="line", by=KEY, check_sortedness=False)
    known = joined["known"].is_not_null() & joined["origin"].is_null()
    last = marks.unique(KEY, keep="last", maintain_order=False)
    return Joined(
        parsed,
        source,
        joined.select_seq(pl.exclude("known", "origin")).filter(known),
        joined.select_seq(pl.exclude("known", *OF_MESSAGE)).filter(~known),
        last.select_seq(pl.exclude("line", "known")),
    )


NOTHING = {name: pl.lit(None, kind) for name, kind in OF_MESSAGE.items()}


def _with_links(marks: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """``marks`` and those of messages that came back from a filter, which are the message of their origin.

    Where these lines do not tell of the origin, ``origin`` stays. A ``late`` link, when these lines tell of no
    earlier life of the id, holds from their beginning.
    """
    own = marks.select("line", *KEY, before=pl.lit(True))
    links = links.sort("line").join_asof(own, on="line", by=KEY, check_sortedness=False)
    begins = pl.when(col.late & col.before.is_null()).then(pl.lit(0, pl.UInt64)).otherwise(col.line)
    pending = links.select(
        begins.alias("line"), *KEY, **NOTHING, origin="origin", known=pl.lit(True), asked="line"
    )
    for _ in range(FILTERS):
        every = pl.concat([marks, pending.drop("asked")]).sort("line", maintain_order=True)
        of = every.rename({"queue_id": "id_of", "origin": "origin_of", "line": "line_of"})
        pending = (
            pending.sort("asked")
            .join_asof(
                of,
                left_on="asked",
                right_on="line_of",
                by_left=["host", "origin"],
                by_right=["host", "id_of"],
                suffix="_of",
                coalesce=False,
                allow_exact_matches=False,
                check_sortedness=False,
            )
            .select(
                "line",
                *KEY,
                *(pl.coalesce(name, f"{name}_of") for name in OF_MESSAGE),
                origin=pl.when(col.known_of.is_null()).then(col.origin).otherwise(col.origin_of),
                known="known",
                asked=pl.coalesce("line_of", "asked"),
            )
        )
    return pl.concat([marks, pending.drop("asked")]).sort("line", maintain_order=True)


FILTERS = 5
"""Rounds, each of which follows a message through twice as many filters within one run of lines: 32 in all."""


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one run of lines, by kind; ``deliveries`` have what is known of their message.

    ``losses``: what is missing in these lines, or between them and those before.
    """

    source: str
    submissions: pl.DataFrame
    deliveries: pl.DataFrame
    logins: pl.DataFrame
    losses: pl.DataFrame = field(default_factory=no_losses)

    def flat(self) -> pl.DataFrame:
        """The events in the order of their lines, as one table (see ``EVENTS``), with text where it was kept."""
        columns = [*EVENTS, *(["text"] if "text" in self.deliveries.columns else [])]
        kinds = {
            Kind.LOSS: self.losses,
            Kind.SUBMISSION: self.submissions,
            Kind.DELIVERY: self.deliveries,
            Kind.LOGIN: self.logins,
        }
        some = {kind: frame for kind, frame in kinds.items() if len(frame)} or kinds
        return pl.concat([_filled(frame, kind, self.source, columns) for kind, frame in some.items()]).sort(
            "line", maintain_order=True
        )


def merged(parts: Iterable[Part]) -> list[Part]:
    """Parts that follow one another in one source as one part, which is quicker to work on."""
    return [
        Part(
            source,
            pl.concat([part.submissions for part in these]),
            pl.concat([part.deliveries for part in these]),
            pl.concat([part.logins for part in these]),
            pl.concat([part.losses for part in these]),
        )
        for source, group in groupby(parts, key=lambda part: part.source)
        for these in (list(group),)
    ]


@dataclass(frozen=True, slots=True)
class Change:
    """What some lines change in the open messages: ids (host, queue_id) that are free again, or used anew."""

    closed: pl.DataFrame
    opened: pl.DataFrame

    def of(self, open_: pl.DataFrame) -> pl.DataFrame:
        """The messages open after the lines, of those that were open before."""
        return pl.concat([open_.join(self.closed, on=KEY, how="anti"), self.opened])


def settled(joined: Joined, open_: pl.DataFrame) -> tuple[Part, Change]:
    """The events of the lines, and what they change; of the open messages only those ``asked`` for are needed."""
    late, last = _of_origin(joined.unresolved, open_), joined.last
    if (asked := last["origin"].is_not_null()).any():
        found = _of_origin(last.filter(asked).drop(*OF_MESSAGE), open_)
        last = pl.concat([last.filter(~asked), found.select(last.columns)])
    last = last.select_seq(list(OPEN))
    deliveries = pl.concat([joined.deliveries, late.select_seq(joined.deliveries.columns)])
    part = Part(joined.source, joined.parsed.starts, deliveries, joined.parsed.logins)
    return part, Change(last.select_seq(KEY), last.filter(last["account"].is_not_null()))


def with_open(joined: Joined, open_: pl.DataFrame) -> tuple[Part, pl.DataFrame]:
    """The events of the lines, and the messages open after them, without those that no queue holds any more."""
    part, change = settled(joined, open_)
    still = change.of(open_)
    newest = still["since"].max()
    if isinstance(newest, datetime):
        still = still.filter(still["since"] > newest - QUEUE_LIFE)
    return part, still


def _of_origin(frame: pl.DataFrame, open_: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with what is known of the open message that each row belongs to, null where there is none."""
    return frame.with_columns(origin=pl.coalesce("origin", "queue_id")).join(
        open_,
        left_on=["host", "origin"],
        right_on=KEY,
        how="left",
        maintain_order="left",
    )


def _filled(frame: pl.DataFrame, kind: Kind, source: str, columns: list[str]) -> pl.DataFrame:
    """``frame`` with every column of the events table."""
    given = {"kind": pl.lit(kind.value), "source": pl.lit(source)}
    if kind in (Kind.SUBMISSION, Kind.DELIVERY):
        first = "message" if "message" in frame.columns else "queue_id"
        given["message"] = pl.coalesce(first, "queue_id")
    if kind is Kind.DELIVERY:
        given_address = frame.select(pl.coalesce("original", "recipient")).to_series()
        domain = given_address.str.extract(r"@([^@]*)$")
        given |= {"recipient_domain": pl.lit(registrable(domain))}
    return frame.select(
        given.get(
            name, col(name) if name in frame.columns else pl.lit(None, EVENTS.get(name, pl.String))
        ).alias(name)
        for name in columns
    )
