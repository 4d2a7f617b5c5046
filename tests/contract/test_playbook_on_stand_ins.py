"""The shipped playbook from start to undo, through the real adapters, on the stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from responder.actions import build
from responder.audit.trail import Trail
from responder.demo.desk import StandInDesk
from responder.demo.directory import Person, StandInDirectory
from responder.demo.mail import StandInMailbox
from responder.demo.sms import StandInSms
from responder.playbooks.playbook import load
from responder.runs.engine import Engine
from responder.runs.run import RunState
from responder.runs.switch import Switch
from responder.state.database import open_state
from responder.state.tables import cases, decisions
from responder.systems import discover
from responder.systems.facts import SiteFacts

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "contain-hijacked-account.yaml"
SITE = SiteFacts("Université Exemple", "example.org", "01 99 00 00 99", "en", "uni")
FAMILIES, SUMMARY = ["volume", "origin"], "300 mails to 280 domains in 9 minutes; {{ 7*7 }}"


class SetClock:
    """Moved by hand."""

    time = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Site:
    """Four stand-ins, and an engine that writes to them."""

    def __init__(self, folder: Path, stack: ExitStack, language: str, mobile: str) -> None:
        person = Person(
            "jroe", "Jo Röe", "jroe@example.org", "jo@example.net", mobile, language, "pw", "student"
        )
        self.directory = stack.enter_context(StandInDirectory([person]))
        self.desk = stack.enter_context(StandInDesk())
        self.mailbox = stack.enter_context(StandInMailbox())
        self.sms = stack.enter_context(StandInSms())
        self.state = open_state(folder / "state.db")
        stack.callback(self.state.dispose)
        self.clock = SetClock()
        self.trail = Trail(self.clock, b"key")
        self.engine = self.made(self.directory.url)

    def made(self, directory: str) -> Engine:
        """An engine on the same state, with the directory at that address."""
        settings: list[dict[str, Any]] = [
            {
                "kind": "openldap",
                "servers": [directory],
                "allow_clear_text": True,
                "bind_dn": self.directory.service_dn,
                "password": {"env": "DIRECTORY"},
                "base": self.directory.base,
            },
            {
                "kind": "request_tracker",
                "url": self.desk.url,
                "token": {"env": "DESK"},
                "queue": self.desk.queue,
            },
            {
                "kind": "smtp",
                "host": self.mailbox.host,
                "port": self.mailbox.port,
                "security": "none",
                "from": "security@example.org",
            },
            {
                "kind": "twilio",
                "account_sid": self.sms.account_sid,
                "auth_token": {"env": "SMS"},
                "from": "+33639980098",
                "base_url": self.sms.url,
            },
        ]
        systems: dict[str, Any] = {}
        for each in settings:
            adapter = discover()[each["kind"]]
            systems[adapter.port] = adapter(adapter.Settings.model_validate(each), SITE)
        self.actions = build(systems)
        switch = Switch(self.state, self.trail, self.clock)
        self.engine = Engine(
            self.state, self.actions, systems["directory"], self.trail, self.clock, switch, SITE
        )
        return self.engine

    def start(self) -> int:
        """A run for a new case."""
        playbook = load(PLAYBOOK, self.actions, language=SITE.language)
        now = self.clock.now()
        with self.state.begin() as connection:
            case = connection.execute(insert(cases).values(account="jroe", opened_at=now, last_hit_at=now))
            case_id = int((case.inserted_primary_key or (0,))[0])
            decision = connection.execute(
                insert(decisions).values(
                    case_id=case_id,
                    at=now,
                    kind="contain",
                    proposed="contain",
                    reasons=[],
                    policy="",
                    state="acted",
                    decided_by="policy",
                )
            )
            facts = {"account": "jroe", "opened_at": "2026-03-02 03:00", "families": FAMILIES}
            facts |= {"detections": ["mass-mailing"], "summary": SUMMARY}
            return self.engine.start(
                connection,
                case_id=case_id,
                decision_id=int((decision.inserted_primary_key or (0,))[0]),
                playbook=playbook,
                facts={"case": facts},
            )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A fresh site; its owner reads French and has a mobile unless the test says otherwise."""
    language, mobile = getattr(request, "param", ("fr", "+33639980001"))
    with ExitStack() as stack:
        made = Site(tmp_path, stack, language, mobile)
        monkeypatch.setenv("DIRECTORY", made.directory.service_password)
        monkeypatch.setenv("DESK", made.desk.token)
        monkeypatch.setenv("SMS", made.sms.auth_token)
        yield made


