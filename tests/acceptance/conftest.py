"""What the acceptance tests share: sites on real servers, and the log of a real hijack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers.dovecot import Dovecot
from servers.mail_sink import MailSink
from servers.postfix import Postfix
from servers.request_tracker import ADMINISTRATOR, RequestTracker
from servers.slapd import Person, Slapd
from servers.twilio_mock import TwilioMock

from .hijack import RECORDED, as_account, hijack, ordinary_day
from .site import Responder, systems

BYSTANDER = "bnorton"
_numbers = count(1)


@pytest.fixture(scope="session")
def recorded(dovecot: Dovecot, mail_sink: MailSink, slapd: Slapd) -> list[str]:
    """The log of a real Postfix on which a bystander sent three mails and a mailbox was hijacked."""
    with Postfix(dovecot.sasl, mail_sink.port) as postfix:
        ordinary_day(postfix, BYSTANDER, slapd.password_of(BYSTANDER))
        hijack(postfix, RECORDED, slapd.password_of(RECORDED))
        return postfix.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def new_person(slapd: Slapd) -> Callable[[], Person]:
    """Adds somebody whom no other test knows to the shared directory."""

    def add() -> Person:
        uid = f"victim{next(_numbers):03d}"
        number = 10 + next(_numbers)
        return slapd.add_person(
            uid,
            "Vic",
            "Tim",
            mobile=f"+3363998{number:04d}",
            backup_mail=f"{uid}.home@example.net",
            language="en",
        )

    return add


@pytest.fixture
def victim(new_person: Callable[[], Person]) -> Person:
    """Whose mailbox is hijacked."""
    return new_person()


@pytest.fixture
def hijacked(recorded: list[str], victim: Person) -> list[str]:
    """The lines that hijack the victim's mailbox."""
    return as_account(recorded, victim.uid)


@pytest.fixture
def make_site(
    tmp_path: Path, request_tracker: RequestTracker, fresh_mail_sink: MailSink, twilio_mock: TwilioMock
) -> Iterator[Callable[..., Responder]]:
    """Makes a site with a given directory; its mail goes to a sink of its own."""
    made: list[Responder] = []

    def make(directory: Slapd, sms_url: str = twilio_mock.url) -> Responder:
        parts: dict[str, Any] = systems(directory, request_tracker, fresh_mail_sink.port, sms_url)
        secrets = {"ldap": directory.service_password, "desk": request_tracker.token, "sms": "token"}
        made.append(Responder(tmp_path / f"site{len(made)}", parts, secrets))
        return made[-1]

    yield make
    for responder in made:
        responder.end()


@pytest.fixture
def responder(make_site: Callable[..., Responder], slapd: Slapd) -> Responder:
    """A site on the shared directory, in mode act."""
    return make_site(slapd)


@pytest.fixture
def tickets_about(request_tracker: RequestTracker) -> Callable[[str], list[dict[str, Any]]]:
    """Every ticket of the desk that names this account in its subject, whatever its reference."""

    def find(account: str) -> list[dict[str, Any]]:
        with httpx.Client(auth=ADMINISTRATOR, timeout=30, trust_env=False) as client:
            asked = {"query": f"Subject LIKE '{account}'", "orderby": "id", "per_page": "100"}
            answer = client.get(f"{request_tracker.url}/REST/2.0/tickets", params=asked)
            answer.raise_for_status()
        return [request_tracker.ticket(item["id"]) for item in answer.json()["items"]]

    return find
