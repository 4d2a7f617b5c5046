"""The kill switch: while it is on, nothing is written to any system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert

from responder.audit.trail import Trail
from responder.clock import Clock
from responder.errors import WritingPaused
from responder.state.tables import switches

NAME = "writing-paused"


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when writing is paused, by whom and why."""

    since: datetime
    actor: str
    reason: str


class Switch:
    """Kept in the state database, so that it holds for every process and over a restart."""

    def __init__(self, state: Engine, trail: Trail, clock: Clock) -> None:
        self._state = state
        self._trail = trail
        self._clock = clock

    def pause(self, actor: str, reason: str) -> Pause:
        """Stops all writing; when it is stopped already, the first pause stays."""
        with self._state.begin() as connection:
            if (there := self.paused(connection)) is not None:
                return there
            pause = Pause(self._clock.now(), actor, reason)
            connection.execute(
                insert(switches).values(name=NAME, since=pause.since, actor=actor, reason=reason)
            )
            self._trail.record(connection, actor, "switch:writing:pause", detail={"reason": reason})
        return pause

    def resume(self, actor: str) -> bool:
        """Lets writing go on; False when it was not paused."""
        with self._state.begin() as connection:
            there = self.paused(connection)
            if there is None:
                return False
            connection.execute(delete(switches).where(switches.c.name == NAME))
            detail = {"paused_by": there.actor, "paused_since": there.since.isoformat()}
            self._trail.record(connection, actor, "switch:writing:resume", detail=detail)
        return True

    def paused(self, connection: Connection) -> Pause | None:
        """The pause, None while writing is allowed."""
        row = connection.execute(select(switches).where(switches.c.name == NAME)).first()
        return Pause(row.since, row.actor, row.reason) if row else None

    def check(self, connection: Connection) -> None:
        """Raises WritingPaused, with who and why, unless writing is allowed."""
        if (pause := self.paused(connection)) is not None:
            raise WritingPaused(
                f"writing is paused since {pause.since:%Y-%m-%d %H:%M} UTC by {pause.actor} "
                f"({pause.reason}); nothing is written until `responder resume`"
            )
