"""What every server here needs: a free port, certificates, a folder, and an end that leaves nothing."""

from __future__ import annotations

import datetime
import ipaddress
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
PACKAGES = "deploy/debian/test-packages.txt"
# Below Linux's range for outgoing connections: no client can take a server's port while it is stopped.
PORTS = range(20000, 32768)
_given: set[int] = set()


class MissingProgram(RuntimeError):
    """A program that the tests need is not on this machine."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(
            f"{name} is missing: install the Debian package {package} of {PACKAGES} "
            f"(deploy/debian/install.sh installs all of them)"
        )
        self.package = package


class ServerFailed(RuntimeError):
    """A server ended early, or never became ready; the text has the last lines of its output."""


def program(name: str, package: str) -> str:
    """The path of an installed program; without it the test fails and names the Debian package."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        raise MissingProgram(name, package)
    return path


def free_port() -> int:
    """A high loopback port that nothing listens on, and that this process has not given out before."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            if port not in _given:
                _given.add(port)
                return port


def wait_for(check: Callable[[], T], what: str, timeout: float = 30.0, every: float = 0.02) -> T:
    """The first true answer of `check`; `TimeoutError` says what was waited for in vain."""
    end = time.monotonic() + timeout
    while True:
        if answer := check():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(every)


def port_open(port: int) -> bool:
    """Whether something on loopback accepts connections on this port."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), 0.5):
        return True
    return False


def wait_port(port: int, timeout: float = 30.0) -> None:
    """Returns as soon as something on loopback accepts connections on this port."""
    wait_for(lambda: port_open(port), f"port {port}", timeout)


def run(*command: str | Path, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """A short program's standard output; it fails with everything that the program said."""
    done = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        env=None if env is None else {**os.environ, **env},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailed(f"{command[0]} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class ProcessId:
    """A process told from a later one of the same number by the tick at which it started."""

    number: int
    started: int

    def alive(self) -> bool:
        """Whether it still runs; one that ended and waits to be collected does not."""
        stat = _stat(self.number)
        return stat is not None and stat.started == self.started and stat.state != "Z"

    def kill(self) -> None:
        """End it at once, if it is still the same process."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.number, signal.SIGKILL)


@dataclass(frozen=True)
class _Stat:
    state: str
    parent: int
    started: int


def _stat(number: int) -> _Stat | None:
    # proc(5): the name may hold spaces and parentheses, the fields begin after its last one.
    try:
        fields = Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return _Stat(fields[0], int(fields[1]), int(fields[19]))


def process_tree(number: int) -> list[ProcessId]:
    """A process and all its descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            stats[int(entry.name)] = stat
            children[stat.parent].append(int(entry.name))
    family = [number]
    for member in family:
        family.extend(children[member])
    return [ProcessId(member, stats[member].started) for member in family if member in stats]


class Process:
    """A server program in the foreground, its output in a file, ended by its own id."""

    def __init__(
        self,
        *command: str | Path,
        output: Path,
        env: Mapping[str, str] | None = None,
        own_session: bool = False,
    ) -> None:
        self.output = output
        self.name = Path(command[0]).name
        with output.open("ab") as out:
            self._popen = subprocess.Popen(
                [str(word) for word in command],
                env=None if env is None else {**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=own_session,
            )

    @property
    def pid(self) -> int:
        """The number of the program itself; its children are found from it."""
        return self._popen.pid

    def wait_until(self, ready: Callable[[], object], what: str, timeout: float = 30.0) -> None:
        """Returns once `ready` is true; fails at once, with the output's end, if the program died."""

        def check() -> bool:
            if self._popen.poll() is not None:
                raise ServerFailed(f"{self.name} exited {self._popen.returncode}\n{self.tail()}")
            return bool(ready())

        try:
            wait_for(check, what, timeout)
        except TimeoutError as error:
            raise ServerFailed(f"{self.name}: {error}\n{self.tail()}") from error

    def wait_port(self, port: int, timeout: float = 30.0) -> None:
        """Returns once the program accepts connections on this port."""
        self.wait_until(lambda: port_open(port), f"port {port}", timeout)

    def tail(self, lines: int = 20) -> str:
        """The last lines that the program wrote."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to end, wait, and kill what is left of its tree."""
        family = process_tree(self.pid)
        self._popen.terminate()

        def ended() -> bool:
            self._popen.poll()
            return not any(member.alive() for member in family)

        with suppress(TimeoutError):
            wait_for(ended, f"end of {self.name}", patience)
        for member in family:
            member.kill()
        wait_for(ended, f"end of {self.name}, killed", 5.0)
        self._popen.wait()


class Server(ABC):
    """A server in a temporary folder of its own: it can be stopped and started again with its data."""

    name: ClassVar[str]
    patience: ClassVar[float] = 10.0

    def __init__(self) -> None:
        # Not pytest's tmp_path: daemons that drop their rights must be able to pass every parent folder.
        self.folder = Path(tempfile.mkdtemp(prefix=f"responder-{self.name}-"))
        self.folder.chmod(0o755)
        self._process: Process | None = None

    @abstractmethod
    def _launch(self) -> Process:
        """Write what the server needs and start its program."""

    @abstractmethod
    def _await(self, process: Process) -> None:
        """Return once the server answers."""

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def start(self) -> Self:
        """Start it, or do nothing when it runs; returns once it answers."""
        if self._process is None:
            process = self._launch()
            try:
                self._await(process)
            except BaseException:
                process.stop(self.patience)
                raise
            self._process = process
        return self

    def stop(self) -> None:
        """Stop it and keep its data, as if the machine were down."""
        if self._process is not None:
            self._process.stop(self.patience)
            self._process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Certificates:
    """Files of a throw-away authority and of one server certificate that it signed."""

    ca: Path
    certificate: Path
    key: Path


def make_ca(
    folder: Path, names: Sequence[str] = ("localhost",), addresses: Sequence[str] = (LOOPBACK,)
) -> Certificates:
    """An authority valid for a month and a server certificate for these names and addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca_name, ca_key = _common_name("responder test authority"), ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName(
        [
            *(x509.DNSName(name) for name in names),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    ca = _builder(ca_name, ca_key, ca_name, ca_key, is_ca=True).add_extension(usage, critical=True)
    server = _builder(_common_name(names[0]), server_key, ca_name, ca_key, is_ca=False)
    server = server.add_extension(alternatives, critical=False)
    pem = serialization.Encoding.PEM
    files.ca.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.certificate.write_bytes(server.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + 30 * day)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(issuer_id, critical=False)
    )
