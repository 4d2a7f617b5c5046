"""The truth about a world: its hijacks, their messages, and who only looks like one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from responder.simulate.act import Act, Failed
from responder.simulate.envelope import Accepted
from responder.simulate.person import Person
from responder.simulate.plan import Plan


@dataclass(slots=True)
class Hijack:
    """One account in other hands; what is counted is counted as the log is written."""

    id: str
    person: Person
    style: str
    no_send: bool
    origin: str
    campaign: str | None
    parameters: dict[str, Any] = field(default_factory=dict)
    first_login: float | None = None
    first_send: float | None = None
    last_send: float | None = None
    last_activity: float | None = None
    messages: list[Accepted] = field(default_factory=list)

    def add(self, act: Act, accepted: Accepted | None) -> None:
        """One more thing that the intruder did; a failed login is not yet a hijack."""
        if isinstance(act, Failed):
            return
        at = accepted.at if accepted else act.at
        self.first_login = min(act.at, self.first_login or act.at)
        self.last_activity = max(at, self.last_activity or at)
        if accepted:
            self.first_send = min(at, self.first_send or at)
            self.last_send = max(at, self.last_send or at)
            self.messages.append(accepted)

    def row(self, plan: Plan) -> dict[str, Any]:
        """Its line of ``truth.jsonl``."""

        def iso(at: float | None) -> str | None:
            return None if at is None else plan.iso(at)

        return {
            "class": "hijack",
            "id": self.id,
            "account": self.person.uid,
            "mail": self.person.mail,
            "employeeType": self.person.kind,
            "style": self.style,
            "no_send": self.no_send,
            "origin": self.origin,
            "campaign": self.campaign,
            "parameters": self.parameters,
            "first_login": iso(self.first_login),
            "first_malicious_send": iso(self.first_send),
            "last_send": iso(self.last_send),
            "last_activity": iso(self.last_activity),
            "malicious_messages": len(self.messages),
            "malicious_recipients": sum(each.recipients for each in self.messages),
            "delivered": sum(each.delivered for each in self.messages),
            "unknown_users": sum(each.unknown for each in self.messages),
        }

    def message_rows(self) -> list[dict[str, Any]]:
        """Its lines of ``malicious.jsonl``."""
        return [
            {
                "hijack": self.id,
                "account": self.person.uid,
                "time": round(each.at, 3),
                "host": each.host,
                "qid": each.queue_id,
                "recipients": each.recipients,
                "delivered": each.delivered,
                "unknown": each.unknown,
            }
            for each in self.messages
        ]


@dataclass(slots=True)
class Innocent:
    """A look-alike; ``why`` says what makes it one and why it is none."""

    person: Person
    kind: str
    why: str
    first: float
    last: float

    def row(self, plan: Plan) -> dict[str, Any]:
        """Its line of ``truth.jsonl``."""
        return {
            "class": "benign",
            "account": self.person.uid,
            "kind": self.kind,
            "why": self.why,
            "first": plan.iso(self.first),
            "last": plan.iso(self.last),
        }
