"""``notify.sms``: sends a text message to a person's mobile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from responder.actions.action import Action, Change, Look, Outputs, Plan, Seen
from responder.errors import SystemRefused
from responder.site.yaml import Written
from responder.systems.contact import Number, mask_number
from responder.systems.sms import Sent, SmsService, reduced, segments

LOST = ("failed", "undelivered", "canceled")
MOST_SEGMENTS = 6
LONGEST_REFERENCE = "x" * 40


class SmsParameters(Written):
    """``to``: a number with plus and country code; ``text``, or ``message`` in its place."""

    to: Number
    text: str = Field(min_length=1, max_length=1000)


class NotifySms(Action[SmsParameters]):
    """Sends one text, in GSM-7 where nothing is lost by it, with its reference at the end.

    It cannot be taken back. A number that the service refuses is not tried again.
    """

    name: ClassVar[str] = "notify.sms"
    needs: ClassVar[str] = "sms"
    Parameters: ClassVar[type[Written]] = SmsParameters
    outputs: ClassVar[frozenset[str]] = frozenset({"sid", "status"})
    message_parts: ClassVar[Mapping[str, str]] = {"text": "sms.txt"}
    in_playbooks: ClassVar[bool] = True
    settles: ClassVar[timedelta] = timedelta(seconds=60)

    def __init__(self, system: SmsService) -> None:
        self._service = system

    def plan(self, parameters: SmsParameters) -> Plan:
        """One text; raises SystemRefused when it would cost too many segments."""
        if (parts := segments(_body(parameters, LONGEST_REFERENCE))) > MOST_SEGMENTS:
            raise SystemRefused(
                self._service.name, f"the text needs {parts} segments; {MOST_SEGMENTS} at most"
            )
        return Plan(
            (
                Change(
                    self._service.name, mask_number(parameters.to), "text message", None, {"segments": parts}
                ),
            )
        )

    def apply(self, parameters: SmsParameters, plan: Plan, reference: str) -> Outputs:
        """Hands the text in."""
        return _outputs(self._service.send(parameters.to, _body(parameters, reference)))

    def look(self, parameters: SmsParameters, plan: Plan, reference: str) -> Look:
        """Asks the service for that number and exactly that text, and what became of it."""
        found = self._service.find(parameters.to, _body(parameters, reference))
        if found is None:
            return Look(Seen.NOT_DONE)
        if found.status in LOST:
            return Look(
                Seen.GIVEN_UP, _outputs(found), f"the text was {found.status}: {found.error or 'no reason'}"
            )
        return Look(Seen.DONE, _outputs(found))


def _outputs(sent: Sent) -> Outputs:
    return {"sid": sent.id, "status": sent.status}


def _body(parameters: SmsParameters, reference: str) -> str:
    return f"{reduced(' '.join(parameters.text.split()))} Ref {reference}".strip()
