"""Request Tracker 5 over REST 2.0, the ticket found again by a custom field that holds our reference."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, FilePath, field_validator

from responder.errors import OutcomeUnknown, SystemFault, SystemRefused
from responder.site.secret import Secret
from responder.site.yaml import Written
from responder.systems.facts import SiteFacts
from responder.systems.http import JsonClient
from responder.systems.loopback import encrypted
from responder.systems.ticket_desk import Ticket, checked

ROOT = "/REST/2.0"


class RequestTrackerSettings(Written):
    """``systems: ticket_desk:`` for Request Tracker. ``url`` is the desk's own, without ``/REST/2.0``.

    ``reference_field`` is a custom field of tickets (one text value) that is applied to the queue and that
    the token's user may see and set; ``timeout`` is in seconds.
    """

    kind: Literal["request_tracker"]
    url: str = Field(pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$")
    token: Secret
    queue: str = Field(min_length=1)
    reference_field: str = Field(default="ExternalRef", pattern=r"^[A-Za-z0-9 _-]+$")
    ca_file: FilePath | None = None
    timeout: float = Field(default=20, gt=0, le=120)

    @field_validator("url")
    @classmethod
    def _root(cls, url: str) -> str:
        return encrypted(url).rstrip("/").removesuffix(ROOT)


class RequestTracker:
    """The ticket desk port for Request Tracker."""

    kind: ClassVar[str] = "request_tracker"
    port: ClassVar[str] = "ticket_desk"
    name = "ticket desk"
    Settings: ClassVar[type[Written]] = RequestTrackerSettings

    def __init__(self, settings: RequestTrackerSettings, site: SiteFacts) -> None:
        self._settings = settings
        self._http = JsonClient(
            self.name,
            settings.url + ROOT,
            lambda: {"Authorization": f"token {settings.token.reveal().get_secret_value()}"},
            ca_file=settings.ca_file,
            timeout=settings.timeout,
        )

    @property
    def queue(self) -> str:
        """The queue of the configuration."""
        return self._settings.queue

    def open(self, *, subject: str, text: str, queue: str, reference: str) -> Ticket:
        """Opens a ticket once: looks for the reference, opens, reads back that the reference was kept."""
        if there := self.find(reference):
            return there[0]
        self._check_queue(queue)
        body = {
            "Queue": queue,
            "Subject": " ".join(subject.split()),
            "Content": text,
            "ContentType": "text/plain",
            "CustomFields": {self._settings.reference_field: reference},
        }
        ticket_id = str(self._http.post("/ticket", body).get("id", ""))
        if not ticket_id.isdecimal():
            raise OutcomeUnknown(self.name, "took the ticket but did not say its number")
        try:
            ticket = self._ticket(ticket_id)
        except SystemFault as error:
            raise OutcomeUnknown(
                self.name, f"ticket {ticket_id} was opened but not read back: {error}"
            ) from error
        if ticket.reference != reference:
            raise SystemRefused(
                self.name,
                f"ticket {ticket_id} was opened without its reference: {self._settings.reference_field} was "
                "dropped; apply the field to the queue and let the token's user set it",
            )
        return ticket

    def find(self, reference: str) -> list[Ticket]:
        """Searches in every status, then reads each ticket: what does not bear the reference is not ours."""
        query = f"CF.{{{self._settings.reference_field}}} = '{checked(reference)}'"
        page = self._http.get("/tickets", {"query": query, "orderby": "id", "per_page": "20"})
        tickets = [self._ticket(str(item["id"])) for item in page.get("items", [])]
        return [ticket for ticket in tickets if ticket.reference == reference]

    def comment(self, ticket_id: str, text: str) -> None:
        """Adds an internal comment."""
        if not ticket_id.isdecimal():
            raise ValueError(f"ticket {ticket_id!r} is no number")
        self._http.post(f"/ticket/{ticket_id}/comment", {"Content": text, "ContentType": "text/plain"})

    def ping(self) -> None:
        """Asks for the queue, and whether it has the reference field."""
        self._check_queue(self._settings.queue)

    def _check_queue(self, queue: str) -> None:
        """An unknown field would be dropped without a word, and two of one name would never be found."""
        answer = self._http.get(f"/queue/{quote(queue, safe='')}")
        fields = [field.get("name") for field in answer.get("TicketCustomFields") or []]
        if (times := fields.count(self._settings.reference_field)) != 1:
            raise SystemRefused(
                self.name,
                f"queue {queue!r} has {times or 'no'} custom field{'s' * (times > 1)} "
                f"{self._settings.reference_field!r}; it must have one that the token's user may see",
            )

    def _ticket(self, ticket_id: str) -> Ticket:
        answer = self._http.get(f"/ticket/{ticket_id}")
        return Ticket(
            id=ticket_id,
            url=f"{self._settings.url}/Ticket/Display.html?id={ticket_id}",
            subject=str(answer.get("Subject", "")),
            status=str(answer.get("Status", "")),
            reference=self._reference(answer),
        )

    def _reference(self, ticket: dict[str, Any]) -> str:
        for field in ticket.get("CustomFields") or []:
            if field.get("name") == self._settings.reference_field:
                values = field.get("values") or []
                return str(values[0]) if len(values) == 1 else ""
        return ""
