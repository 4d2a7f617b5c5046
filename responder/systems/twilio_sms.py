"""Text messages over Twilio's Messages API, with its own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator
from requests.exceptions import ConnectionError as NotConnected
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from responder.errors import OutcomeUnknown, SystemFault, SystemRefused, SystemUnreachable
from responder.site.secret import Secret
from responder.site.yaml import Written
from responder.systems.contact import Number
from responder.systems.facts import SiteFacts
from responder.systems.loopback import encrypted
from responder.systems.sms import Sent

TRIAL = "Sent from your Twilio trial account - "  # Twilio puts it before every text of a trial account
TOO_FAST = 20429  # https://www.twilio.com/docs/api/errors/20429
LOGIN = (20003, 20005)
MOST_LISTED = 200


class TwilioSettings(Written):
    """``systems: sms:`` for Twilio. ``from`` is the sending number, E.164; ``timeout`` is in seconds."""

    kind: Literal["twilio"]
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: Secret
    sender: Number = Field(alias="from")
    base_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$")
    timeout: float = Field(default=15, gt=0, le=120)

    @field_validator("base_url")
    @classmethod
    def _no_clear_text(cls, url: str | None) -> str | None:
        return url and encrypted(url)


class TwilioSms:
    """The SMS port for Twilio."""

    kind: ClassVar[str] = "twilio"
    port: ClassVar[str] = "sms"
    name = "SMS service"
    Settings: ClassVar[type[Written]] = TwilioSettings

    def __init__(self, settings: TwilioSettings, site: SiteFacts) -> None:
        self._settings = settings

    def send(self, to: str, body: str) -> Sent:
        """Creates one message; nothing is repeated here, since Twilio would send it twice."""
        with self._client(writing=True) as client:
            return _sent(client.messages.create(to=to, from_=self._settings.sender, body=body))

    def find(self, to: str, body: str) -> Sent | None:
        """Reads the latest messages to that number; those still queued have no date of sending to ask for."""
        with self._client(writing=False) as client:
            listed = client.messages.list(to=to, limit=MOST_LISTED, page_size=MOST_LISTED)
        for message in listed:
            if message.to == to and str(message.body).removeprefix(TRIAL) == body:
                return _sent(message)
        return None

    def ping(self) -> None:
        """Lists one message, which needs the same rights as finding one."""
        with self._client(writing=False) as client:
            client.messages.list(limit=1, page_size=1)

    @contextmanager
    def _client(self, *, writing: bool) -> Iterator[Any]:
        """A client for one request; every exception of the SDK and of what it is built on is translated."""
        http = TwilioHttpClient(timeout=self._settings.timeout, max_retries=0)
        token = self._settings.auth_token.reveal().get_secret_value()
        client = Client(self._settings.account_sid, token, http_client=http)
        if self._settings.base_url is not None:
            client.api.base_url = self._settings.base_url
        try:
            yield client
        except TwilioException as error:
            raise self._refusal(error, writing) from error
        except RequestException as error:
            raise self._lost(error, writing) from error
        finally:
            if http.session is not None:
                http.session.close()

    def _refusal(self, error: TwilioException, writing: bool) -> SystemFault:
        """Twilio's own answers: 4xx is a no, 429 and 20429 mean "not now", 5xx may have been done."""
        status, code, text = _answer(error)
        said = f"{code or status or 'no code'}: {text}"
        if code == TOO_FAST or status == 429:
            return SystemUnreachable(self.name, said, retry_after=60)
        if code in LOGIN or status == 401:
            return SystemRefused(self.name, f"{said}; check account_sid and auth_token")
        if 400 <= status < 500:
            return SystemRefused(self.name, said)
        return OutcomeUnknown(self.name, said) if writing else SystemUnreachable(self.name, said)

    def _lost(self, error: RequestException, writing: bool) -> SystemFault:
        text = type(error).__name__
        if not writing or isinstance(error, ConnectTimeout) or _never_connected(error):
            return SystemUnreachable(self.name, f"cannot be reached: {text}")
        return OutcomeUnknown(self.name, f"no answer to the request: {text}")


def _answer(error: TwilioException) -> tuple[int, int | None, str]:
    """HTTP status, Twilio's code and its words; for a list the SDK raises with the bare response."""
    response = error.args[1] if len(error.args) > 1 else None
    if (status := getattr(response, "status_code", None)) is not None:
        try:
            body = json.loads(response.text)  # type: ignore[union-attr]  # it has a status, so it is a response
        except ValueError:
            body = {}
        body = body if isinstance(body, dict) else {}
        return int(status), body.get("code"), str(body.get("message", "no reason given"))
    text = getattr(error, "msg", None) or getattr(error, "detail", None) or type(error).__name__
    return getattr(error, "status", None) or 0, getattr(error, "code", None), str(text)


def _never_connected(error: RequestException) -> bool:
    """Whether the connection itself was refused; one that broke later is a ConnectionError too."""
    if not isinstance(error, NotConnected) or not error.args:
        return False
    reason = getattr(error.args[0], "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError")


def _sent(message: Any) -> Sent:
    error = f"{message.error_code} {message.error_message or ''}".strip() if message.error_code else ""
    return Sent(str(message.sid), str(message.status or ""), error)
