"""The join of submissions and deliveries: by host and queue id, within the id's life.

Queue ids are used again. A life begins when an account hands in a message and ends when the queue manager
removes it; a delivery belongs to the life that it falls into, or to no account at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

import polars as pl

from responder.events.account import canonical
from responder.events.event import EVENTS, Kind
from responder.formats.format import Parsed, Schema

KEY = ["host", "queue_id"]
OPEN: Schema = {"host": pl.String, "queue_id": pl.String, "account": pl.String, "client_ip": pl.String}
"""Messages still in a queue after the lines read so far."""

col = pl.col


def nothing_open() -> pl.DataFrame:
    """The state before the first line."""
    return pl.DataFrame(schema=OPEN)


@dataclass(frozen=True, slots=True)
class Joined:
    """What one run of lines says when read by itself; ``with_open`` adds what was open before it.

    ``deliveries`` have their account and client_ip; ``unresolved`` ones belong to a life that began in earlier
    lines, or to none; ``last`` is the last mark of each message id that these lines speak of.
    """

    parsed: Parsed
    source: str
    deliveries: pl.DataFrame
    unresolved: pl.DataFrame
    last: pl.DataFrame


def join(parsed: Parsed, source: str, domain: str | None) -> Joined:
    """Joins within one run of lines; several can be joined side by side.

    Accounts are canonical from here on; ``domain`` is the site's own.
    """
    none = pl.lit(None, pl.String)
    account = canonical(col.account, domain)
    parsed = replace(
        parsed, starts=parsed.starts.with_columns(account), logins=parsed.logins.with_columns(account)
    )
    starts = parsed.starts.select("line", *KEY, "account", "client_ip", known=pl.lit(True))
    ends = parsed.ends.select("line", *KEY, account=none, client_ip=none, known=pl.lit(True))
    marks = pl.concat([starts, ends]).sort("line")
    joined = parsed.deliveries.join_asof(marks, on="line", by=KEY, check_sortedness=False)
    known = joined["known"].is_not_null()
    return Joined(
        parsed,
        source,
        joined.filter(known).drop("known"),
        joined.filter(~known).drop("known", "account", "client_ip"),
        marks.unique(KEY, keep="last", maintain_order=False).drop("line", "known"),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one run of lines, by kind; ``deliveries`` have their accounts, as far as they have one."""

    source: str
    submissions: pl.DataFrame
    deliveries: pl.DataFrame
    logins: pl.DataFrame

    def flat(self) -> pl.DataFrame:
        """The events in the order of their lines, as one table (see ``EVENTS``), with text where it was kept."""
        columns = [*EVENTS, *(["text"] if "text" in self.deliveries.columns else [])]
        kinds = {
            Kind.SUBMISSION: self.submissions,
            Kind.DELIVERY: self.deliveries,
            Kind.LOGIN: self.logins,
        }
        return pl.concat([_filled(frame, kind, self.source, columns) for kind, frame in kinds.items()]).sort(
            "line"
        )


def merged(parts: Iterable[Part]) -> list[Part]:
    """Parts that follow one another in one source as one part, which is quicker to work on."""
    return [
        Part(
            source,
            pl.concat([part.submissions for part in these]),
            pl.concat([part.deliveries for part in these]),
            pl.concat([part.logins for part in these]),
        )
        for source, group in groupby(parts, key=lambda part: part.source)
        for these in (list(group),)
    ]


def with_open(joined: Joined, open_: pl.DataFrame) -> tuple[Part, pl.DataFrame]:
    """The events of the lines, and the messages open after them."""
    late = joined.unresolved.join(open_, on=KEY, how="left", maintain_order="left")
    still = pl.concat(
        [open_.join(joined.last, on=KEY, how="anti"), joined.last.filter(col.account.is_not_null())]
    )
    deliveries = pl.concat([joined.deliveries, late.select(joined.deliveries.columns)])
    return Part(joined.source, joined.parsed.starts, deliveries, joined.parsed.logins), still


def _filled(frame: pl.DataFrame, kind: Kind, source: str, columns: list[str]) -> pl.DataFrame:
    """``frame`` with every column of the events table."""
    given = {"kind": pl.lit(kind.value), "source": pl.lit(source)}
    if kind is Kind.DELIVERY:
        given |= {"recipient_domain": col.recipient.str.extract(r"@([^@]*)$")}
    return frame.select(
        given.get(
            name, col(name) if name in frame.columns else pl.lit(None, EVENTS.get(name, pl.String))
        ).alias(name)
        for name in columns
    )
