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
from responder.events.domain import registrable
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
    lines, or to none: that of ``origin`` where it is given, else that of their own id. ``last`` is the last mark
    of each message id that these lines speak of, with ``origin`` where its account is still to be found.
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
    columns = {"origin": none, "known": pl.lit(True)}
    starts = parsed.starts.select("line", *KEY, "account", "client_ip", **columns)
    ends = parsed.ends.select("line", *KEY, account=none, client_ip=none, **columns)
    marks = pl.concat([starts, ends]).sort("line")
    if len(parsed.links):
        marks = _with_links(marks, parsed.links)
    joined = parsed.deliveries.join_asof(marks, on="line", by=KEY, check_sortedness=False)
    known = joined["known"].is_not_null() & joined["origin"].is_null()
    return Joined(
        parsed,
        source,
        joined.filter(known).drop("known", "origin"),
        joined.filter(~known).drop("known", "account", "client_ip"),
        marks.unique(KEY, keep="last", maintain_order=False).drop("line", "known"),
    )


def _with_links(marks: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """``marks`` and those of messages that came back from a filter, which are of their origin's account.

    Where these lines do not tell the origin's account, ``origin`` stays. A ``late`` link, when these lines tell of
    no earlier life of the id, holds from their beginning.
    """
    own = marks.select("line", *KEY, before=pl.lit(True))
    links = links.sort("line").join_asof(own, on="line", by=KEY, check_sortedness=False)
    none = pl.lit(None, pl.String)
    begins = pl.when(col.late & col.before.is_null()).then(pl.lit(0, pl.UInt64)).otherwise(col.line)
    pending = links.select(
        begins.alias("line"),
        *KEY,
        account=none,
        client_ip=none,
        origin="origin",
        known=pl.lit(True),
        asked="line",
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
                account=pl.coalesce("account", "account_of"),
                client_ip=pl.coalesce("client_ip", "client_ip_of"),
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
    late = _of_origin(joined.unresolved, open_)
    last = _of_origin(joined.last.filter(col.origin.is_not_null()).drop("account", "client_ip"), open_)
    last = pl.concat([joined.last.filter(col.origin.is_null()).drop("origin"), last.select(list(OPEN))])
    still = pl.concat([open_.join(last, on=KEY, how="anti"), last.filter(col.account.is_not_null())])
    deliveries = pl.concat([joined.deliveries, late.select(joined.deliveries.columns)])
    return Part(joined.source, joined.parsed.starts, deliveries, joined.parsed.logins), still


def _of_origin(frame: pl.DataFrame, open_: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with account and client_ip of the open message that each row belongs to, null where there is none."""
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
    if kind is Kind.DELIVERY:
        domain = frame["recipient"].str.extract(r"@([^@]*)$")
        given |= {"recipient_domain": pl.lit(registrable(domain))}
    return frame.select(
        given.get(
            name, col(name) if name in frame.columns else pl.lit(None, EVENTS.get(name, pl.String))
        ).alias(name)
        for name in columns
    )
