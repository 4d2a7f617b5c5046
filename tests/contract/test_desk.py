"""The ticket desk port, alike on the stand-in and on a real Request Tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from servers.request_tracker import RequestTracker as Server

from responder.demo.desk import StandInDesk
from responder.errors import SystemRefused, SystemUnreachable
from responder.systems.facts import SiteFacts
from responder.systems.request_tracker import RequestTracker, RequestTrackerSettings

SITE = SiteFacts("Example University", "example.org", "help", "en")


@dataclass
class Subject:
    """A desk under test, the settings that lead to it, and the comments of a ticket seen from outside."""

    desk: RequestTracker
    settings: dict[str, Any]
    comments: Callable[[str], list[str]]


@pytest.fixture(params=["stand-in", "request tracker"])
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """Each test runs on both."""
    if request.param == "request tracker":
        server: Server = request.getfixturevalue("request_tracker")
        monkeypatch.setenv("DESK_TOKEN", server.token)
        settings = {"url": server.url, "queue": server.queue}
        yield Subject(_desk(settings), settings, lambda number: _texts(server, number))
        return
    with StandInDesk() as stand_in:
        monkeypatch.setenv("DESK_TOKEN", stand_in.token)
        settings = {"url": stand_in.url, "queue": stand_in.queue}
        yield Subject(_desk(settings), settings, lambda number: stand_in.tickets[int(number) - 1].comments)


def _texts(server: Server, number: str) -> list[str]:
    return [text for each in server.history(number) if each["Type"] == "Comment" for text in each["Texts"]]


def _desk(settings: dict[str, Any]) -> RequestTracker:
    written = {"kind": "request_tracker", "token": {"env": "DESK_TOKEN"}, **settings}
    return RequestTracker(RequestTrackerSettings.model_validate(written), SITE)


def _reference() -> str:
    return f"uni-{uuid4()}"


def _open(desk: RequestTracker, reference: str, **more: str) -> Any:
    what = {"subject": "Hijacked mailbox: jroe", "text": "Voilà\n\nline two", "queue": desk.queue, **more}
    return desk.open(reference=reference, **what)


def test_a_ticket_is_opened_and_found_by_its_reference(subject: Subject) -> None:
    """What comes back is the ticket itself, with its number and address."""
    reference = _reference()
    assert subject.desk.find(reference) == []
    ticket = _open(subject.desk, reference)
    assert subject.desk.find(reference) == [ticket]
    assert (ticket.reference, ticket.subject, ticket.status) == (reference, "Hijacked mailbox: jroe", "new")
    assert ticket.url == f"{subject.settings['url']}/Ticket/Display.html?id={ticket.id}"


def test_opening_twice_gives_one_ticket(subject: Subject) -> None:
    """The second time the first one is returned, whatever its status."""
    reference = _reference()
    first = _open(subject.desk, reference)
    assert _open(subject.desk, reference, subject="other") == first
    assert len(subject.desk.find(reference)) == 1


def test_a_reference_is_found_whole_and_not_in_part(subject: Subject) -> None:
    """A longer reference is another ticket's."""
    reference = _reference()
    _open(subject.desk, f"{reference}-undo")
    assert subject.desk.find(reference) == []


@pytest.mark.parametrize("reference", ["", "a'b", "A", "x' OR Queue = 'Security", "é", "a\n"])
def test_a_reference_that_would_need_quoting_is_not_asked_for(subject: Subject, reference: str) -> None:
    """It is a mistake of the program, not of the desk."""
    with pytest.raises(ValueError, match="small letters, digits and hyphens only"):
        subject.desk.find(reference)


def test_a_comment_is_added(subject: Subject) -> None:
    """The text is there, and the ticket is otherwise as it was."""
    ticket = _open(subject.desk, _reference())
    subject.desk.comment(ticket.id, "Taken back by ann: voilà.")
    assert "Taken back by ann: voilà." in "".join(subject.comments(ticket.id))
    assert subject.desk.find(ticket.reference) == [ticket]


def test_a_comment_on_a_ticket_that_is_not_there_is_refused(subject: Subject) -> None:
    """A number that the desk does not have."""
    with pytest.raises(SystemRefused):
        subject.desk.comment("99999", "x")


def test_a_subject_stays_on_one_line(subject: Subject) -> None:
    """Line breaks would become headers of the desk's own mail."""
    ticket = _open(subject.desk, _reference(), subject="one\r\nBcc: x@example.net")
    assert ticket.subject == "one Bcc: x@example.net"


def test_a_wrong_token_is_refused(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not read as "no ticket yet"."""
    subject.desk.ping()
    monkeypatch.setenv("DESK_TOKEN", "1-1-wrong")
    for ask in (subject.desk.ping, lambda: subject.desk.find("a"), lambda: _open(subject.desk, "a")):
        with pytest.raises(SystemRefused, match="401"):
            ask()


def test_a_queue_that_is_not_there_is_refused(subject: Subject) -> None:
    """Before anything is opened."""
    with pytest.raises(SystemRefused, match=r"40[34]"):
        _open(subject.desk, _reference(), queue="Nowhere")
    with pytest.raises(SystemRefused, match=r"40[34]"):
        _desk({**subject.settings, "queue": "Nowhere"}).ping()


def test_a_reference_field_that_the_desk_lacks_opens_nothing(subject: Subject) -> None:
    """The desk would drop the value without a word; so it is asked first."""
    desk = _desk({**subject.settings, "reference_field": "Nothing"})
    with pytest.raises(SystemRefused, match="has no custom field 'Nothing'"):
        desk.ping()
    with pytest.raises(SystemRefused):
        _open(desk, _reference())


def test_a_desk_that_is_away_did_nothing(subject: Subject) -> None:
    """A refused connection is safe to try again."""
    desk = _desk({**subject.settings, "url": "http://127.0.0.1:1"})
    for ask in (desk.ping, lambda: desk.find("a"), lambda: desk.comment("1", "x")):
        with pytest.raises(SystemUnreachable):
            ask()


def test_the_adapter_asks_in_the_clear_of_no_proxy(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the environment are for other programs: the token goes to the desk alone."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    subject.desk.ping()
    assert isinstance(httpx.__version__, str)
