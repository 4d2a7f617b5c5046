"""The other names of accounts, kept for when the directory that knows them is away."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from responder.errors import ResponderError
from responder.state.database import SCHEMA
from responder.state.tables import aliases


def kept(connection: Connection) -> dict[str, str]:
    """The account of every other name."""
    return {row.name: row.account for row in connection.execute(select(aliases))}


def keep(connection: Connection, accounts: Mapping[str, str]) -> int:
    """Puts these in the place of those that were kept; returns how many names are of another account than before."""
    before = kept(connection)
    gone = [{"gone": name} for name in before.keys() - accounts.keys()]
    new = [
        {"name": name, "account": account}
        for name, account in accounts.items()
        if before.get(name) != account
    ]
    if gone:
        connection.execute(aliases.delete().where(aliases.c.name == bindparam("gone")), gone)
    if new:
        add = insert(aliases)
        connection.execute(
            add.on_conflict_do_update(index_elements=["name"], set_={"account": add.excluded.account}), new
        )
    return len(gone) + len(new)


def read_kept(path: Path) -> dict[str, str]:
    """The same from the database at ``path``, none where there is no database yet; nothing is written there.

    Raises ResponderError when it cannot be read or is of another version.
    """
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as state:
            [version] = state.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA:
                raise ResponderError(f"{path}: is of version {version}, this responder knows {SCHEMA}")
            return dict(state.execute("SELECT name, account FROM aliases"))
    except sqlite3.Error as error:
        raise ResponderError(f"{path}: cannot be read: {error}") from error
