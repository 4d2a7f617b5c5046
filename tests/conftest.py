"""What the tests share: real servers, started when first asked for, and no network in unit tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket
from servers.dovecot import Dovecot
from servers.mail_sink import MailSink
from servers.postfix import Postfix
from servers.request_tracker import RequestTracker
from servers.slapd import Slapd
from servers.twilio_mock import SPECIFICATION, TwilioMock

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors but for one: ldap3 2.9.1, the last release, checks host names the old way."""
    config.addinivalue_line("filterwarnings", r"ignore:ssl\.match_hostname\(\):DeprecationWarning:ldap3")


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit test that opens a socket fails; unix sockets stay, event loops need them."""
    if not request.path.is_relative_to(TESTS / "unit"):
        yield
        return
    disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        enable_socket()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of inputs that are too large, or not ours, to live in this repository."""
    folder = Path(os.environ.get("RESPONDER_SHARED") or PROJECT.parent / "shared")
    if folder.is_dir():
        return folder
    missing = f"no folder {folder}: set RESPONDER_SHARED to the folder of shared inputs"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """A directory that all tests share: give an entry back as it was, or take `fresh_slapd`."""
    with Slapd() as server:
        yield server


@pytest.fixture
def fresh_slapd() -> Iterator[Slapd]:
    """A directory of the test's own, which it may change and stop."""
    with Slapd() as server:
        yield server


@pytest.fixture(scope="session")
def mail_sink() -> Iterator[MailSink]:
    """Where all mail of the tests ends; tests tell theirs apart by recipient."""
    with MailSink() as server:
        yield server


@pytest.fixture
def fresh_mail_sink() -> Iterator[MailSink]:
    """A sink of the test's own, which it may stop and count in."""
    with MailSink() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot(slapd: Slapd) -> Iterator[Dovecot]:
    """Checks the passwords of the directory's people for Postfix, from a file of its own."""
    with Dovecot({person.uid: person.password for person in slapd.people}) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot, mail_sink: MailSink) -> Iterator[Postfix]:
    """A submission server that all tests share, log included."""
    with Postfix(dovecot.sasl, mail_sink.port) as server:
        yield server


@pytest.fixture
def fresh_postfix(dovecot: Dovecot, mail_sink: MailSink) -> Iterator[Postfix]:
    """A submission server with an empty log and queue."""
    with Postfix(dovecot.sasl, mail_sink.port) as server:
        yield server


@pytest.fixture(scope="session")
def request_tracker() -> Iterator[RequestTracker]:
    """A ticket desk that all tests share; tests tell their tickets apart by reference."""
    with RequestTracker() as server:
        yield server


@pytest.fixture(scope="session")
def _twilio_server(shared: Path) -> Iterator[TwilioMock]:
    with TwilioMock(shared / SPECIFICATION) as server:
        yield server


@pytest.fixture
def twilio_mock(_twilio_server: TwilioMock) -> TwilioMock:
    """Twilio's API as Prism reads its description; each test counts from nought."""
    _twilio_server.forget()
    return _twilio_server
