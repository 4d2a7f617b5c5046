"""What every stand-in shares: a server on a free port of 127.0.0.1, open as long as its ``with`` block."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Self

HOST = "127.0.0.1"
HANDLERS_MAY_TAKE = 2.0  # seconds; after that the block ends all the same


class _Server(ThreadingTCPServer):
    """Knows its open connections, so that closing the server closes them too."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: Callable[[Any, Any, Any], BaseRequestHandler]) -> None:
        self.open: set[socket.socket] = set()
        super().__init__((HOST, 0), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End every connection and wait until its thread has let go of it."""
        until = time.monotonic() + HANDLERS_MAY_TAKE
        while self.open and time.monotonic() < until:
            for connection in list(self.open):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.005)


class StandIn:
    """A server that only pretends: it speaks the real protocol, to this machine alone."""

    label = "stand-in"

    def __init__(self, handler: Callable[[Any, Any, Any], BaseRequestHandler]) -> None:
        self._handler = handler
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self._handler)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name=self.label, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            self._thread.join()
            server.hang_up()
            server.server_close()

    @property
    def port(self) -> int:
        """The port that it listens on; only inside the ``with`` block."""
        if self._server is None:
            raise RuntimeError(f"{self.label} is not listening: use it in a with block")
        return int(self._server.server_address[1])
