"""The tables of the state database.

Times are ISO-8601 text in UTC with microseconds, so that they sort as they are and read the same in every
database. Lists and mappings are JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as ISO-8601 text in UTC."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """As it is kept; raises ValueError for a time without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """As it is used."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("outcome", Text),  # why it was closed
    Column("last_hit_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
Index("one_open_case", cases.c.account, unique=True, sqlite_where=cases.c.closed_at.is_(None))

hits = Table(
    "hits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("detection", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("window_seconds", Integer, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("doubt", Text),  # what speaks against it, where something does
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("proposed", String(8), nullable=False),  # what the rules wanted before guards and caps
    Column("reasons", JSON, nullable=False),
    Column("policy", Text, nullable=False),  # content hash of the policy file
    Column("state", String(10), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("answered_by", Text),
    Column("answered_at", Instant),
    Column("comment", Text),
    CheckConstraint("kind in ('observe', 'queue', 'hold', 'contain')", name="decision_kind"),
    CheckConstraint(
        "state in ('recorded', 'acted', 'waiting', 'approved', 'denied', 'superseded')", name="decision_state"
    ),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("decision_id", ForeignKey("decisions.id"), nullable=False, unique=True),
    Column("playbook", Text, nullable=False),
    Column("playbook_hash", String(64), nullable=False),
    Column("playbook_text", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("undone_by", Text),
    CheckConstraint(
        "state in ('running', 'done', 'incomplete', 'stopped', 'undoing', 'undone')", name="run_state"
    ),
    sqlite_autoincrement=True,
)

steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("direction", String(4), nullable=False),
    Column("step", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reference", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("changes", JSON, nullable=False),  # what plan returned: before and after
    Column("outputs", JSON, nullable=False),  # what was read back
    Column("reason", Text),  # why it was skipped, failed or is uncertain
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),  # when it may be tried or looked at again; None: not by itself
    Column("intended_at", Instant, nullable=False),  # when the latest try began
    Column("ended_at", Instant),
    UniqueConstraint("run_id", "step", "direction", name="step_once"),
    CheckConstraint("direction in ('do', 'undo')", name="step_direction"),
    CheckConstraint(
        "state in ('intent', 'done', 'skipped', 'failed', 'uncertain', 'kept')", name="step_state"
    ),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("subject", Text),  # pseudonym of the account
    Column("case_id", Integer),
    Column("decision_id", Integer),
    Column("run_id", Integer),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

subjects = Table(
    "subjects",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("account", Text, nullable=False, unique=True),
)

switches = Table(
    "switches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("account", Text, nullable=False),
)
