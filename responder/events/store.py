"""The event store: a port of few verbs, and DuckDB behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

from responder.errors import ResponderError
from responder.events.home import Home
from responder.events.lives import OPEN, Change
from responder.events.privacy import hashed, without_recipients, without_secrets
from responder.sources.position import Position


@dataclass(frozen=True, slots=True)
class Figures:
    """What is asked of a window, by name: ``aggregates`` over its events ``e``, and what is ``made_of`` those."""

    aggregates: dict[str, str]
    made_of: dict[str, str] = field(default_factory=dict)

    def selected(self) -> str:
        """The aggregates as columns of a SELECT."""
        return "".join(f', {sql} AS "{name}"' for name, sql in self.aggregates.items())

    def made(self) -> str:
        """What is made of them, as columns of a SELECT around."""
        return "".join(f', {sql} AS "{name}"' for name, sql in self.made_of.items())


class EventStore(Protocol):
    """What the rest asks of a store of events; times are UTC without zone, as in the events table."""

    def add(self, events: pl.DataFrame, change: Change | None, positions: list[Position]) -> int: ...

    def open_messages(self, asked: pl.DataFrame) -> pl.DataFrame: ...

    def webmail_logins(self, accounts: list[str], since: datetime) -> pl.DataFrame: ...

    def positions(self) -> dict[str, Position]: ...

    def last_number(self) -> int: ...

    def first_time(self) -> datetime | None: ...

    def touched(self, after: int, upto: int) -> pl.DataFrame: ...

    def measure(self, probes: pl.DataFrame, seconds: int, figures: Figures) -> pl.DataFrame: ...

    def usual(self, probes: pl.DataFrame, seconds: int, days: int, figures: Figures) -> pl.DataFrame: ...

    def lines(self, account: str, since: datetime, until: datetime, limit: int) -> list[str]: ...

    def losses(self, since: datetime, until: datetime) -> pl.DataFrame: ...

    def purge(self, before: datetime, in_queue_since: datetime) -> int: ...


SCHEMA = 3
"""Raised with every change of the tables; a file of another number is refused, never guessed at."""

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    number BIGINT, kind VARCHAR, time TIMESTAMP, host VARCHAR, queue_id VARCHAR, account VARCHAR,
    client_ip VARCHAR, network VARCHAR, country VARCHAR, asn UINTEGER, recipient UBIGINT, original UBIGINT,
    recipient_domain VARCHAR, external BOOLEAN, outcome VARCHAR, dsn VARCHAR, success BOOLEAN, service VARCHAR,
    source VARCHAR, line UBIGINT, lost UBIGINT, reason VARCHAR, silent_since TIMESTAMP, text VARCHAR, copy UBIGINT);
CREATE TABLE IF NOT EXISTS open_messages (
    host VARCHAR, queue_id VARCHAR, account VARCHAR, client_ip VARCHAR, message VARCHAR, since TIMESTAMP);
CREATE TABLE IF NOT EXISTS positions (
    source VARCHAR PRIMARY KEY, fingerprint VARCHAR, fingerprint_length BIGINT, byte_offset BIGINT, line BIGINT,
    newest TIMESTAMP, carried VARCHAR);
"""


EVENT = "* EXCLUDE (message), hash(host, message, coalesce(original, recipient)) AS copy"
"""One recipient that the sender gave of one message is one copy: a retry has the same, and so has what a content filter
hands back, and each member of an alias."""

MEMORY = "256MB"
"""What a store in a file may take of it: without a limit it keeps blocks until most of the machine's is its own."""

SAME_ID = "o.host = c.host AND o.queue_id = c.queue_id"


