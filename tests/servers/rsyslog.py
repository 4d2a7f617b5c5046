"""A real rsyslog that forwards what is logged at its socket, octet-counted over TCP or TLS."""

from __future__ import annotations

import socket
from pathlib import Path

from .process import LOOPBACK, MissingProgram, Process, Server, program

PACKAGE, TLS_PACKAGE = "rsyslog", "rsyslog-openssl"

CONFIGURATION = """\
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{folder}/log" rateLimit.interval="0")
action(
  type="omfwd" target="{host}" port="{port}" protocol="tcp" tcp_framing="octet-counted"
  template="RSYSLOG_ForwardFormat" action.resumeRetryCount="-1" action.resumeInterval="1" {tls}
)
"""
TLS = """
  streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/name" streamDriverPermittedPeers="localhost"
  streamDriver.CAFile="{ca}"
"""


class Rsyslog(Server):
    """Forwards to a port on loopback; with ``ca``, over TLS to a server whose certificate is of that authority."""

    name = "rsyslog"

    def __init__(self, port: int, ca: Path | None = None) -> None:
        super().__init__()
        self._port, self._ca = port, ca

    def _launch(self) -> Process:
        daemon = program("rsyslogd", PACKAGE)
        if self._ca and not list(Path("/usr/lib").glob("**/rsyslog/lmnsd_ossl.so")):
            raise MissingProgram("lmnsd_ossl.so", TLS_PACKAGE)
        tls = TLS.format(ca=self._ca) if self._ca else ""
        file = self.folder / "rsyslog.conf"
        file.write_text(
            CONFIGURATION.format(folder=self.folder, host=LOOPBACK, port=self._port, tls=tls),
            encoding="utf-8",
        )
        output = self.folder / "rsyslog.out"
        return Process(daemon, "-n", "-C", "-i", "NONE", "-f", file, output=output)

    def _await(self, process: Process) -> None:
        process.wait_until((self.folder / "log").exists, "its socket")

    def log(self, *lines: str) -> None:
        """Each as a program logs: ``<PRI>STAMP PROGRAM[PID]: MESSAGE``; it adds the host, and its own time."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as program:
            program.connect(str(self.folder / "log"))
            for line in lines:
                program.send(line.encode())
