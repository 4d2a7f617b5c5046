"""Opens the state database and makes its tables."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, text

from responder.errors import ResponderError
from responder.state.tables import marks, metadata

SCHEMA = 2
"""Raised with every change of the tables; a database of another number is refused, never guessed at."""

OWN_NUMBER = "own number"


def open_state(path: Path | None) -> Engine:
    """The engine of the SQLite database at ``path`` (None: in memory), with its tables made.

    Raises ResponderError when the file cannot be opened or is of another version.
    """
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResponderError(f"{path.parent}: cannot be made: {error.strerror}") from error
    engine = create_engine(f"sqlite:///{path}" if path else "sqlite://", connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version not in (0, SCHEMA):
            raise ResponderError(
                f"{path}: is of version {version}, this responder knows {SCHEMA}; use the release that wrote it"
            )
        if version == 0:
            metadata.create_all(connection)
            for table in ("audit",):
                for verb in ("UPDATE", "DELETE"):
                    connection.execute(
                        text(
                            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                        )
                    )
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")
    return engine


def own_number(state: Engine) -> int:
    """A number, below 16**6, that tells this database from others, drawn when it is first asked for.

    Case and run numbers begin at 1 in each: without it a second site, or a first one begun anew, would find the
    other's tickets at the desk and take them for its own.
    """
    with state.begin() as connection:
        number = connection.execute(select(marks.c.value).where(marks.c.name == OWN_NUMBER)).scalar()
        if number is None:
            number = secrets.randbelow(16**6)
            connection.execute(marks.insert().values(name=OWN_NUMBER, value=number))
    return int(number)


def _prepare(connection: Any, _record: Any) -> None:
    """Leaves transactions to the engine's BEGIN IMMEDIATE: a read that turns into a write never deadlocks."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
