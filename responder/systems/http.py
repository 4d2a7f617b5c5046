"""JSON over HTTP where every failure says whether something may have been done."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from responder.errors import OutcomeUnknown, SystemFault, SystemRefused, SystemUnreachable

_LONGEST_PAUSE = 3600.0


class JsonClient:
    """GET and POST below ``root``; ``headers`` are asked for at each request, since they hold a secret.

    Redirects are not followed: a login page behind one would read as an answer. Nothing is retried here.
    """

    def __init__(
        self,
        name: str,
        root: str,
        headers: Callable[[], Mapping[str, str]],
        *,
        ca_file: Path | None,
        timeout: float,
    ) -> None:
        self._name = name
        self._root = root
        self._headers = headers
        self._ca_file = ca_file
        self._timeout = timeout

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer to a question; raises SystemUnreachable or SystemRefused."""
        try:
            answer = self._send("GET", path, params=query)
        except httpx.HTTPError as error:
            raise SystemUnreachable(self._name, _text(error)) from error
        self._check(answer, writing=False)
        return self._json(answer, SystemRefused)

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """The answer to a request that writes; raises OutcomeUnknown when it may have been done."""
        try:
            answer = self._send("POST", path, json=body)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            raise SystemUnreachable(self._name, _text(error)) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown(self._name, f"no answer to the request: {_text(error)}") from error
        self._check(answer, writing=True)
        return self._json(answer, OutcomeUnknown)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        verify = ssl.create_default_context(cafile=self._ca_file)
        with httpx.Client(verify=verify, timeout=httpx.Timeout(self._timeout), trust_env=False) as client:
            headers = {"Accept": "application/json", **self._headers()}
            return client.request(method, self._root + path, headers=headers, **more)

    def _check(self, answer: httpx.Response, *, writing: bool) -> None:
        """Raises unless the answer is a 2xx."""
        code = answer.status_code
        if 200 <= code < 300:
            return
        said = f"{code} {answer.reason_phrase}: {_message(answer)}".rstrip(": ")
        if code in (429, 503):
            raise SystemUnreachable(
                self._name, said, retry_after=retry_after(answer.headers.get("Retry-After"))
            )
        if code >= 500:
            raise (OutcomeUnknown if writing else SystemUnreachable)(self._name, said)
        if 300 <= code < 400:
            said = f"it redirects to {answer.headers.get('Location', '?')}; put the final address in url"
        elif code == 401:
            said = f"{said}; the token is wrong or was revoked"
        elif code == 403:
            said = f"{said}; the token's user lacks the right, or the thing does not exist"
        raise SystemRefused(self._name, said)

    def _json(self, answer: httpx.Response, fault: type[SystemFault]) -> dict[str, Any]:
        try:
            data = answer.json()
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        if isinstance(data, list):
            return {"items": data}
        raise fault(self._name, "answered with something other than JSON; is url the right one?")


def retry_after(header: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110: a number or a date), an hour at most."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _text(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _message(answer: httpx.Response) -> str:
    try:
        data = answer.json()
    except ValueError:
        return ""
    return str(data.get("message", ""))[:300] if isinstance(data, dict) else ""
