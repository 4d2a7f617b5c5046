"""The mail port, alike on the stand-in and on the tests' own SMTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
from servers.mail_sink import MailSink

from responder.demo.mail import StandInMailbox
from responder.errors import SystemRefused, SystemUnreachable
from responder.systems.facts import SiteFacts
from responder.systems.mail import Mail, SmtpRelay, SmtpSettings

SITE = SiteFacts("Université d’Exemple", "example.org", "help", "fr")
REFUSED = "nobody@bad.example.net"


@dataclass
class Subject:
    """A relay under test, and what it took for an address."""

    relay: SmtpRelay
    taken: Callable[[str], list[EmailMessage]]


def _relay(port: int, **more: Any) -> SmtpRelay:
    written = {
        "kind": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from": "security@example.org",
    }
    return SmtpRelay(SmtpSettings.model_validate(written | {"timeout": 5} | more), SITE)


@pytest.fixture(params=["stand-in", "sink"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Each test runs on both."""
    if request.param == "sink":
        sink: MailSink = request.getfixturevalue("fresh_mail_sink")
        yield Subject(_relay(sink.port), lambda to: [each.message for each in sink.to(to)])
        return
    with StandInMailbox(refused=frozenset({REFUSED})) as box:
        yield Subject(
            _relay(box.port), lambda to: [each.message for each in box.received if to in each.recipients]
        )


def test_a_mail_arrives_as_it_was_written(subject: Subject) -> None:
    """Every letter of text and subject, a Message-ID of the reference, and no vacation reply."""
    text = "Bonjour Hélène,\n\nligne deux…\n.\n..un point\nFrom la suite 李\n" + "x" * 2000
    subject.relay.send(Mail("h.l@example.net", "Votre compte a été bloqué", text, "uni-1-1-mail"))
    [message] = subject.taken("h.l@example.net")
    assert message.get_content().rstrip("\r\n").replace("\r\n", "\n") == text
    assert message["Subject"] == "Votre compte a été bloqué"
    assert message["To"] == "h.l@example.net"
    assert message["From"] == "Université d’Exemple <security@example.org>"
    assert message["Message-ID"] == "<uni-1-1-mail@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None


@pytest.mark.parametrize(
    "to",
    [
        "a@example.net, b@example.net",
        "A <a@example.net>",
        "a@example.net\r\nRCPT TO:<b@example.net>",
        "a\n@example.net",
        "a b@example.net",
        "a",
        "",
        "@example.net",
        "a@b@example.net",
        "a@example.net>",
    ],
)
def test_only_one_bare_address_is_written_to(subject: Subject, to: str) -> None:
    """A list or a smuggled line is an error, and nothing is sent."""
    with pytest.raises(ValueError, match="one bare address"):
        subject.relay.send(Mail(to, "s", "t", "r"))
    assert subject.taken("b@example.net") == subject.taken("a@example.net") == []


def test_a_subject_cannot_become_a_header(subject: Subject) -> None:
    """Line breaks in it turn to blanks."""
    subject.relay.send(Mail("a@example.net", "one\r\nBcc: b@example.net\r\n\r\nbody", "t", "r"))
    [message] = subject.taken("a@example.net")
    assert message["Subject"] == "one Bcc: b@example.net body"
    assert message["Bcc"] is None


def test_a_refused_recipient_is_said_so(subject: Subject) -> None:
    """The relay's own words are kept."""
    with pytest.raises(SystemRefused, match=r"550 5\.1\.1"):
        subject.relay.send(Mail(REFUSED, "s", "t", "r"))


def test_not_now_is_worth_another_try(fresh_mail_sink: MailSink) -> None:
    """Greylisting is no refusal."""
    with pytest.raises(SystemUnreachable, match=r"451 4\.7\.1"):
        _relay(fresh_mail_sink.port).send(Mail("a@slow.example.net", "s", "t", "r"))


def test_an_address_of_other_letters_goes_out_where_the_relay_takes_it(fresh_mail_sink: MailSink) -> None:
    """SMTPUTF8 is used where it is offered."""
    _relay(fresh_mail_sink.port).send(Mail("hélène@example.net", "é", "t", "r"))
    [received] = fresh_mail_sink.to("hélène@example.net")
    assert received.message["To"] == "hélène@example.net"


def test_a_relay_that_is_away_took_nothing(subject: Subject) -> None:
    """A refused connection is safe to try again."""
    subject.relay.ping()
    with pytest.raises(SystemUnreachable):
        _relay(1).send(Mail("a@example.net", "s", "t", "r"))


def test_a_relay_without_encryption_is_not_spoken_to_when_it_is_asked_for(fresh_mail_sink: MailSink) -> None:
    """STARTTLS that is not offered ends the conversation before anything private is said."""
    with pytest.raises(SystemUnreachable, match="STARTTLS"):
        _relay(fresh_mail_sink.port, security="starttls").send(Mail("a@example.net", "s", "t", "r"))
    assert fresh_mail_sink.messages == []
