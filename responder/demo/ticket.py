"""A ticket of the stand-in desk, in the words and the JSON that Request Tracker uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STATUSES = ("new", "open", "stalled", "resolved", "rejected", "deleted")
NEVER = "1970-01-01T00:00:00Z"


def now() -> str:
    """This second, as RT writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Ticket:
    """One ticket; ``fields`` are its custom fields, ``comments`` what was added later."""

    id: int
    queue: str
    subject: str
    content: str
    requestors: tuple[str, ...]
    fields: dict[str, str]
    status: str = "new"
    comments: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    resolved: str = NEVER

    def searchable(self) -> dict[str, str]:
        """What a search can ask for, by lower-case name."""
        plain = {"id": str(self.id), "queue": self.queue, "subject": self.subject, "status": self.status}
        return plain | {f"cf.{{{name.lower()}}}": value for name, value in self.fields.items()}

    def set_status(self, status: str) -> str:
        """Change the status and say so, say why not, or say nothing when it is so already."""
        if status not in STATUSES:
            return f"Status '{status}' isn't a valid status for this ticket."
        if status == self.status:
            return ""
        said = f"Status changed from '{self.status}' to '{status}'"
        self.status = status
        if status == "resolved":
            self.resolved = now()
        return said

    def set_subject(self, subject: str) -> str:
        """Change the subject and say so, or say nothing when it is so already."""
        said = f"Subject changed from '{self.subject}' to '{subject}'" if subject != self.subject else ""
        self.subject = subject
        return said

    def set_field(self, name: str, value: str) -> str:
        """Change a custom field and say so, or say nothing when it is so already."""
        before = self.fields.get(name, "")
        self.fields[name] = value
        if value == before:
            return ""
        return f"{name} {before} changed to {value}" if before else f"{name} {value} added"

    def as_json(self, root: str, queue_id: int, field_ids: dict[str, int]) -> dict[str, Any]:
        """The whole ticket; ``root`` is the address of REST 2.0."""
        return {
            "id": self.id,
            "Type": "ticket",
            "_hyperlinks": [{**stub(root, "ticket", self.id), "ref": "self"}],
            "EffectiveId": stub(root, "ticket", self.id),
            "Queue": stub(root, "queue", queue_id),
            "Subject": self.subject,
            "Status": self.status,
            "Priority": "0",
            "Owner": stub(root, "user", "Nobody"),
            "Creator": stub(root, "user", "responder"),
            "LastUpdatedBy": stub(root, "user", "responder"),
            "Requestor": [stub(root, "user", address) for address in self.requestors],
            "Cc": [],
            "AdminCc": [],
            "Created": self.created,
            "LastUpdated": self.updated,
            "Resolved": self.resolved,
            "CustomFields": [
                {
                    **stub(root, "customfield", number),
                    "name": name,
                    "values": [self.fields[name]] * (name in self.fields),
                }
                for name, number in field_ids.items()
            ],
        }


def stub(root: str, kind: str, key: int | str) -> dict[str, str]:
    """How RT points at a thing: its type, its id as text and its address."""
    return {"type": kind, "id": str(key), "_url": f"{root}/{kind}/{key}"}