class DuckDBStore:
    """Events in one DuckDB file, or in memory when ``path`` is None; ``key`` hashes recipients.

    ``home`` tells inside from outside.
    """

    def __init__(self, path: Path | None, key: bytes, home: Home | None = None) -> None:
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = duckdb.connect(str(path) if path else ":memory:")
        except (duckdb.Error, OSError) as error:
            raise ResponderError(
                f"{path}: the event store cannot be opened (does another responder have it open?): "
                f"{str(error).splitlines()[0]}"
            ) from error
        self._key = key
        self._home = home or Home()
        self._lock = threading.RLock()
        self._last: int | None = None
        self._refuse_other_schema(path)
        settings = ["SET TimeZone = 'UTC'", *([f"SET memory_limit = '{MEMORY}'"] if path else [])]
        for statement in (*settings, *TABLES.split(";")):
            if statement.strip():
                self._do(statement)

    def _refuse_other_schema(self, path: Path | None) -> None:
        self._do("CREATE TABLE IF NOT EXISTS about (schema_number INTEGER)")
        found = self._do("SELECT schema_number FROM about")
        if not found:
            self._do("INSERT INTO about VALUES (?)", [SCHEMA])
        elif found[0][0] != SCHEMA:
            raise ResponderError(
                f"{path}: is an event store of version {found[0][0]}, this responder knows {SCHEMA}; "
                "use the release that wrote it, or move it away: the logs are read again from their beginning"
            )

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()

    def add(self, events: pl.DataFrame, change: Change | None, positions: list[Position]) -> int:
        """Adds events, what they change in the open messages and how far each source was read, all or nothing.

        Returns the number of the last event.
        """
        kept = self._kept(events) if len(events) else None
        with self._lock:
            with self._transaction():
                last = self.last_number()
                if kept is not None:
                    kept = kept.with_row_index("number", offset=last + 1)
                    self._insert("events", kept, EVENT)
                    last += len(kept)
                if change is not None:
                    self._close(change.closed)
                    self._insert("open_messages", change.opened.select(list(OPEN)))
                for at in positions:
                    self._do(
                        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?, ?)",
                        list(astuple(at)),
                    )
            self._last = last
        return last

    def _kept(self, events: pl.DataFrame) -> pl.DataFrame:
        """The rows as they are kept: with what tells inside from outside, and hashes in the place of recipients."""
        text = (
            without_secrets(without_recipients(events["text"], events["kind"]))
            if "text" in events.columns
            else pl.lit(None, pl.String)
        )
        origins = self._home.origins(events["client_ip"])
        return events.join(origins, on="client_ip", how="left", maintain_order="left").with_columns(
            external=self._home.outside(events["recipient_domain"]),
            recipient=hashed(events["recipient"], self._key),
            original=hashed(events["original"], self._key),
            text=text,
        )

    def _insert(self, table: str, frame: pl.DataFrame, columns: str = "*") -> None:
        if len(frame):
            with self._registered("incoming", frame):
                self._do(f"INSERT INTO {table} BY NAME SELECT {columns} FROM incoming")

    def _close(self, ids: pl.DataFrame) -> None:
        if len(ids):
            with self._registered("closed", ids):
                self._do(f"DELETE FROM open_messages o USING closed c WHERE {SAME_ID}")

    @contextmanager
    def _registered(self, name: str, frame: pl.DataFrame) -> Iterator[None]:
        """The frame as a table, within the block."""
        self._connection.register(name, frame)
        try:
            yield
        finally:
            self._connection.unregister(name)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def open_messages(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Those of the messages ``asked`` for (host, queue_id; each once) that are still in a queue."""
        if not len(asked):
            return pl.DataFrame(schema=OPEN)
        found = self._frame(f"SELECT o.* FROM open_messages o JOIN asked c ON {SAME_ID}", asked=asked)
        return found.cast(OPEN)  # type: ignore[arg-type]

    def webmail_logins(self, accounts: list[str], since: datetime) -> pl.DataFrame:
        """Successful logins of the accounts to webmail after ``since``: columns account, time, client_ip."""
        return self._frame(
            "SELECT account, time, client_ip FROM events WHERE kind = 'login' AND service = 'webmail' AND success "
            "AND client_ip IS NOT NULL AND time > ? AND account IN (SELECT unnest(?))",
            [since, accounts],
        )

    def positions(self) -> dict[str, Position]:
        """How far each source was read."""
        with self._lock:
            rows = self._do("SELECT * FROM positions")
        return {row[0]: Position(*row) for row in rows}

    def last_number(self) -> int:
        """The number of the newest event, 0 when there is none."""
        with self._lock:
            if self._last is None:
                self._last = int(self._do("SELECT coalesce(max(number), 0) FROM events")[0][0])
            return self._last

    def first_time(self) -> datetime | None:
        """The time of the oldest event, None when there is none."""
        with self._lock:
            first: datetime | None = self._do("SELECT min(time) FROM events")[0][0]
        return first

    def touched(self, after: int, upto: int) -> pl.DataFrame:
        """Accounts and times of the events numbered in (after, upto]: columns account, time."""
        return self._frame(
            "SELECT DISTINCT account, time FROM events "
            "WHERE number > ? AND number <= ? AND account IS NOT NULL AND kind <> 'login'",
            [after, upto],
        )

    def measure(self, probes: pl.DataFrame, seconds: int, figures: Figures) -> pl.DataFrame:
        """Figures of accounts at instants.

        ``probes``: account, at, floor (null, or an instant before which nothing counts). Returns account, at
        and a column a figure, of the events with ``at - seconds < time <= at``; accounts without are left out.
        """
        floor = "coalesce(p.floor, TIMESTAMP '1970-01-01')"
        return self._frame(
            f'SELECT *{figures.made()} FROM (SELECT p.account, p."at"{figures.selected()} '
            "FROM probes p JOIN events e ON e.account = p.account "
            f'AND e.time > greatest(p."at" - INTERVAL {int(seconds)} SECOND, {floor}) AND e.time <= p."at" '
            f'WHERE e.time > (SELECT min("at") FROM probes) - INTERVAL {int(seconds)} SECOND '
            'GROUP BY p.account, p."at")',
            probes=probes,
        )

    def usual(self, probes: pl.DataFrame, seconds: int, days: int, figures: Figures) -> pl.DataFrame:
        """The highest value of each figure in any window of ``seconds`` of the account's own past.

        The past is the ``days`` days that end one day before ``at``. Returns account, at and a column a figure.
        """
        names = (*figures.aggregates, *figures.made_of)
        highest = "".join(f', max("{name}") AS "{name}"' for name in names)
        return self._frame(
            f'SELECT account, "at"{highest} FROM (SELECT *{figures.made()} FROM ('
            f'SELECT p.account, p."at"{figures.selected()} '
            "FROM probes p JOIN events e ON e.account = p.account "
            f'AND e.time > p."at" - INTERVAL {int(days)} DAY AND e.time <= p."at" - INTERVAL 1 DAY '
            f'GROUP BY p.account, p."at", time_bucket(INTERVAL {int(seconds)} SECOND, e.time))) GROUP BY ALL',
            probes=probes,
        )

    def lines(self, account: str, since: datetime, until: datetime, limit: int) -> list[str]:
        """The account's log lines in (since, until], a spread of at most ``limit``, recipients left out."""
        frame = self._frame(
            "SELECT text FROM events WHERE account = ? AND time > ? AND time <= ? AND text IS NOT NULL ORDER BY number",
            [account, since, until],
        )
        step = max(1, -(-len(frame) // limit))
        return [str(text) for text in frame["text"].gather_every(step).to_list()]

    def losses(self, since: datetime, until: datetime) -> pl.DataFrame:
        """What is missing in (since, until]: columns of ``LOSSES`` and source, in order of time."""
        return self._frame(
            "SELECT source, line, time, host, lost, reason, silent_since FROM events WHERE kind = 'loss' "
            "AND time > ? AND (time <= ? OR silent_since < ?) ORDER BY time, number",
            [since, until, until],
        )

    def purge(self, before: datetime, in_queue_since: datetime) -> int:
        """Forgets events older than ``before``, and open messages than ``in_queue_since``; returns how many events."""
        with self._lock:
            self._do("DELETE FROM open_messages WHERE since < ?", [in_queue_since])
            return int(self._do("DELETE FROM events WHERE time < ?", [before])[0][0])

    def _do(self, sql: str, parameters: list[object] | None = None) -> list[Any]:
        """Runs one statement to its end; DuckDB takes no other before."""
        return self._connection.execute(sql, parameters or []).fetchall()

    def _frame(
        self, sql: str, parameters: list[object] | None = None, **tables: pl.DataFrame
    ) -> pl.DataFrame:
        """What the query finds, where ``tables`` are tables too."""
        with self._lock, ExitStack() as stack:
            for name, frame in tables.items():
                stack.enter_context(self._registered(name, frame))
            table = self._connection.sql(sql, params=parameters or None).to_arrow_table()
        return pl.DataFrame(pl.from_arrow(table))
