"""A stand-in for Request Tracker: the part of REST 2.0 that responder uses, answered as RT 5.0.3 answers."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from responder.demo.query import QueryError, parse
from responder.demo.ticket import STATUSES, Ticket, now, stub
from responder.demo.web import Reply, Request, WebStandIn

ROOT = "/REST/2.0"


class StandInDesk(WebStandIn):
    """A stand-in ticket desk with one queue; its tickets are in ``tickets``, oldest first."""

    label = "stand-in desk"

    def __init__(
        self,
        token: str = "1-14-stand-in",
        queue: str = "Security",
        fields: tuple[str, ...] = ("ExternalRef",),
    ) -> None:
        super().__init__()
        self.token = token
        self.queue = queue
        self.queue_id = 3
        self.field_ids = {name: number for number, name in enumerate(fields, start=2)}
        self.tickets: list[Ticket] = []
        self._transactions = 0
        self._lock = threading.Lock()

    @property
    def root(self) -> str:
        """The address of REST 2.0."""
        return self.url + ROOT

    def answer(self, asked: Request) -> Reply:
        """The reply to one request: 401 for a wrong token, then whatever the path says."""
        if asked.headers.get("authorization", "") != f"token {self.token}":
            return _no(401, "Unauthorized")
        with self._lock:
            for pattern, methods in ROUTES:
                match = re.fullmatch(ROOT + pattern, asked.path.rstrip("/"))
                if match is not None:
                    name = methods.get(asked.method)
                    return getattr(self, name)(asked, *match.groups()) if name else _not_allowed(methods)
        return _no(404, "Not Found")

    def version(self, _asked: Request) -> Reply:
        """Who answers."""
        return Reply(200, {"Version": "5.0.3", "Note": f"responder {self.label}"})

    def show_queue(self, _asked: Request, name: str) -> Reply:
        """The queue; any other is forbidden, as RT says for a queue that is not there."""
        if not self._is_queue(name):
            return _no(403, "Forbidden")
        fields = [
            {**stub(self.root, "customfield", number), "ref": "customfield", "name": field}
            for field, number in self.field_ids.items()
        ]
        about = {"id": self.queue_id, "Name": self.queue, "Lifecycle": "default", "Disabled": "0"}
        return Reply(200, {**about, "TicketCustomFields": fields})

    def create(self, asked: Request) -> Reply:
        """A new ticket; a custom field that the desk does not have is dropped without a word, as RT does."""
        data = _json(asked)
        if isinstance(data, Reply):
            return data
        problem = self._cannot_create(data)
        if problem is not None:
            return problem
        ticket = self._ticket(len(self.tickets) + 1, data)
        self.tickets.append(ticket)
        made = stub(self.root, "ticket", ticket.id)
        return Reply(201, made, {"Location": f"{ROOT}/ticket/{ticket.id}"})

    def _cannot_create(self, data: dict[str, Any]) -> Reply | None:
        queue = data.get("Queue")
        if not queue:
            return _no(400, "Could not create ticket. Queue not set")
        if not self._is_queue(queue):
            return _no(403, f"No permission to create tickets in the queue '{queue}'")
        if data.get("Status", "new") not in STATUSES:
            return _no(400, f"Status '{data['Status']}' isn't a valid status for tickets in this queue.")
        return _bad_attachment(data)

    def _ticket(self, number: int, data: dict[str, Any]) -> Ticket:
        requestors = data.get("Requestor") or ()
        requestors = (requestors,) if isinstance(requestors, str) else tuple(requestors)
        fields = {name: _one(value) for name, value in _fields(data).items() if name in self.field_ids}
        text = str(data.get("Content") or "")
        ticket = Ticket(number, self.queue, str(data.get("Subject") or ""), text, requestors, fields)
        ticket.attachments += [str(part["FileName"]) for part in data.get("Attachments") or ()]
        return replace(ticket, status=data.get("Status", "new"))

    def show(self, _asked: Request, number: str) -> Reply:
        """A ticket with its custom fields."""
        ticket = self._find(number)
        return Reply(200, self._whole(ticket)) if ticket else _no(404, "Not Found")

    def update(self, asked: Request, number: str) -> Reply:
        """Change status, subject or custom fields; 200 also when a value is refused, as in RT."""
        ticket, data = self._find(number), _json(asked)
        if ticket is None:
            return _no(404, "Resource does not exist; use POST to create")
        if isinstance(data, Reply):
            return data
        said = [ticket.set_subject(data["Subject"])] if "Subject" in data else []
        said += [ticket.set_status(data["Status"])] if "Status" in data else []
        said = [f"Ticket {ticket.id}: {what}" for what in said if what]
        said += self._set_fields(ticket, data)
        ticket.updated = now()
        return Reply(200, said)

    def comment(self, asked: Request, number: str, kind: str) -> Reply:
        """Add a comment, as text or as JSON with its content type."""
        ticket = self._find(number)
        if ticket is None:
            return _no(400, "Permission Denied")
        plain = asked.headers.get("content-type", "").startswith("text/")
        text: dict[str, Any] = {"Content": asked.body.decode("utf-8", "replace"), "ContentType": "text/plain"}
        data = text if plain else _json(asked)
        if isinstance(data, Reply):
            return data
        if data.get("Content") and not data.get("ContentType"):
            return _no(400, "ContentType is a required field for application/json")
        problem = _bad_attachment(data)
        if problem is not None:
            return problem
        ticket.comments.append(str(data.get("Content") or ""))
        ticket.attachments += [str(part["FileName"]) for part in data.get("Attachments") or ()]
        said = ["Comments added" if kind == "comment" else "Correspondence added"]
        said += self._set_fields(ticket, data)
        said += [what for what in [ticket.set_status(data["Status"])] if what] if "Status" in data else []
        ticket.updated = now()
        self._transactions += 1
        return Reply(201, said, {"Location": f"{ROOT}/transaction/{self._transactions}"})

    def search(self, asked: Request) -> Reply:
        """The tickets that a query finds, a page at a time; text is compared without regard to case."""
        try:
            test = parse(asked.query.get("query", ""))
        except QueryError as error:
            return _no(400, str(error))
        found = [ticket for ticket in self.tickets if test(ticket.searchable())]
        size = min(max(asked.number("per_page", 20), 1), 100)
        page, pages = max(asked.number("page", 1), 1), -(-len(found) // size)
        shown = found[(page - 1) * size : page * size]
        wanted = [name for name in asked.query.get("fields", "").split(",") if name]
        items = [self._item(ticket, wanted) for ticket in shown]
        body = {
            "count": len(items),
            "page": page,
            "pages": pages,
            "per_page": size,
            "total": len(found),
            "items": items,
        }
        neighbours = {"next_page": page + 1} if page < pages else {}
        neighbours |= {"prev_page": page - 1} if page > 1 else {}
        links = {
            name: f"{self.root}/tickets?{urlencode({**asked.query, 'page': str(number)})}"
            for name, number in neighbours.items()
        }
        return Reply(200, {**body, **links})

    def _item(self, ticket: Ticket, wanted: list[str]) -> dict[str, Any]:
        whole = self._whole(ticket)
        return {
            **{name: whole[name] for name in wanted if name in whole},
            **stub(self.root, "ticket", ticket.id),
        }

    def _whole(self, ticket: Ticket) -> dict[str, Any]:
        return ticket.as_json(self.root, self.queue_id, self.field_ids)

    def _find(self, number: str) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.id == int(number)), None)

    def _set_fields(self, ticket: Ticket, data: dict[str, Any]) -> list[str]:
        known = {name: _one(value) for name, value in _fields(data).items() if name in self.field_ids}
        return [said for name, value in known.items() if (said := ticket.set_field(name, value))]

    def _is_queue(self, name: object) -> bool:
        return str(name).lower() in (self.queue.lower(), str(self.queue_id))


ROUTES: tuple[tuple[str, dict[str, str]], ...] = (
    (r"/rt", {"GET": "version"}),
    (r"/queue/([^/]+)", {"GET": "show_queue"}),
    (r"/ticket", {"POST": "create"}),
    (r"/tickets", {"GET": "search", "POST": "search"}),
    (r"/ticket/(\d+)", {"GET": "show", "PUT": "update"}),
    (r"/ticket/(\d+)/(comment|correspond)", {"POST": "comment"}),
)


def _no(status: int, message: str) -> Reply:
    return Reply(status, {"message": message})


def _not_allowed(methods: dict[str, str]) -> Reply:
    return replace(_no(405, "Method Not Allowed"), headers={"Allow": ", ".join(methods)})


def _json(asked: Request) -> dict[str, Any] | Reply:
    if not asked.headers.get("content-type", "").startswith("application/json"):
        return _no(415, "Unsupported Media Type")
    try:
        data = json.loads(asked.body)
    except ValueError as error:
        return _no(400, f"JSON parse error: {error}")
    return data if isinstance(data, dict) else _no(400, "JSON object must be a ARRAY or HASH")


def _bad_attachment(data: dict[str, Any]) -> Reply | None:
    for part in data.get("Attachments") or ():
        for name in ("FileName", "FileType", "FileContent"):
            if not part.get(name):
                return _no(400, f"Field {name} is required for each attachment in Attachments")
    return None


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    return data.get("CustomFields") or {}


def _one(value: object) -> str:
    return str(value[0] if isinstance(value, list) and value else value)
