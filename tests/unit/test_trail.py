"""The audit trail: append-only, chained, and silent about who it was once a name is erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import IntegrityError

from responder.audit.trail import FIRST, Trail
from responder.errors import ResponderError
from responder.state.database import open_state
from responder.state.tables import audit, subjects


class Ticking:
    """A clock that is a second later each time it is asked, from a whole second on."""

    def __init__(self) -> None:
        self.time = datetime(2025, 11, 24, 8, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    made = open_state(path)
    yield made
    made.dispose()


@pytest.fixture
def trail() -> Trail:
    return Trail(Ticking(), b"key")


@pytest.fixture
def written(engine: Engine, trail: Trail) -> Engine:
    """A database with five records, of two accounts and of none."""
    with engine.begin() as connection:
        for number, account in enumerate(["alice", "bob", "alice", None, "alice"]):
            trail.record(
                connection, "policy", "policy:case:queue", account=account, detail={"number": number}
            )
    return engine


def broken_at(engine: Engine, trail: Trail) -> int | None:
    with engine.connect() as connection:
        return trail.broken_at(connection)


def tampered(path: Path, *statements: str) -> None:
    """What somebody with the file in hands could do: the triggers away, then anything."""
    with sqlite3.connect(path) as raw:
        for verb in ("update", "delete"):
            raw.execute(f"DROP TRIGGER audit_no_{verb}")
        for statement in statements:
            raw.execute(statement)
    raw.close()


def test_a_record_is_read_back_as_it_was_written(engine, trail):
    """Who did what to whom, when, and the details."""
    with engine.begin() as connection:
        trail.record(
            connection,
            "person:root",
            "cli:run:undone",
            account="alice",
            case_id=1,
            decision_id=2,
            run_id=3,
            detail={"reasons": ["é", 1.5, None], "nested": {"a": True}},
        )
        (record,) = trail.read(connection)
    assert (record.seq, record.actor, record.tag, record.account) == (
        1,
        "person:root",
        "cli:run:undone",
        "alice",
    )
    assert (record.case_id, record.decision_id, record.run_id) == (1, 2, 3)
    assert record.at == datetime(2025, 11, 24, 8, 0, 1, tzinfo=UTC)
    assert record.detail == {"reasons": ["é", 1.5, None], "nested": {"a": True}}


def test_the_chain_holds_from_the_first_record_on(written, trail):
    """Each record has the hash of the one before it."""
    assert broken_at(written, trail) is None
    with written.connect() as connection:
        rows = connection.execute(audit.select().order_by(audit.c.seq)).all()
    assert [row.previous for row in rows] == [FIRST, *(row.hash for row in rows[:-1])]
    assert len({row.hash for row in rows}) == 5


def test_an_empty_trail_holds(engine, trail):
    """Nothing was done yet."""
    assert broken_at(engine, trail) is None


def test_records_of_one_thing_are_found(written, trail):
    """By any of their columns."""
    with written.begin() as connection:
        trail.record(connection, "policy", "policy:case:hold", account="bob", case_id=7)
        assert [record.seq for record in trail.read(connection, case_id=7)] == [6]
        assert [record.seq for record in trail.read(connection, tag="policy:case:queue", actor="policy")] == [
            1,
            2,
            3,
            4,
            5,
        ]


def test_a_record_stands_or_falls_with_what_it_is_about(written, trail):
    """It is part of the same transaction."""
    with pytest.raises(ZeroDivisionError), written.begin() as connection:
        trail.record(connection, "policy", "policy:case:hold")
        raise ZeroDivisionError
    with written.connect() as connection:
        assert len(list(trail.read(connection))) == 5
    assert broken_at(written, trail) is None


@pytest.mark.parametrize(
    "statement",
    [update(audit).values(actor="x"), update(audit).where(audit.c.seq == 2).values(detail={}), delete(audit)],
)
def test_the_database_itself_refuses_to_change_or_delete_a_record(written, trail, statement):
    """Whatever program asks."""
    with pytest.raises(IntegrityError, match="audit is append-only"), written.begin() as connection:
        connection.execute(statement)
    assert broken_at(written, trail) is None


def test_the_refusal_stands_for_other_programs_too(written, path):
    """It is the database's own, not the library's."""
    with sqlite3.connect(path) as raw, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute("DELETE FROM audit WHERE seq = 5")
    raw.close()


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'nobody'",
        "tag = 'policy:case:observe'",
        "detail = '{}'",
        "at = '2025-11-24T07:00:00.000000+00:00'",
        "subject = NULL",
        "case_id = 1",
        "decision_id = 1",
        "run_id = 1",
        f"previous = '{FIRST}'",
        f"hash = '{'1' * 64}'",
    ],
)
def test_a_record_that_was_changed_behind_the_database_s_back_is_found(written, trail, path, change):
    """Any column of it."""
    tampered(path, f"UPDATE audit SET {change} WHERE seq = 3")
    assert broken_at(written, trail) == 3


def test_a_record_that_was_taken_out_is_found(written, trail, path):
    """At the place where it is missing."""
    tampered(path, "DELETE FROM audit WHERE seq = 3")
    assert broken_at(written, trail) == 4


def test_a_record_that_was_taken_out_and_the_rest_moved_up_is_found(written, trail, path):
    """Numbers alone prove nothing."""
    tampered(path, "DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = seq - 1 WHERE seq > 3")
    assert broken_at(written, trail) == 3


def test_records_that_were_exchanged_are_found(written, trail, path):
    """Their order is part of the chain."""
    tampered(
        path,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    )
    assert broken_at(written, trail) == 2


def test_a_record_that_was_put_in_front_is_found(written, trail, path):
    """The chain begins where it began."""
    tampered(
        path,
        "INSERT INTO audit SELECT 0, at, actor, tag, subject, 9, 9, 9, detail, previous, 'x' FROM audit WHERE seq = 1",
    )
    assert broken_at(written, trail) == 0


def test_records_hold_no_account_in_clear(written):
    """Names stand in one table of their own."""
    with written.connect() as connection:
        rows = connection.execute(audit.select()).all()
        known = connection.execute(subjects.select().order_by(subjects.c.account)).all()
    assert [row.account for row in known] == ["alice", "bob"]
    assert {row.subject for row in rows if row.subject} == {row.pseudonym for row in known}
    assert "alice" not in str(rows)


def test_erasing_a_name_leaves_the_chain_whole(written, trail):
    """The record stays, about somebody whom nobody can name any more."""
    with written.begin() as connection:
        connection.execute(delete(subjects).where(subjects.c.account == "alice"))
        accounts = [record.account for record in trail.read(connection)]
    assert broken_at(written, trail) is None
    assert accounts[1] == "bob"
    assert accounts[3] is None
    assert len({accounts[0], accounts[2], accounts[4]}) == 1
    assert accounts[0].startswith("p-")
    assert "alice" not in accounts[0]


def test_a_pseudonym_cannot_be_told_without_the_key(engine):
    """It is a keyed hash: under another key another."""
    with engine.begin() as connection:
        for key in (b"key", b"another"):
            Trail(Ticking(), key).record(connection, "policy", "x:y:z", account=f"alice-{key.decode()}")
        one, other = connection.execute(subjects.select()).all()
    assert one.pseudonym != other.pseudonym


def test_the_chain_holds_when_the_database_is_opened_again(written, trail, path):
    """And goes on."""
    written.dispose()
    again = open_state(path)
    with again.begin() as connection:
        trail.record(connection, "policy", "policy:case:hold", account="alice")
    assert broken_at(again, trail) is None
    again.dispose()


def test_a_database_of_another_version_is_refused(path):
    """Never guessed at."""
    open_state(path).dispose()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(ResponderError, match=r"state\.sqlite: is of version 99, this responder knows \d+"):
        open_state(path)


details = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=("Cs",)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, texts, st.dictionaries(texts, details, max_size=3)), max_size=5))
def test_whatever_is_written_verifies(records):
    """Any account, any tag, any details: what is read back hashes as what was written."""
    engine, trail = open_state(None), Trail(Ticking(), b"key")
    with engine.begin() as connection:
        for account, tag, detail in records:
            trail.record(connection, "policy", tag, account=account or None, detail=detail)
        assert trail.broken_at(connection) is None
        assert [record.tag for record in trail.read(connection)] == [tag for _, tag, _ in records]
    engine.dispose()
