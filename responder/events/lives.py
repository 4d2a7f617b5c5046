"""The join of submissions and deliveries: by host and queue id, within the id's life.

Queue ids are used again. A life begins when an account hands in a message and ends when the queue manager
removes it; a delivery belongs to the life that it falls into, or to no account at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from responder.events.event import EVENTS, Kind
from responder.formats.format import Parsed

KEY = ["host", "queue_id"]
OPEN = {"host": pl.String, "queue_id": pl.String, "account": pl.String, "client_ip": pl.String}
"""Messages still in a queue after the lines read so far."""

col = pl.col


def nothing_open() -> pl.DataFrame:
    """The state before the first line."""
    return pl.DataFrame(schema=OPEN)


@dataclass(frozen=True, slots=True)
class Joined:
    """What one run of lines says when read by itself; ``with_open`` adds what was open before it."""

    parsed: Parsed
    source: str
    deliveries: pl.DataFrame  # with account and client_ip
    unresolved: pl.DataFrame  # whose life began in earlier lines, or never
    last: pl.DataFrame  # the last mark of each message id that these lines speak of


def join(parsed: Parsed, source: str) -> Joined:
    """Joins within one run of lines; several can be joined side by side."""
    starts = parsed.starts.select("line", *KEY, "account", "client_ip", known=pl.lit(True))
    ends = parsed.ends.select(
        "line", *KEY, account=pl.lit(None, pl.String), client_ip=pl.lit(None, pl.String), known=pl.lit(True)
    )
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


def with_open(joined: Joined, open_: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events of the lines in order, and the messages open after them."""
    late = joined.unresolved.join(open_, on=KEY, how="left", maintain_order="left")
    still = pl.concat([open_.join(joined.last, on=KEY, how="anti"), joined.last.filter(col.account.is_not_null())])
    columns = [*EVENTS, *(["text"] if "text" in joined.parsed.deliveries.columns else [])]
    events = pl.concat(
        [
            _filled(joined.deliveries, Kind.DELIVERY, joined.source, columns),
            _filled(late, Kind.DELIVERY, joined.source, columns),
            _filled(joined.parsed.starts, Kind.SUBMISSION, joined.source, columns),
            _filled(joined.parsed.logins, Kind.LOGIN, joined.source, columns),
        ]
    ).sort("line")
    return events, still


def _filled(frame: pl.DataFrame, kind: Kind, source: str, columns: list[str]) -> pl.DataFrame:
    """``frame`` with every column of the events table."""
    given = {"kind": pl.lit(kind.value), "source": pl.lit(source)}
    return frame.select(
        given.get(name, col(name) if name in frame.columns else pl.lit(None, EVENTS.get(name, pl.String))).alias(name)
        for name in columns
    )
