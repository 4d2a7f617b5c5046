"""Syslog that is received: each line that was kept becomes one event, whoever sends it and however serving ends."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from servers.process import LOOPBACK, Certificates, free_port, make_ca
from servers.rsyslog import Rsyslog

from .site import Responder, systems

TLS = {"certificate": "tls/server.pem", "key": "tls/server.key"}


@dataclass
class Receiving:
    """A site that receives on a plain port and on one with TLS in both directions."""

    responder: Responder
    files: Certificates
    plain: int = field(default_factory=free_port)
    secure: int = field(default_factory=free_port)
    _seen: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.responder.configure(
            sources=[
                {"listen": f"{LOOPBACK}:{self.plain}", "format": "postfix", "from": ["127.0.0.0/8"]},
                {
                    "listen": f"{LOOPBACK}:{self.secure}",
                    "format": "postfix+dovecot",
                    "tls": {**TLS, "client_ca": "tls/ca.pem"},
                },
            ]
        )
        self.responder.set_policy(mode="watch")

    def connect(self, tls: bool) -> socket.socket:
        sender = socket.create_connection((LOOPBACK, self.secure if tls else self.plain), 10)
        if not tls:
            return sender
        context = ssl.create_default_context(cafile=self.files.ca)
        context.load_cert_chain(self.files.certificate, self.files.key)
        return context.wrap_socket(sender, server_hostname="localhost")

    def kept(self) -> Counter[str]:
        """The accounts of the lines that the spools hold whole, and of those that they were seen to hold before.

        Each file begins with a line that no other has, only grows, and stays a second after it was renamed.
        """
        for file in self.responder.folder.glob("var/received/*/lines*"):
            with suppress(FileNotFoundError):
                first, *lines = file.read_text(encoding="utf-8").split("\n")[:-1]
                self._seen[first] = [account(line) for line in lines]
        return Counter(name for names in self._seen.values() for name in names)

    def stored(self) -> Counter[str]:
        """How many events each account has; the stopped site reads what it has not read before."""
        self.responder.start()
        self.responder.stop()
        with duckdb.connect(str(self.responder.folder / "var" / "events.duckdb"), read_only=True) as store:
            return Counter(dict(store.execute("SELECT account, count(*) FROM events GROUP BY 1").fetchall()))


def line(account: str) -> str:
    """A failed login, which is an event by itself."""
    stamp = datetime.now(UTC).isoformat()
    said = "warning: unknown[192.0.2.60]: SASL LOGIN authentication failed: (reason unavailable)"
    return f"<22>{stamp} mx1 postfix/smtpd[11]: {said}, sasl_username={account}"


def as_program(account: str) -> str:
    """The same, as the program hands it to its own syslog daemon."""
    return f"<22>Nov 24 08:00:01 {line(account).partition(' mx1 ')[2]}"


def account(line: str) -> str:
    return line.rpartition("sasl_username=")[2]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Receiving]:
    """A site whose other systems do not answer: nothing is done here."""
    folder = tmp_path / "site"
    files = make_ca(folder / "tls")
    nobody = SimpleNamespace(
        ca=files.ca,
        service_dn="cn=responder,dc=example,dc=org",
        service_password="",
        people_base="ou=people,dc=example,dc=org",
        tls_url=f"ldaps://{LOOPBACK}:{free_port()}",
        url=f"http://{LOOPBACK}:{free_port()}",
        queue="Security",
    )
    parts: dict[str, Any] = systems(nobody, nobody, free_port(), nobody.url)
    responder = Responder(folder, parts, {"ldap": "secret", "desk": "token", "sms": "token"})
    yield Receiving(responder, files)
    responder.end()


@dataclass
class Sender:
    """Sends without end on one connection after the other, in one framing."""

    site: Receiving
    name: str
    tls: bool
    counted: bool
    sent: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def stop(self) -> None:
        """Ends the connection in order, after a whole line."""
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._over.is_set():
            with suppress(OSError), self.site.connect(self.tls) as connection:
                while not self._over.is_set():
                    self.sent += 1
                    one = line(f"{self.name}{self.sent:06d}").encode()
                    connection.sendall(b"%d %s" % (len(one), one) if self.counted else one + b"\n")
                    sleep(0.001)
            sleep(0.02)


def test_killed_while_it_receives_every_kept_line_is_one_event(site: Receiving) -> None:
    """Both framings, plain and over TLS, at once; the process dies twice with lines on their way."""
    senders = [
        Sender(site, f"{'tls' if tls else 'tcp'}{'count' if counted else 'line'}", tls, counted)
        for tls in (False, True)
        for counted in (False, True)
    ]
    for each in senders:
        each.start()
    try:
        for pause in (0.3, 1.1, 0):
            site.responder.start()
            grown = partial(_grew, _by_sender(site), site)
            site.responder.wait(grown, "lines of every sender")
            sleep(pause)
            if pause:
                site.responder.kill()
    finally:
        for each in senders:
            each.stop()
    last = {f"{each.name}{each.sent:06d}" for each in senders}
    site.responder.wait(lambda: last <= site.kept().keys(), "the last lines")
    site.responder.stop()
    kept = site.kept()
    assert set(kept.values()) == {1}
    assert site.stored() == kept


def test_a_real_rsyslog_s_lines_are_one_event_each(site: Receiving) -> None:
    """Over TLS; what it had to keep while nobody received, too.

    Some of that it hands to a connection that is dead already, and some twice: only it can know.
    """
    tls = {"listen": f"{LOOPBACK}:{site.secure}", "format": "postfix", "tls": TLS}
    site.responder.configure(sources=[tls])
    first, second = [[f"ann{half}{number:03d}" for number in range(300)] for half in (1, 2)]
    with Rsyslog(site.secure, site.files.ca) as rsyslog:
        site.responder.start()
        rsyslog.log(*map(as_program, first))
        site.responder.wait(lambda: site.kept() == Counter(first), "300 lines")
        site.responder.kill()
        rsyslog.log(*map(as_program, second))
        site.responder.start()
        site.responder.wait(lambda: second[-1] in site.kept(), "lines kept by the sender")
    site.responder.stop()
    kept = site.kept()
    assert kept.keys() <= {*first, *second}
    assert site.stored() == kept


def _by_sender(site: Receiving) -> Counter[str]:
    return Counter(name.rstrip("0123456789") for name in site.kept())


def _grew(before: Counter[str], site: Receiving) -> bool:
    """Whether some lines of each sender were kept since."""
    after = _by_sender(site)
    return len(after) == 4 and all(after[name] > before[name] + 50 for name in after)


def test_a_stop_in_order_keeps_what_was_sent(site: Receiving) -> None:
    """The next start reads what the last one received and had no time to read."""
    site.responder.start()
    with site.connect(tls=False) as plain, site.connect(tls=True) as secure:
        for number in range(300):
            plain.sendall(f"{line(f'plain{number}')}\n".encode())
            secure.sendall(f"{line(f'secure{number}')}\n".encode())
        site.responder.stop()
    assert site.stored() == Counter(
        f"{name}{number}" for name in ("plain", "secure") for number in range(300)
    )


def test_what_makes_receiving_impossible_is_told_with_its_place(site: Receiving) -> None:
    """Before anything is served: a port that is taken, files that are no certificates."""
    assert "All is well" in site.responder.ok("check", "--no-connections")
    with socket.create_server((LOOPBACK, site.plain)):
        done = site.responder.cli("serve")
    place = _place(site.responder.file, '"listen"')
    told = f"{place}: {LOOPBACK}:{site.plain}: cannot listen: Address already in use"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, told)
    site.files.certificate.unlink()
    place = _place(site.responder.file, '"tls"')
    told = f"{place}: {site.files.certificate}: cannot be read: No such file or directory"
    for command in (("check", "--no-connections"), ("serve",)):
        done = site.responder.cli(*command)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, told)


def _place(file: Path, key: str) -> str:
    """The first place where a key stands."""
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if key in text:
            return f"{file}:{number}:{text.index(key) + 1}"
    raise AssertionError(key)
