"""The SMS port on the stand-in, and against Twilio's own description of its API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from servers.twilio_mock import TwilioMock

from responder.demo.sms import StandInSms
from responder.errors import SystemRefused, SystemUnreachable
from responder.systems.facts import SiteFacts
from responder.systems.twilio_sms import TwilioSettings, TwilioSms

SITE = SiteFacts("Example University", "example.org", "help", "en")
TO = "+33639980001"


def _service(url: str, **more: Any) -> TwilioSms:
    written = {
        "kind": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": {"env": "SMS_TOKEN"},
        "from": "+33 6 39 98 00 98",
        "base_url": url,
        **more,
    }
    return TwilioSms(TwilioSettings.model_validate(written), SITE)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInSms]:
    """A service that knows one land line."""
    with StandInSms(unreachable=frozenset({"+33139980001"})) as server:
        monkeypatch.setenv("SMS_TOKEN", server.auth_token)
        yield server


@pytest.fixture(params=["stand-in", "prism"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TwilioSms:
    """What both can answer runs on both."""
    if request.param == "prism":
        mock: TwilioMock = request.getfixturevalue("twilio_mock")
        monkeypatch.setenv("SMS_TOKEN", "any")
        return _service(mock.url)
    server: StandInSms = request.getfixturevalue("stand_in")
    return _service(server.url)


def test_requests_are_what_the_api_describes(either: TwilioSms) -> None:
    """Sending, listing and asking for the account are understood."""
    sent = either.send(TO, "Text. Ref uni-1-1-sms")
    assert sent.id.startswith(("SM", "MM"))
    assert either.find(TO, "a text that nobody sent") is None
    either.ping()


def test_a_message_is_posted_once(twilio_mock: TwilioMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call, one POST."""
    monkeypatch.setenv("SMS_TOKEN", "any")
    _service(twilio_mock.url).send(TO, "Text")
    assert twilio_mock.posts() == 1


def test_a_message_is_found_by_number_and_exact_text(stand_in: StandInSms) -> None:
    """Another number or another text is another message."""
    service = _service(stand_in.url)
    sent = service.send(TO, "Votre compte, é. Ref uni-1-1-sms")
    found = service.find(TO, "Votre compte, é. Ref uni-1-1-sms")
    assert found is not None
    assert (found.id, found.status, found.error) == (sent.id, "delivered", "")
    assert service.find(TO, "Votre compte, é. Ref uni-1-1") is None
    assert service.find("+33639980002", "Votre compte, é. Ref uni-1-1-sms") is None
    assert [(sms.to, sms.sender) for sms in stand_in.messages] == [(TO, "+33639980098")]


def test_a_number_that_will_not_do_is_refused_with_its_code(stand_in: StandInSms) -> None:
    """Permanent: it is not worth trying again."""
    with pytest.raises(SystemRefused, match="21614"):
        _service(stand_in.url).send("+33139980001", "Text")
    with pytest.raises(SystemRefused, match="21211"):
        _service(stand_in.url).send("12", "Text")
    assert stand_in.messages == []


def test_a_wrong_token_is_refused(stand_in: StandInSms, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not read as "no such message"."""
    monkeypatch.setenv("SMS_TOKEN", "wrong")
    service = _service(stand_in.url)
    for ask in (service.ping, lambda: service.find(TO, "x"), lambda: service.send(TO, "x")):
        with pytest.raises(SystemRefused, match="20003"):
            ask()


def test_a_service_that_is_away_took_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is safe to try again."""
    monkeypatch.setenv("SMS_TOKEN", "any")
    service = _service("http://127.0.0.1:1")
    for ask in (service.ping, lambda: service.find(TO, "x"), lambda: service.send(TO, "x")):
        with pytest.raises(SystemUnreachable):
            ask()
