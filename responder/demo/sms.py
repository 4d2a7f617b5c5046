"""A stand-in for Twilio: takes text messages over its Messages API and remembers them, sending none."""

from __future__ import annotations

import base64
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from responder.demo.segments import segments
from responder.demo.web import Reply, Request, WebStandIn

API = "2010-04-01"
E164 = re.compile(r"\+[1-9]\d{6,14}")
SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
LONGEST_BODY = 1600  # characters; https://www.twilio.com/docs/errors/21617
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Sms:
    """A text message that was handed in; ``created`` is UTC, to the second."""

    sid: str
    to: str
    sender: str
    body: str
    created: datetime


class StandInSms(WebStandIn):
    """A stand-in SMS service; what it took is in ``messages``, oldest first.

    It says ``queued`` when a message is handed in and ``delivered`` when asked again, and refuses what
    Twilio refuses: a wrong login (20003), no or a wrong number (21604, 21211), no sender (21603), no text
    or too long a one (21602, 21617). Numbers in ``unreachable`` get 21614, as a land line would.
    """

    label = "stand-in SMS service"

    def __init__(
        self,
        account_sid: str = "AC" + "0" * 32,
        auth_token: str = "stand-in-token",
        unreachable: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.unreachable = unreachable
        self.messages: list[Sms] = []
        self._lock = threading.Lock()

    def answer(self, asked: Request) -> Reply:
        """The reply to one request: 401 for a wrong login, then whatever the path says."""
        login = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {login}":
            return _no(401, 20003, "Authenticate")
        rest = asked.path.removeprefix(f"/{API}/Accounts/{self.account_sid}")
        with self._lock:
            match (asked.method, rest):
                case ("GET", ".json"):
                    return Reply(200, self._account())
                case ("POST", "/Messages.json"):
                    return self._send(asked.form())
                case ("GET", "/Messages.json"):
                    return self._list(asked)
                case ("GET", _) if found := self._find(rest):
                    return Reply(200, self._resource(found, "delivered"))
        return _no(404, 20404, f"The requested resource {asked.path} was not found")

    def _send(self, form: dict[str, str]) -> Reply:
        to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        problem = self._refusal(to, sender, body)
        if problem is not None:
            return problem
        sms = Sms("SM" + secrets.token_hex(16), to, sender, body, datetime.now(UTC).replace(microsecond=0))
        self.messages.append(sms)
        return Reply(201, self._resource(sms, "queued"))

    def _refusal(self, to: str, sender: str, body: str) -> Reply | None:
        checks = (
            (not to, 21604, "A 'To' phone number is required."),
            (not E164.fullmatch(to), 21211, f"Invalid 'To' Phone Number: {to}"),
            (not sender, 21603, "A 'From' phone number is required."),
            (not SENDER.fullmatch(sender), 21212, f"Invalid From Number (caller ID): {sender}"),
            (not body, 21602, "Message body is required."),
            (len(body) > LONGEST_BODY, 21617, f"The message body is longer than {LONGEST_BODY} characters."),
            (to in self.unreachable, 21614, f"'To' number is not a valid mobile number: {to}"),
        )
        return next((_no(400, code, text) for wrong, code, text in checks if wrong), None)

    def _list(self, asked: Request) -> Reply:
        found = [sms for sms in reversed(self.messages) if _asked_for(sms, asked.query)]
        size = min(max(asked.number("PageSize", 50), 1), LARGEST_PAGE)
        page = asked.number("Page", 0)
        shown = found[page * size : (page + 1) * size]

        def uri(number: int) -> str:
            return f"{asked.path}?{urlencode({**asked.query, 'PageSize': size, 'Page': number})}"

        return Reply(
            200,
            {
                "messages": [self._resource(sms, "delivered") for sms in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            },
        )

    def _find(self, rest: str) -> Sms | None:
        sid = rest.removeprefix("/Messages/").removesuffix(".json")
        return next((sms for sms in self.messages if sms.sid == sid), None)

    def _account(self) -> dict[str, Any]:
        about = {"sid": self.account_sid, "friendly_name": f"responder {self.label}", "status": "active"}
        return {**about, "type": "Full", "uri": f"/{API}/Accounts/{self.account_sid}.json"}

    def _resource(self, sms: Sms, status: str) -> dict[str, Any]:
        stamp = format_datetime(sms.created)
        return {
            "sid": sms.sid,
            "account_sid": self.account_sid,
            "api_version": API,
            "to": sms.to,
            "from": sms.sender,
            "body": sms.body,
            "status": status,
            "direction": "outbound-api",
            "num_segments": str(segments(sms.body)),
            "num_media": "0",
            "date_created": stamp,
            "date_updated": stamp,
            "date_sent": stamp if status == "delivered" else None,
            "error_code": None,
            "error_message": None,
            "messaging_service_sid": None,
            "price": None,
            "price_unit": "USD",
            "uri": f"/{API}/Accounts/{self.account_sid}/Messages/{sms.sid}.json",
            "subresource_uris": {
                "media": f"/{API}/Accounts/{self.account_sid}/Messages/{sms.sid}/Media.json"
            },
        }


def _asked_for(sms: Sms, query: dict[str, str]) -> bool:
    if any(query[name] != value for name, value in (("To", sms.to), ("From", sms.sender)) if name in query):
        return False
    since, until = query.get("DateSent>"), query.get("DateSent<")
    on = query.get("DateSent")
    return (
        (since is None or sms.created >= _moment(since))
        and (until is None or sms.created <= _moment(until))
        and (on is None or sms.created.date() == _moment(on).date())
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _no(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})
