"""HTTP for the stand-ins: a request comes in as a value, a reply goes out as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from responder.demo.stand_in import HOST, StandIn

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What a client asked; ``headers`` have lower-case names."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The fields of a form; of a repeated one the last."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def number(self, name: str, otherwise: int) -> int:
        """A whole number from the query, or ``otherwise`` when there is none."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdecimal() else otherwise


@dataclass(frozen=True)
class Reply:
    """What a client is told; ``body`` becomes JSON."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one piece

    def __init__(self, banner: str, answer: Callable[[Request], Reply], *rest: Any) -> None:
        self.banner = banner
        self.answer = answer
        super().__init__(*rest)

    def version_string(self) -> str:
        return self.banner

    def log_message(self, *_: Any) -> None:
        """Say nothing: the demonstration shows what matters itself."""

    def take(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        size = int(length) if length.isascii() and length.isdecimal() else MOST_BYTES + 1
        if size > MOST_BYTES:
            self.close_connection = True
            self.give(Reply(413, {"message": "Content Too Large"}))
            return
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        asked = Request(self.command, unquote(url.path), query, headers, self.rfile.read(size))
        self.give(self.answer(asked))

    do_GET = do_POST = do_PUT = do_DELETE = take  # noqa: N815 - names that http.server looks for

    def give(self, reply: Reply) -> None:
        body = json.dumps(reply.body, ensure_ascii=False).encode()
        self.send_response(reply.status)
        fixed = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in {**fixed, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class WebStandIn(StandIn):
    """A stand-in that answers HTTP; ``answer`` says what."""

    def __init__(self) -> None:
        super().__init__(partial(_Handler, f"responder {self.label}", self.answer))

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; only inside the ``with`` block."""
        return f"http://{HOST}:{self.port}"

    def answer(self, asked: Request) -> Reply:
        """The reply to one request."""
        raise NotImplementedError
