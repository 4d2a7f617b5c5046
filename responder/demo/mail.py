"""A stand-in for the mail relay: takes every message over SMTP and keeps it, delivering to nobody."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller

from responder.demo.stand_in import HOST


@dataclass(frozen=True)
class ReceivedMail:
    """A message as it arrived: the envelope and what was in it."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class _OnFreePort(Controller):
    def __init__(self, handler: object, listening: socket.socket, banner: str) -> None:
        self.listening = listening
        port = listening.getsockname()[1]
        super().__init__(
            handler, hostname=HOST, port=port, server_hostname="stand-in.example.org", ident=banner
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listening)


class StandInMailbox:
    """A stand-in mail relay; what it took is in ``received``, and recipients in ``refused`` get 550 5.1.1."""

    label = "stand-in mailbox"

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.received: list[ReceivedMail] = []
        self.refused = refused

    def __enter__(self) -> Self:
        listening = socket.create_server((HOST, 0))
        self._controller = _OnFreePort(self, listening, f"responder {self.label}")
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return HOST

    @property
    def port(self) -> int:
        """The port that it listens on; only inside the ``with`` block."""
        return int(self._controller.port)

    async def handle_RCPT(  # noqa: N802 - a name that aiosmtpd looks for
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, or refuse the ones that are to be unknown."""
        if address in self.refused:
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Keep the message and confirm it as a real relay would."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.received.append(ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return f"250 2.0.0 Ok: queued as STANDIN{len(self.received):04d}"
