"""The audit trail: append-only, chained by hash, with pseudonyms in the place of accounts."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from responder.clock import Clock
from responder.state.tables import audit, subjects

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: who (``actor``) did what (``tag``, ``source:subject:action``) to whom, and the details."""

    seq: int
    at: datetime
    actor: str
    tag: str
    account: str | None
    case_id: int | None
    decision_id: int | None
    run_id: int | None
    detail: dict[str, Any]
    hash: str


class Trail:
    """Writes and reads audit records.

    ``key`` is the site's secret key: a pseudonym is its keyed hash of the account, so that erasing the row in
    ``subjects`` leaves a chain that still verifies and names nobody.
    """

    def __init__(self, clock: Clock, key: bytes) -> None:
        self._clock = clock
        self._key = key

    def record(
        self,
        connection: Connection,
        actor: str,
        tag: str,
        *,
        account: str | None = None,
        case_id: int | None = None,
        decision_id: int | None = None,
        run_id: int | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Appends one record in the caller's transaction, so that it stands or falls with the change itself."""
        last = connection.execute(
            select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
        ).first()
        row: dict[str, Any] = {
            "seq": (last.seq if last else 0) + 1,
            "at": self._clock.now(),
            "actor": actor,
            "tag": tag,
            "subject": self._subject(connection, account) if account else None,
            "case_id": case_id,
            "decision_id": decision_id,
            "run_id": run_id,
            "detail": detail or {},
            "previous": last.hash if last else FIRST,
        }
        connection.execute(audit.insert().values(**row, hash=_digest(row)))

    def read(self, connection: Connection, **where: Any) -> Iterator[Record]:
        """The records in order, those whose columns equal ``where``."""
        query = (
            select(audit, subjects.c.account)
            .join(subjects, subjects.c.pseudonym == audit.c.subject, isouter=True)
            .order_by(audit.c.seq)
        )
        for column, value in where.items():
            query = query.where(audit.c[column] == value)
        for row in connection.execute(query):
            yield Record(
                row.seq,
                row.at,
                row.actor,
                row.tag,
                row.account or row.subject,
                row.case_id,
                row.decision_id,
                row.run_id,
                row.detail,
                row.hash,
            )

    def broken_at(self, connection: Connection) -> int | None:
        """The first record that does not follow from the one before it, or None when the chain holds."""
        previous, expected = FIRST, 1
        for row in connection.execute(select(audit).order_by(audit.c.seq)).mappings():
            values = {key: value for key, value in row.items() if key != "hash"}
            if row["seq"] != expected or row["previous"] != previous or row["hash"] != _digest(values):
                return int(row["seq"])
            previous, expected = row["hash"], expected + 1
        return None

    def _subject(self, connection: Connection, account: str) -> str:
        pseudonym = "p-" + hmac.digest(self._key, account.encode(), hashlib.sha256).hex()[:16]
        connection.execute(
            insert(subjects).values(pseudonym=pseudonym, account=account).on_conflict_do_nothing()
        )
        return pseudonym


def _digest(row: dict[str, Any]) -> str:
    """SHA-256 of the record's canonical JSON, the hash before it included."""
    plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}
    return hashlib.sha256(
        json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()
