"""Twilio's own API description, served by Prism: it checks each request and answers with an example."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from .node_tools import installed
from .process import LOOPBACK, Process, Server, free_port, program, wait_for

PACKAGE = "@stoplight/prism-cli"
SPECIFICATION = Path("specs") / "twilio_api_v2010.messages-calls.yaml"

RECEIVED = re.compile(r"\[HTTP SERVER\] (?P<method>[a-z]+) (?P<path>\S+) .* Request received$")
ANSWERED = re.compile(r"\[NEGOTIATOR\] .* > Responding with \"(?P<status>\d{3})\"$")
REFUSED = re.compile(r"\[HTTP SERVER\] .* Request terminated with error: ")


class TwilioMock(Server):
    """Messages and calls of the 2010-04-01 API; it remembers nothing of what was sent."""

    name = "twilio"

    def __init__(self, specification: Path) -> None:
        self._node = program("node", "nodejs")
        if not specification.is_file():
            raise FileNotFoundError(specification)
        self._prism = installed(PACKAGE) / "dist" / "index.js"
        super().__init__()
        self._specification = specification
        self._log = self.folder / "prism.log"
        self._seen = 0
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of each request that was answered 2xx since the start or the last `forget`."""
        return self._accepted()[self._seen :]

    def posts(self, resource: str = "Messages.json") -> int:
        """How many POSTs of this resource were answered 2xx."""
        return sum(method == "POST" and path.endswith(f"/{resource}") for method, path in self.requests())

    def forget(self) -> None:
        """Count from here on."""
        self._seen = len(self._accepted())

    def _accepted(self) -> list[tuple[str, str]]:
        return list(accepted(self._settled()))

    def _settled(self) -> list[str]:
        """The log's lines once Prism has written the outcome of each request that it received."""

        def settled() -> list[str]:
            text = self._log.read_text(errors="replace")
            lines = text.splitlines()
            waiting = sum(bool(RECEIVED.search(line)) for line in lines)
            waiting -= sum(bool(ANSWERED.search(line) or REFUSED.search(line)) for line in lines)
            time.sleep(0.05)  # an answer can reach the client a moment before its lines reach the log
            unchanged = self._log.stat().st_size == len(text.encode())
            return [*lines, ""] if unchanged and waiting <= 0 else []

        return wait_for(settled, "outcome of every request in Prism's log", 10)

    def _launch(self) -> Process:
        return Process(
            self._node,
            *(self._prism, "mock", "-h", LOOPBACK, "-p", str(self.port), self._specification),
            output=self._log,
            env={"NO_COLOR": "1", "FORCE_COLOR": "0"},
        )

    def _await(self, process: Process) -> None:
        process.wait_port(self.port)


def accepted(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The requests of a Prism log that were answered 2xx.

    Prism writes no request ids: an outcome belongs to the last request received before it, which
    holds as long as requests come one after the other.
    """
    request: tuple[str, str] | None = None
    for line in lines:
        if found := RECEIVED.search(line):
            request = (found["method"].upper(), found["path"])
        elif REFUSED.search(line):
            request = None
        elif request and (found := ANSWERED.search(line)):
            if found["status"].startswith("2"):
                yield request
            request = None
