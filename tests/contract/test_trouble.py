"""Answers that are lost, late or no: what each adapter makes of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from responder.demo.directory import Person, StandInDirectory
from responder.demo.web import Reply, Request, WebStandIn
from responder.errors import OutcomeUnknown, SystemFault, SystemRefused, SystemUnreachable
from responder.systems.facts import SiteFacts
from responder.systems.mail import Mail, SmtpRelay, SmtpSettings
from responder.systems.openldap import OpenLdap, OpenLdapSettings
from responder.systems.request_tracker import RequestTracker, RequestTrackerSettings
from responder.systems.twilio_sms import TwilioSettings, TwilioSms

SITE = SiteFacts("Example University", "example.org", "help", "en")
REFERENCE = "uni-1-1-ticket"


class Told(WebStandIn):
    """Answers what ``tell`` says, after ``delay`` seconds for a POST."""

    label = "misbehaving server"

    def __init__(self, tell: Callable[[Request], Reply], delay: float = 0) -> None:
        super().__init__()
        self.tell, self.delay = tell, delay

    def answer(self, asked: Request) -> Reply:
        if asked.method == "POST":
            time.sleep(self.delay)
        return self.tell(asked)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "PASSWORD"):
        monkeypatch.setenv(name, "secret-value")


def _desk(url: str, timeout: float = 5) -> RequestTracker:
    written = {
        "kind": "request_tracker",
        "url": url,
        "token": {"env": "TOKEN"},
        "queue": "Q",
        "timeout": timeout,
    }
    return RequestTracker(RequestTrackerSettings.model_validate(written), SITE)


def _rt(asked: Request, post: Reply, kept: str = REFERENCE) -> Reply:
    """As Request Tracker answers, but for the opening of a ticket."""
    if asked.method == "POST":
        return post
    if asked.path.endswith("/tickets"):
        return Reply(200, {"items": []})
    if "/queue/" in asked.path:
        return Reply(200, {"TicketCustomFields": [{"name": "ExternalRef"}]})
    return Reply(200, {"id": 7, "CustomFields": [{"name": "ExternalRef", "values": [kept] if kept else []}]})


def _open(desk: RequestTracker) -> Any:
    return desk.open(subject="s", text="t", queue="Q", reference=REFERENCE)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply(500, {"message": "broken"}), OutcomeUnknown),
        (Reply(502, "<html>"), OutcomeUnknown),
        (Reply(504, {}), OutcomeUnknown),
        (Reply(503, {}, {"Retry-After": "20"}), SystemUnreachable),
        (Reply(429, {}, {"Retry-After": "20"}), SystemUnreachable),
        (Reply(400, {"message": "no"}), SystemRefused),
        (Reply(403, {"message": "no"}), SystemRefused),
        (Reply(302, {}, {"Location": "https://sso.example.org/"}), SystemRefused),
        (Reply(201, "a page"), OutcomeUnknown),
        (Reply(201, {}), OutcomeUnknown),
    ],
)
def test_each_answer_to_an_opening_says_whether_it_may_have_been_done(
    reply: Reply, fault: type[SystemFault]
) -> None:
    """Server errors may have opened the ticket; "not now" and "no" have not."""
    with Told(lambda asked: _rt(asked, reply)) as server, pytest.raises(fault) as caught:
        _open(_desk(server.url))
    assert type(caught.value) is fault
    if isinstance(caught.value, SystemUnreachable):
        assert caught.value.retry_after == 20
    assert "secret-value" not in str(caught.value)


def test_a_late_answer_to_an_opening_is_an_unknown_outcome() -> None:
    """The ticket may exist."""
    opening = Told(lambda asked: _rt(asked, Reply(201, {"id": 7})), delay=1)
    with opening as server, pytest.raises(OutcomeUnknown):
        _open(_desk(server.url, timeout=0.3))


def test_a_late_answer_to_a_question_is_safe_to_ask_again() -> None:
    """Nothing was to be done."""

    def late(asked: Request) -> Reply:
        time.sleep(1)
        return Reply(200, {})

    with Told(late) as server, pytest.raises(SystemUnreachable):
        _desk(server.url, timeout=0.3).find(REFERENCE)


def test_a_ticket_that_cannot_be_read_back_is_an_unknown_outcome() -> None:
    """It was opened, so that "unreachable" would be wrong."""

    def tell(asked: Request) -> Reply:
        return Reply(503, {}) if asked.path.endswith("/ticket/7") else _rt(asked, Reply(201, {"id": 7}))

    with Told(tell) as server, pytest.raises(OutcomeUnknown, match="ticket 7 was opened"):
        _open(_desk(server.url))


def test_a_ticket_whose_reference_was_dropped_is_said_so_with_its_number() -> None:
    """It is refused for good: opening another would drop it again."""
    dropping = Told(lambda asked: _rt(asked, Reply(201, {"id": 7}), kept=""))
    with dropping as server, pytest.raises(SystemRefused, match="ticket 7 was opened without its reference"):
        _open(_desk(server.url))


def test_tickets_that_do_not_bear_the_reference_are_not_ours() -> None:
    """A search that answers with too much is not believed."""
    found = Reply(200, {"items": [{"id": "7"}, {"id": "8"}]})
    with Told(
        lambda asked: found if asked.path.endswith("/tickets") else _rt(asked, found, "other")
    ) as server:
        assert _desk(server.url).find(REFERENCE) == []


def test_a_page_in_the_place_of_an_answer_is_refused() -> None:
    """A login page must not read as "no ticket yet"."""
    with (
        Told(lambda _: Reply(200, "<html>")) as server,
        pytest.raises(SystemRefused, match="other than JSON"),
    ):
        _desk(server.url).find(REFERENCE)


def _sms(url: str, timeout: float = 5) -> TwilioSms:
    written = {"kind": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": {"env": "TOKEN"}}
    written |= {"from": "+33639980098", "base_url": url, "timeout": timeout}  # type: ignore[dict-item]
    return TwilioSms(TwilioSettings.model_validate(written), SITE)


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, 21211, SystemRefused),
        (400, 21610, SystemRefused),
        (400, 21608, SystemRefused),
        (429, 20429, SystemUnreachable),
        (500, 20500, OutcomeUnknown),
        (503, 20503, OutcomeUnknown),
    ],
)
def test_each_answer_to_a_text_says_whether_it_may_have_been_sent(
    status: int, code: int, fault: type[SystemFault]
) -> None:
    """A wrong number stays wrong, "too fast" is worth another try, a server error may have sent it."""
    reply = Reply(status, {"code": code, "message": "text", "status": status})
    with Told(lambda _: reply) as server, pytest.raises(fault, match=str(code)) as caught:
        _sms(server.url).send("+33639980001", "x")
    assert type(caught.value) is fault


def test_a_late_answer_to_a_text_is_an_unknown_outcome() -> None:
    """It is sent all the same; the client posts once."""
    asked: list[str] = []

    def tell(request: Request) -> Reply:
        asked.append(request.method)
        return Reply(201, {"sid": "SM1"})

    with Told(tell, delay=1) as server, pytest.raises(OutcomeUnknown):
        _sms(server.url, timeout=0.3).send("+33639980001", "x")
    assert asked == ["POST"]


@contextmanager
def smtp(*answers: str) -> Iterator[int]:
    """An SMTP server that greets, gives these answers in turn, then hangs up; yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 relay.example.org\r\n")
            for answer in answers:
                lines.readline()
                connection.sendall(answer.encode() + b"\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join(5)
        listening.close()


def _send(port: int, to: str = "a@example.net") -> None:
    written = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "timeout": 5}
    relay = SmtpRelay(SmtpSettings.model_validate({**written, "from": "security@example.org"}), SITE)
    relay.send(Mail(to, "s", "t", REFERENCE))


