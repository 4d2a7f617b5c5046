"""Receives syslog over TCP, and over TLS, into a spool."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import cast

import structlog

from responder.sources.framing import Framing
from responder.sources.spool import Spool
from responder.sources.tls import reason

log = structlog.get_logger()

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CONNECTIONS = 500
"""At once: below the 1024 files that a process may have open where nobody has raised it."""

HANDSHAKE = 10
"""Seconds that a sender has for its part of TLS."""

AGAIN = 1
"""Seconds until what failed for want of space or of files is tried again."""

LAST = 0.3
"""Seconds in which what is on its way is still read when responder stops."""

TOLD = 1000
"""Refusals that are told, each once a sender: a scan of the port must not fill the log."""

KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
)
"""A sender that went without a word is noticed after two minutes, an idle one may stay."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address, ``::`` for IPv4 too; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server((host, port), family=family, backlog=128, dualstack_ipv6=both)
    listener.setblocking(False)
    return listener


class Receiver:
    """Takes connections in a thread of its own, from ``start`` to ``stop``.

    Each piece that came in is in the spool's file before the next one is read. While that cannot be written
    nothing is read, so that the senders wait.
    """

    def __init__(
        self,
        listener: socket.socket,
        spool: Spool,
        senders: Sequence[Network] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Takes over ``listener`` and ``spool``; ``senders`` are those who may connect, None for everybody."""
        self._listener, self.spool, self._senders, self._tls = listener, spool, senders, tls
        host, port = listener.getsockname()[:2]
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._known = (
            senders is not None
            or (tls is not None and tls.verify_mode is ssl.CERT_REQUIRED)
            or ip_address(host).is_loopback
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"receive {self.name}")
        self._stopping = asyncio.Event()
        self._open: set[_Connection] = set()
        self._admitting: set[asyncio.Task[None]] = set()
        self._refused: set[tuple[Address, str]] = set()
        self.stalled = False

    def start(self) -> None:
        """Begins to take connections."""
        log.info("receiving", at=self.name, tls=self._tls is not None)
        if not self._known:
            log.warning(
                "anybody who reaches this port can write log lines", at=self.name, mend="from, client_ca"
            )
        self._thread.start()

    def stop(self) -> None:
        """Reads what is on its way, ends the connections, and closes what was taken over; once is enough."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._loop.close()
        self._listener.close()
        if self.spool.waiting:
            log.error("received lines are lost", at=self.name, bytes=self.spool.waiting)
        self.spool.close()

    def opened(self, connection: _Connection) -> None:
        """Takes a connection in."""
        self._open.add(connection)
        if self.stalled:
            connection.transport.pause_reading()

    def closed(self, connection: _Connection) -> None:
        """Forgets a connection."""
        self._open.discard(connection)

    def store(self, lines: bytes) -> None:
        """Adds lines to the spool; where that fails, no connection is read from until it succeeds."""
        try:
            self.spool.add(lines)
        except OSError as error:
            if not self.stalled:
                log.error("received lines cannot be kept; senders wait", at=self.name, why=error.strerror)
                self.stalled = True
                for connection in self._open:
                    connection.transport.pause_reading()
                self._loop.call_later(AGAIN, self._store_again)

    def _store_again(self) -> None:
        try:
            self.spool.add(b"")
        except OSError:
            self._loop.call_later(AGAIN, self._store_again)
        else:
            log.info("received lines are kept again", at=self.name)
            self.stalled = False
            for connection in self._open:
                connection.transport.resume_reading()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._loop.add_reader(self._listener, self._accept)
        await self._stopping.wait()
        self._loop.remove_reader(self._listener)
        self._accept()
        self._listener.close()
        await asyncio.sleep(LAST)
        for task in self._admitting:
            task.cancel()
        for connection in self._open:
            connection.transport.close()
        while self._open or self._admitting:
            await asyncio.sleep(0.01)

    def _accept(self) -> None:
        """Takes those that wait at the door."""
        while True:
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.error("no connection can be taken", at=self.name, why=error.strerror)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(AGAIN, self._loop.add_reader, self._listener, self._accept)
                return
            sender = _sender(address[0])
            if why := self._objection(sender):
                self._refuse(sender, why)
                sock.close()
            else:
                task = self._loop.create_task(self._admit(sock, sender))
                self._admitting.add(task)
                task.add_done_callback(self._admitting.discard)

    def _objection(self, sender: Address) -> str | None:
        if self._senders is not None and not any(sender in network for network in self._senders):
            return "not among those that may send (from)"
        if len(self._open) + len(self._admitting) >= CONNECTIONS:
            return f"{CONNECTIONS} connections are open"
        return None

    def _refuse(self, sender: Address, why: str) -> None:
        if (sender, why) not in self._refused and len(self._refused) < TOLD:
            self._refused.add((sender, why))
            log.warning("connection refused (told once)", at=self.name, sender=str(sender), why=why)

    async def _admit(self, sock: socket.socket, sender: Address) -> None:
        try:
            sock.setblocking(False)
            for level, option, value in KEEPALIVE:
                sock.setsockopt(level, option, value)
            await self._loop.connect_accepted_socket(
                lambda: _Connection(self, sender),
                sock,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE if self._tls else None,
                ssl_shutdown_timeout=1 if self._tls else None,
            )
        except OSError as error:
            sock.close()
            self._refuse(sender, f"no TLS: {reason(error)}" if self._tls else reason(error))


class _Connection(asyncio.Protocol):
    """One sender."""

    transport: asyncio.Transport

    def __init__(self, receiver: Receiver, sender: Address) -> None:
        self._receiver, self._sender = receiver, sender
        self._framing = Framing()
        self._told: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._receiver.opened(self)

    def data_received(self, data: bytes) -> None:
        lines = self._framing.take(data)
        if lines:
            self._receiver.store(lines)
        self._tell()
        if self._framing.broken:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._framing.end()
        self._tell()
        for what, times in self._framing.troubles.items():
            if times > 1:
                self._warn(f"{what} ({times} times in all)")
        self._receiver.closed(self)

    def _tell(self) -> None:
        """Each trouble of a connection when it first comes."""
        found = [*self._framing.troubles, *filter(None, [self._framing.broken])]
        for what in found:
            if what not in self._told:
                self._told.add(what)
                self._warn(what)

    def _warn(self, what: str) -> None:
        log.warning("syslog problem", at=self._receiver.name, sender=str(self._sender), what=what)


def _sender(host: str) -> Address:
    """Who it is, an IPv4 address that came over an IPv6 socket as what it is."""
    address = ip_address(host)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
