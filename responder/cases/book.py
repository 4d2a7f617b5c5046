"""Cases in the state database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from responder.audit.trail import Trail
from responder.cases.case import Case
from responder.clock import Clock
from responder.confirmation.evidence import doubt
from responder.decisions.decision import Decision, Kind
from responder.decisions.policy import Policy
from responder.detections.detection import Family, Severity
from responder.detections.hit import Hit
from responder.state.tables import cases, decisions, hits, runs

ACTOR = "policy"
CLOSED = "case:account:closed"


class StateBook:
    """A book in one transaction of the state database.

    ``act`` is called for each decision that is carried out at once, with the connection, the case and the
    decision's id, so that the run is written in the same transaction.
    """

    def __init__(
        self,
        connection: Connection,
        trail: Trail,
        policy: Policy,
        clock: Clock,
        act: Callable[[Connection, Case, int, Kind], object],
    ) -> None:
        self._connection, self._trail, self._policy, self._act = connection, trail, policy, act
        self._now = clock.now()

    def find(self, account: str) -> Case | None:
        """The open case of an account, or None."""
        row = self._connection.execute(
            select(cases).where(cases.c.account == account, cases.c.closed_at.is_(None))
        ).first()
        return read_case(self._connection, row.id) if row else None

    def open(self, hit: Hit) -> Case:
        """Opens a case with its first hit."""
        result = self._connection.execute(
            cases.insert().values(account=hit.account, opened_at=self._now, last_hit_at=hit.at)
        )
        case_id = result.inserted_primary_key[0]  # type: ignore[index]
        self._trail.record(
            self._connection, "detection", "case:account:opened", account=hit.account, case_id=case_id
        )
        return self.add(Case(case_id, hit.account, self._now, hit.at, (), None), hit)

    def add(self, case: Case, hit: Hit) -> Case:
        """Adds a hit, with the doubts about it."""
        row = {**asdict(hit), "window_seconds": hit.window, "doubt": doubt(hit), "lines": list(hit.lines)}
        for extra in ("account", "window", "usual", "confirms", "missing"):
            row.pop(extra)
        row["figures"] = {"now": hit.figures, "usual": hit.usual, "missing": list(hit.missing)}
        self._connection.execute(hits.insert().values(case_id=case.id, **row))
        self._trail.record(
            self._connection,
            "detection",
            "detection:account:hit",
            account=case.account,
            case_id=case.id,
            detail={
                "detection": hit.detection,
                "family": hit.family,
                "figures": hit.figures,
                "at": hit.at.isoformat(),
            },
        )
        self._connection.execute(
            cases.update()
            .where(cases.c.id == case.id, cases.c.last_hit_at < hit.at)
            .values(last_hit_at=hit.at)
        )
        return replace(case, hits=(*case.hits, hit), last_hit_at=max(case.last_hit_at, hit.at))

    def close(self, case: Case, at: datetime, outcome: str, missing: tuple[str, ...] = ()) -> None:
        """Closes a case; what waits in it is no longer asked."""
        close_case(self._connection, self._trail, ACTOR, case.id, case.account, at, outcome, missing)

    def contained_since(self, since: datetime) -> int:
        """How many accounts were contained without a person since then."""
        return int(
            self._connection.execute(
                select(func.count())
                .select_from(decisions)
                .where(
                    decisions.c.kind == Kind.CONTAIN,
                    decisions.c.at > since,
                    decisions.c.decided_by == ACTOR,
                    decisions.c.state == "acted",
                )
            ).scalar_one()
        )

    def decide(self, case: Case, at: datetime, decision: Decision) -> None:
        """Writes a decision, and begins its run when it is to be carried out."""
        self._connection.execute(
            decisions.update()
            .where(decisions.c.case_id == case.id, decisions.c.state == "waiting")
            .values(state="superseded")
        )
        states = {Kind.OBSERVE: "recorded", Kind.QUEUE: "waiting"}
        values: dict[str, Any] = {
            "case_id": case.id,
            "at": self._now,  # not the moment that was judged, which may be long ago after an outage
            "kind": decision.kind,
            "proposed": decision.proposed,
            "reasons": list(decision.reasons),
            "policy": self._policy.hash,
            "state": states.get(decision.kind, "acted"),
            "decided_by": ACTOR,
        }
        result = self._connection.execute(decisions.insert().values(**values))
        decision_id = result.inserted_primary_key[0]  # type: ignore[index]
        self._trail.record(
            self._connection,
            ACTOR,
            f"policy:case:{decision.kind}",
            account=case.account,
            case_id=case.id,
            decision_id=decision_id,
            detail={
                "reasons": list(decision.reasons),
                "policy": self._policy.hash,
                "proposed": decision.proposed,
            },
        )
        if values["state"] == "acted":
            self._act(self._connection, case, decision_id, decision.kind)


def read_case(connection: Connection, case_id: int) -> Case | None:
    """The case of that id with its hits, or None."""
    row = connection.execute(select(cases).where(cases.c.id == case_id)).first()
    if row is None:
        return None
    found = connection.execute(select(hits).where(hits.c.case_id == case_id).order_by(hits.c.id)).all()
    last = connection.execute(
        select(decisions.c.proposed)
        .where(decisions.c.case_id == case_id)
        .order_by(decisions.c.id.desc())
        .limit(1)
    ).scalar()
    return Case(
        row.id,
        row.account,
        row.opened_at,
        row.last_hit_at,
        tuple(
            Hit(
                row.account,
                hit.detection,
                Family(hit.family),
                Severity(hit.severity),
                hit.at,
                hit.window_seconds,
                hit.figures["now"],
                usual=hit.figures["usual"],
                lines=tuple(hit.lines),
                missing=tuple(hit.figures.get("missing", ())),
            )
            for hit in found
        ),
        Kind(last) if last else None,
    )


def close_case(
    connection: Connection,
    trail: Trail,
    actor: str,
    case_id: int,
    account: str,
    at: datetime,
    outcome: str,
    missing: tuple[str, ...] = (),
) -> None:
    """Closes a case; what still waits in it is no longer asked. The trail keeps what is ``missing`` in its end."""
    connection.execute(cases.update().where(cases.c.id == case_id).values(closed_at=at, outcome=outcome))
    connection.execute(
        decisions.update()
        .where(decisions.c.case_id == case_id, decisions.c.state == "waiting")
        .values(state="superseded")
    )
    trail.record(
        connection,
        actor,
        CLOSED,
        account=account,
        case_id=case_id,
        detail={"outcome": outcome, **({"missing": list(missing)} if missing else {})},
    )


def restore_case(connection: Connection, trail: Trail, clock: Clock, run_id: int, actor: str) -> None:
    """Closes the case of a run that was taken back: nothing before that counts against the account again."""
    row = connection.execute(
        select(cases).join(runs, runs.c.case_id == cases.c.id).where(runs.c.id == run_id)
    ).first()
    if row is not None and row.closed_at is None:
        close_case(connection, trail, actor, row.id, row.account, clock.now(), "restored")


def settled(connection: Connection, quiet: timedelta) -> dict[tuple[str, str], datetime]:
    """Until when the hits of open cases are settled, by account and detection."""
    rows = connection.execute(
        select(cases.c.account, hits.c.detection, hits.c.at)
        .join(cases, cases.c.id == hits.c.case_id)
        .where(cases.c.closed_at.is_(None))
    )
    return {(row.account, row.detection): row.at + quiet for row in rows}


def floors(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Accounts whose case a person ended since ``since``: nothing before that end counts against them again."""
    rows = connection.execute(
        select(cases.c.account, func.max(cases.c.closed_at).label("floor"))
        .where(cases.c.closed_at > since, cases.c.outcome.in_(("denied", "restored")))
        .group_by(cases.c.account)
    )
    return {row.account: row.floor for row in rows}