BEGUN = ("250 relay.example.org", "250 sender ok", "250 recipient ok")


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ((), SystemUnreachable),
        (BEGUN[:1], SystemUnreachable),
        ((*BEGUN[:1], "550 no such sender"), SystemRefused),
        (BEGUN, OutcomeUnknown),
        ((*BEGUN, "354 go on"), OutcomeUnknown),
        ((*BEGUN, "451 not now"), SystemUnreachable),
        ((*BEGUN, "554 no"), SystemRefused),
    ],
)
def test_where_a_mail_is_lost_says_whether_it_may_have_been_taken(
    answers: tuple[str, ...], fault: type[SystemFault]
) -> None:
    """Before the text nothing was taken; after it has begun, only the relay knows."""
    with smtp(*answers) as port, pytest.raises(fault) as caught:
        _send(port)
    assert type(caught.value) is fault


def test_an_address_of_other_letters_is_refused_where_the_relay_does_not_take_it() -> None:
    """Nothing is sent in another spelling."""
    with smtp(BEGUN[0], "221 bye") as port, pytest.raises(SystemRefused, match="SMTPUTF8"):
        _send(port, "hélène@example.net")


@contextmanager
def losing_answers_to(server: int, mark: bytes) -> Iterator[int]:
    """A relay to ``server`` that hangs up when a request with ``mark`` is answered; yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def carry(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", server)) as upstream:
            while data := client.recv(65536):
                upstream.sendall(data)
                if data[5:6] == b"B" or len(data) < 10:  # unbind has no answer
                    return
                answer = upstream.recv(65536)
                if mark in data:
                    return
                client.sendall(answer)

    def serve() -> None:
        while not over.is_set():
            client, _ = listening.accept()
            carry(client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        socket.create_connection(listening.getsockname()).close()
        thread.join(5)
        listening.close()


def test_a_lost_answer_of_the_directory_is_an_unknown_outcome() -> None:
    """The entry is locked all the same, as the next look tells; a lost search is safe to ask again."""
    person = Person("jroe", "Jo Roe", "jroe@example.org", "", "", "en", "pw", "staff")
    with StandInDirectory([person], service_password="secret-value") as stand_in:
        for mark, fault in ((b"000001010000Z", OutcomeUnknown), (b"entryUUID", SystemUnreachable)):
            with losing_answers_to(stand_in.port, mark) as port:
                directory = _directory(stand_in, port)
                direct = _directory(stand_in, stand_in.port)
                seen = direct.lock_state(direct.owner("jroe").entry_id)
                with pytest.raises(fault):
                    directory.lock(seen)
        assert stand_in.is_locked("jroe")


def _directory(stand_in: StandInDirectory, port: int) -> OpenLdap:
    written = {
        "kind": "openldap",
        "servers": [f"ldap://127.0.0.1:{port}"],
        "allow_clear_text": True,
        "bind_dn": stand_in.service_dn,
        "password": {"env": "PASSWORD"},
        "base": stand_in.base,
        "timeout": 2,
    }
    return OpenLdap(OpenLdapSettings.model_validate(written), SITE)
