"""The receiver on real sockets: both framings, TLS, and senders that behave badly."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from servers.process import LOOPBACK, Certificates, free_port, make_ca, wait_for
from structlog.testing import capture_logs

from responder.sources import receiver as receivers
from responder.sources.receiver import Receiver, listen
from responder.sources.spool import Spool, spool_file
from responder.sources.tls import server_context

UTC = ZoneInfo("UTC")


class Receiving:
    """A receiver at work, what is in its spool, and what it told."""

    def __init__(self, folder: Path, told: list[dict], host: str = LOOPBACK, **choices: object) -> None:
        self.port = free_port()
        self.file = spool_file(folder)
        self.told = told
        self.receiver = Receiver(listen(host, self.port), Spool(folder, UTC, None), **choices)
        self.receiver.start()

    def connect(self, host: str = LOOPBACK) -> socket.socket:
        return socket.create_connection((host, self.port), 10)

    def send(self, data: bytes) -> None:
        """On a connection of its own, which ends in order."""
        with self.connect() as sender:
            sender.sendall(data)

    def lines(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").splitlines()[1:]

    def wait(self, *lines: str) -> None:
        wait_for(lambda: self.lines() == list(lines), f"{len(lines)} lines", 10)

    def wait_told(self, **what: str) -> dict:
        return wait_for(
            lambda: next((each for each in self.told if what.items() <= each.items()), None), f"{what}", 10
        )


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Callable[..., Receiving]]:
    """Starts receivers."""
    made: list[Receiving] = []
    with capture_logs() as told:

        def start(**choices: object) -> Receiving:
            made.append(Receiving(tmp_path / f"spool{len(made)}", told, **choices))
            return made[-1]

        yield start
        for each in made:
            each.receiver.stop()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The server's certificate; its authority is the senders' too."""
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of another authority."""
    return make_ca(tmp_path_factory.mktemp("strangers"))


def over_tls(port: int, trusted: Certificates, own: Certificates | None = None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=trusted.ca)
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return context.wrap_socket(socket.create_connection((LOOPBACK, port), 10), server_hostname="localhost")


def is_ended(sender: socket.socket) -> bool:
    """Whether the other side ends the connection, in order or not."""
    try:
        return sender.recv(1) == b""
    except ConnectionError:
        return True


def test_each_connection_has_its_framing(receiving):
    """At the same time, in pieces, and one bad sender in between."""
    site = receiving()
    with site.connect() as by_count, site.connect() as by_line, site.connect() as bad:
        by_count.sendall(b"7 <22>o")
        by_line.sendall(b"<22>two\n<22>th")
        bad.sendall(b"\x16\x03\x01")
        assert is_ended(bad)
        site.wait("<22>two")
        by_count.sendall(b"ne8 <22>a\n<b")
        site.wait("<22>two", "<22>one", "<22>a\ufffd<b")
        by_line.sendall(b"ree\n")
        site.wait("<22>two", "<22>one", "<22>a\ufffd<b", "<22>three")


def test_what_was_wrong_is_told_with_the_sender(receiving):
    """Each thing once a connection, and at its end how often."""
    site = receiving()
    site.send(b"<22>one\nnone\nnone\nnone\n<22>tw")
    site.send(b"7 <22>two0 ")
    site.wait("<22>one", "<22>two")
    passed_over = "a message that does not begin with a priority (<PRI>); passed over"
    site.wait_told(sender=LOOPBACK, what=f"{passed_over} (3 times in all)")
    site.wait_told(sender=LOOPBACK, what="no count where the next message begins; the connection was ended")
    told = [each["what"] for each in site.told if each["event"] == "syslog problem"]
    assert told.count(passed_over) == 1
    assert told.count("ended in the middle of a message, which is lost") == 1


def test_a_sender_that_resets_its_connection_has_sent_what_it_sent(receiving):
    """Whole messages count, however the connection ends; others are not disturbed."""
    site = receiving()
    with site.connect() as other, site.connect() as sender:
        sender.sendall(b"<22>one\n<22>tw")
        site.wait("<22>one")
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sender.close()
        site.wait_told(what="ended in the middle of a message, which is lost")
        other.sendall(b"<22>three\n")
        site.wait("<22>one", "<22>three")


def test_many_senders_at_once(receiving):
    """Each line whole, the lines of one sender in their order."""
    site = receiving()
    senders = [site.connect() for _ in range(50)]
    for part in range(20):
        for number, sender in enumerate(senders):
            line = b"<22>%d %d %s\n" % (number, part, b"x" * 1000)
            sender.sendall(line[:500])
            sender.sendall(line[500:])
    for sender in senders:
        sender.close()
    wait_for(lambda: len(site.lines()) == 1000, "1000 lines", 10)
    found = [line.split() for line in site.lines()]
    for number in range(50):
        assert [part for sender, part, _ in found if sender == f"<22>{number}"] == [str(n) for n in range(20)]


def test_only_those_that_may_send_are_heard(receiving):
    """By address or network; a refusal is told once a sender."""
    site = receiving(senders=[ip_network("192.0.2.0/24"), ip_network("127.0.0.2")])
    for _ in range(2):
        with site.connect() as sender:
            assert is_ended(sender)
    with socket.create_connection((LOOPBACK, site.port), 10, source_address=("127.0.0.2", 0)) as sender:
        sender.sendall(b"<22>one\n")
        site.wait("<22>one")
    refused = [each for each in site.told if each["event"] == "connection refused (told once)"]
    assert [(each["sender"], each["why"]) for each in refused] == [
        (LOOPBACK, "not among those that may send (from)")
    ]


def test_an_ipv4_sender_is_known_on_an_ipv6_socket(receiving):
    """The address :: is for both."""
    site = receiving(host="::", senders=[ip_network("127.0.0.0/8")])
    site.send(b"<22>one\n")
    site.wait("<22>one")
    with site.connect("::1") as sender:
        assert is_ended(sender)
    site.wait_told(sender="::1", why="not among those that may send (from)")


def test_there_is_a_limit_to_connections(receiving, monkeypatch):
    """One too many is refused; when another ends there is room."""
    monkeypatch.setattr(receivers, "CONNECTIONS", 2)
    site = receiving()
    with site.connect() as first:
        first.sendall(b"<22>one\n")
        site.wait("<22>one")
        with site.connect() as second:
            second.sendall(b"<22>two\n")
            site.wait("<22>one", "<22>two")
            with site.connect() as third:
                assert is_ended(third)
        site.wait_told(why="2 connections are open")
        wait_for(lambda: len(site.receiver._open) == 1, "room", 10)
        site.send(b"<22>three\n")
        site.wait("<22>one", "<22>two", "<22>three")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_over_tls(receiving, files, version):
    """Two versions are spoken; a sender that begins without TLS, or hangs up, is told of."""
    site = receiving(tls=server_context(files.certificate, files.key, None))
    context = ssl.create_default_context(cafile=files.ca)
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(site.connect(), server_hostname="localhost") as sender:
        assert sender.version() == version.name.replace("_", ".")
        sender.sendall(b"7 <22>one7 <22>two")
        site.wait("<22>one", "<22>two")
    with site.connect() as sender:
        sender.sendall(b"<22>three\n")
        assert is_ended(sender)
    wait_for(lambda: any(str(each.get("why")).startswith("no TLS: ") for each in site.told), "a word", 10)
    assert site.lines() == ["<22>one", "<22>two"]


def test_a_slow_handshake_holds_nobody_up(receiving, files, monkeypatch):
    """And does not last for ever."""
    monkeypatch.setattr(receivers, "HANDSHAKE", 0.5)
    site = receiving(tls=server_context(files.certificate, files.key, None))
    with site.connect() as slow:
        with over_tls(site.port, files) as sender:
            sender.sendall(b"<22>one\n")
            site.wait("<22>one")
        assert is_ended(slow)


def test_with_a_client_authority_only_its_certificates_are_taken(receiving, files, strangers):
    """Neither none nor one of another authority."""
    site = receiving(tls=server_context(files.certificate, files.key, files.ca))
    for own in (None, strangers):
        sender = over_tls(site.port, files, own)
        with sender, pytest.raises((ssl.SSLError, ConnectionError)):
            while True:  # TLS 1.3 tells the client afterwards
                sender.sendall(b"<22>none\n")
                sender.recv(1)
    with over_tls(site.port, files, files) as sender:
        sender.sendall(b"<22>one\n")
        site.wait("<22>one")
    site.wait_told(why="no TLS: peer did not return a certificate")
    site.wait_told(why="no TLS: certificate verify failed")


def test_without_space_senders_wait(receiving, monkeypatch):
    """What was sent meanwhile comes in order once there is space."""
    monkeypatch.setattr(receivers, "AGAIN", 0.05)
    write, full = os.write, [True]

    def narrow(file: int, data: bytes) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    site = receiving()
    more = b"".join(b"<22>%d %s\n" % (number, b"x" * 1000) for number in range(2, 20_000))
    with site.connect() as sender, site.connect() as other:
        monkeypatch.setattr(os, "write", narrow)
        sender.sendall(b"<22>1\n")
        site.wait_told(event="received lines cannot be kept; senders wait", why="No space left on device")
        sender.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sender.sendall(more)
        other.sendall(b"<22>other\n")
        assert site.receiver.spool.waiting < 1_000_000
        assert site.lines() == []
        full[0] = False
        site.wait_told(event="received lines are kept again")
        wait_for(lambda: "<22>other" in site.lines(), "the other's line", 10)


def test_what_is_on_its_way_at_the_end_is_kept(receiving, files):
    """The connections are ended, and nobody can connect any more."""
    plain, secure = receiving(), receiving(tls=server_context(files.certificate, files.key, None))
    with plain.connect() as one, over_tls(secure.port, files) as two, secure.connect():
        one.sendall(b"<22>one\n" * 10_000)
        two.sendall(b"<22>one\n" * 1000)
        plain.receiver.stop()
        secure.receiver.stop()
        assert is_ended(one)
    assert (len(plain.lines()), len(secure.lines())) == (10_000, 1000)
    for site in (plain, secure):
        with pytest.raises(OSError, match="refused"):
            site.connect()


def test_an_open_port_is_warned_of(receiving, files):
    """Who can write log lines can make anybody look guilty."""
    receiving(host="0.0.0.0", senders=[ip_network("192.0.2.1")])
    receiving(host="0.0.0.0", tls=server_context(files.certificate, files.key, files.ca))
    receiving()
    words = "anybody who reaches this port can write log lines"
    site = receiving(host="0.0.0.0")
    assert [each["at"] for each in site.told if each["event"] == words] == [f"0.0.0.0:{site.port}"]