def _states(progress: Any) -> list[str]:
    return [str(step.state) for step in progress.steps]


def test_an_account_is_contained_and_given_back(site: Site) -> None:
    """Shut, told to staff and owner, verified; and after the undo as it was, with a comment on the ticket."""
    run = site.start()
    progress = site.engine.advance(run)
    assert (progress.state, _states(progress)) == (RunState.DONE, ["done"] * 4), progress
    assert [step.outputs["verified"] for step in progress.steps] == [True, True, False, True]
    assert site.directory.is_locked("jroe")

    [ticket] = site.desk.tickets
    assert ticket.subject == "Hijacked mailbox: jroe (case 1)"
    assert ticket.fields["ExternalRef"] == "uni-1-1-ticket"
    assert "{{ 7*7 }}" in ticket.content
    assert "The account is shut in the directory." in ticket.content
    assert "NOT KNOWN" not in ticket.content

    [mail] = site.mailbox.received
    assert mail.recipients == ("jo@example.net",)
    assert mail.message["Subject"] == "Votre compte Université Exemple est bloqué pour vous protéger"
    assert mail.message.get_content().startswith("Bonjour Jo Röe,")
    assert "01 99 00 00 99" in mail.message.get_content()

    [text] = site.sms.messages
    assert (text.to, text.body.endswith(" Ref uni-1-1-tell-by-sms")) == ("+33639980001", True)
    assert text.body.startswith("Université Exemple : votre compte est bloqué")

    assert [str(each.state) for each in site.engine.undo(run, "ann")] == [
        "skipped",
        "skipped",
        "done",
        "done",
    ]
    assert not site.directory.is_locked("jroe")
    assert ticket.comments[0].startswith("ann takes this run back (uni-1-1-ticket).")
    site.engine.undo(run, "ann")
    assert len(ticket.comments) == 1


@pytest.mark.parametrize("site", [("en-GB", "")], indirect=True)
def test_an_owner_without_mobile_is_told_by_mail_alone_in_english(site: Site) -> None:
    """The step says why it was skipped."""
    progress = site.engine.advance(site.start())
    assert _states(progress) == ["done", "done", "done", "skipped"]
    assert site.mailbox.received[0].message.get_content().startswith("Hello Jo Röe,")
    assert site.sms.messages == []


def test_while_the_directory_is_down_the_staff_are_told_and_the_owner_later(site: Site) -> None:
    """The ticket says that the account is open; the owner is told once it is shut, and everything once."""
    run = site.start()
    progress = site.made("ldap://127.0.0.1:1").advance(run)
    assert [step.step for step in progress.steps] == ["disable", "ticket"]
    assert (progress.state, _states(progress)) == (RunState.INCOMPLETE, ["failed", "done"])
    assert "THE ACCOUNT IS NOT KNOWN TO BE SHUT (failed): directory: " in site.desk.tickets[0].content
    assert site.mailbox.received == []
    site.clock.time += timedelta(minutes=2)
    progress = site.made(site.directory.url).advance(run)
    assert (progress.state, _states(progress)) == (RunState.DONE, ["done"] * 4)
    assert [len(site.desk.tickets), len(site.mailbox.received), len(site.sms.messages)] == [1, 1, 1]


def test_nothing_private_is_in_the_audit(site: Site) -> None:
    """Neither the account nor the owner, nor where they are reached."""
    run = site.start()
    site.engine.advance(run)
    site.engine.undo(run, "ann")
    with site.state.begin() as connection:
        assert site.trail.broken_at(connection) is None
        shown = str([record.detail for record in site.trail.read(connection)])
    for private in ("jroe", "Röe", "jo@example.net", "+33639980001"):
        assert private not in shown
