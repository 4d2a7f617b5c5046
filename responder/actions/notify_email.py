"""``notify.email``: writes to a person at an address outside the hijacked mailbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from responder.actions.action import Action, Change, Look, Outputs, Plan, Seen
from responder.site.yaml import Written
from responder.systems.contact import Address, mask_address
from responder.systems.mail import Mail, MailRelay


class EmailParameters(Written):
    """``to``: one bare address; ``subject`` and ``text``, or ``message`` in the place of both."""

    to: Address
    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1)


class NotifyEmail(Action[EmailParameters]):
    """Sends one mail; it cannot be taken back, and a relay cannot be asked afterwards whether it took it."""

    name: ClassVar[str] = "notify.email"
    needs: ClassVar[str] = "mail"
    Parameters: ClassVar[type[Written]] = EmailParameters
    outputs: ClassVar[frozenset[str]] = frozenset({"message_id"})
    message_parts: ClassVar[Mapping[str, str]] = {"subject": "subject.txt", "text": "body.txt"}
    in_playbooks: ClassVar[bool] = True

    def __init__(self, system: MailRelay) -> None:
        self._relay = system

    def plan(self, parameters: EmailParameters) -> Plan:
        """One mail."""
        after = {"subject": parameters.subject}
        return Plan((Change(self._relay.name, mask_address(parameters.to), "mail", None, after),))

    def apply(self, parameters: EmailParameters, plan: Plan, reference: str) -> Outputs:
        """Hands the mail to the relay."""
        mail = Mail(parameters.to, parameters.subject, parameters.text, reference)
        return {"message_id": self._relay.send(mail)}

    def look(self, parameters: EmailParameters, plan: Plan, reference: str) -> Look:
        """Cannot be told."""
        return Look(
            Seen.UNKNOWN, detail=f"look for {reference} in the relay's log to see whether it was taken"
        )
