"""The rest of the Internet as one SMTP server, which keeps what it accepts."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from .process import LOOPBACK, free_port, wait_for

# What the first letters of a recipient's domain make of it; all other domains accept.
REFUSALS = {
    "bad": "550 5.1.1 <{address}>: Recipient address rejected: User unknown",
    "spam": "554 5.7.1 Message blocked: sender reputation",
    "slow": "451 4.7.1 Greylisted, try again later",
}


@dataclass(frozen=True)
class Received:
    """One message as it arrived: its envelope, its bytes, and the same bytes parsed."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    content: bytes
    message: EmailMessage = field(repr=False, compare=False)


class MailSink:
    """An SMTP server that refuses recipients at `bad*`, `spam*` and `slow*` and keeps the others' mail."""

    def __init__(self) -> None:
        self.port = free_port()
        self._messages: list[Received] = []
        self._guard = threading.Lock()
        self._controller: _Controller | None = None

    @property
    def messages(self) -> list[Received]:
        """Everything accepted so far, oldest first."""
        with self._guard:
            return list(self._messages)

    def to(self, address: str) -> list[Received]:
        """The messages that were handed in for this recipient."""
        return [message for message in self.messages if address in message.rcpt_tos]

    def wait_to(self, address: str, count: int = 1, timeout: float = 10.0) -> list[Received]:
        """The same, once there are at least `count` of them."""
        what = f"{count} message(s) to {address}"
        return wait_for(lambda: found if len(found := self.to(address)) >= count else [], what, timeout)

    def clear(self) -> None:
        """Forget every message."""
        with self._guard:
            self._messages.clear()

    def keep(self, received: Received) -> int:
        """Store one more message; returns how many there are."""
        with self._guard:
            self._messages.append(received)
            return len(self._messages)

    def start(self) -> Self:
        """Begin to listen, on the same port each time."""
        if self._controller is None:
            # A new one each time: a controller that was stopped has closed its event loop.
            controller = _Controller(
                _Handler(self),
                hostname=LOOPBACK,
                port=self.port,
                server_hostname="sink.example.net",
                decode_data=False,
                enable_SMTPUTF8=True,
            )
            controller.start()
            self._controller = controller
        return self

    def stop(self) -> None:
        """Stop listening and keep what was received."""
        if self._controller is not None:
            self._controller.hang_up()
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Session(SMTP):
    """aiosmtpd's side of one connection, known to the controller as long as it is open."""

    def __init__(self, controller: _Controller, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._controller = controller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._controller.connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._controller.connections.discard(self.transport)
        super().connection_lost(error)


class _Controller(Controller):
    """aiosmtpd's server in a thread; its own `stop` leaves the clients' connections open."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.connections: set[asyncio.BaseTransport] = set()
        super().__init__(*arguments, **options)

    def factory(self) -> SMTP:
        """What aiosmtpd makes for each connection."""
        return _Session(self, self.handler, **self.SMTP_kwargs)

    def hang_up(self) -> None:
        """Take no more clients and end the connections of those that are there."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(10)

    async def _hang_up(self) -> None:
        # Not yet `server.close()`: with it asyncio loses clients that it accepted and has not yet announced.
        listeners = self.server.sockets if isinstance(self.server, asyncio.Server) else ()
        for listener in listeners:
            self.loop.remove_reader(listener.fileno())
        await asyncio.sleep(0.05)
        while self.connections:
            for connection in list(self.connections):
                connection.close()
            await asyncio.sleep(0.01)


class _Handler:
    """The hooks that aiosmtpd calls, named as it wants them."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2].lower()
        for prefix, refusal in REFUSALS.items():
            if domain.startswith(prefix):
                return refusal.format(address=address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)  # decode_data is off
        message = message_from_bytes(content, policy=policy.default)
        received = Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, message)
        return f"250 2.0.0 Ok: queued as S{self._sink.keep(received):06d}"
