"""The whole road: from a thief's session on a real Postfix to an account that is shut, told of and given back."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from servers.mail_sink import MailSink
from servers.postfix import Postfix
from servers.request_tracker import RequestTracker
from servers.slapd import Slapd
from servers.twilio_mock import TwilioMock

from .hijack import hijack, ordinary_day
from .site import Responder

VICTIM, BYSTANDER = "amartel", "bnorton"
STEPS = ["disable", "ticket", "tell_by_mail", "tell_by_sms"]


def days() -> tuple[str, ...]:
    """A period of a report that holds today wherever the site is."""
    now = datetime.now(UTC)
    return "--from", f"{now - timedelta(days=1):%Y-%m-%d}", "--to", f"{now + timedelta(days=1):%Y-%m-%d}"


def lets_in(slapd: Slapd, uid: str) -> bool:
    """Whether the directory takes the person's own password."""
    return slapd.bind(uid, slapd.password_of(uid))


def test_a_hijacked_mailbox_is_shut_told_of_and_given_back(
    make_site: Callable[..., Responder],
    fresh_slapd: Slapd,
    fresh_postfix: Postfix,
    fresh_mail_sink: MailSink,
    request_tracker: RequestTracker,
    twilio_mock: TwilioMock,
    tickets_about: Callable[[str], list[dict[str, Any]]],
) -> None:
    """Each effect is seen in the real system that it was made in, once; and so is the undoing."""
    tickets_before = len(tickets_about(VICTIM))
    responder = make_site(fresh_slapd)
    responder.configure(sources=[{"follow": str(fresh_postfix.log), "format": "postfix"}])
    responder.start()
    ordinary_day(fresh_postfix, BYSTANDER, fresh_slapd.password_of(BYSTANDER))
    assert "All is well: 6 detections" in responder.ok("check")
    hijack(fresh_postfix, VICTIM, fresh_slapd.password_of(VICTIM))
    listed = responder.wait_case(VICTIM, run_state="done", decision="contain")

    assert not lets_in(fresh_slapd, VICTIM)
    assert fresh_slapd.read(VICTIM)["pwdAccountLockedTime"] == ["000001010000Z"]
    assert lets_in(fresh_slapd, BYSTANDER)
    assert [case["account"] for case in responder.cases()] == [VICTIM]

    shown = responder.json("case", listed["case"])
    assert [each["kind"] for each in shown["decisions"]].count("contain") == 1
    [run] = shown["runs"]
    assert [(step["step"], step["state"]) for step in run["steps"]] == [(step, "done") for step in STEPS]
    records = responder.audit()
    [reference] = {r["detail"]["reference"] for r in records if r["detail"].get("step") == "ticket"}
    [ticket] = request_tracker.tickets(reference)
    assert len(tickets_about(VICTIM)) == tickets_before + 1
    assert ticket["Subject"] == f"Hijacked mailbox: {VICTIM} (case {listed['case']})"
    [created] = [each for each in request_tracker.history(ticket["id"]) if each["Type"] == "Create"]
    text = "".join(created["Texts"])
    told = [each for each in shown["evidence"] if each["supports"] and each["words"] in text]
    assert {each["family"] for each in told} >= {
        "volume",
        "spread",
        "quality",
    }  # what came later is not in it
    assert all(evidence["lines"][0] in text for evidence in told)
    assert "someone1@" not in text  # recipients are nobody's business
    assert "The account is shut in the directory." in text

    owner = f"{VICTIM}.home@example.net"
    [mail] = fresh_mail_sink.wait_to(owner)
    assert [received.rcpt_tos for received in fresh_mail_sink.messages] == [(owner,)]
    assert "Alice Martel" in mail.message.get_content()
    assert twilio_mock.posts("Messages.json") == 1

    _told_everywhere(responder, listed["case"])
    _given_back(responder, run["id"], fresh_slapd, request_tracker, ticket["id"])
    assert len(fresh_mail_sink.messages) == 1
    assert twilio_mock.posts("Messages.json") == 1
    assert len(tickets_about(VICTIM)) == tickets_before + 1
    responder.stop()


def _told_everywhere(responder: Responder, case: int) -> None:
    """Lists, audit and reports tell of the same four steps."""
    assert VICTIM in responder.ok("cases")
    text = responder.ok("case", case)
    assert "spread (for)" in text
    assert "Run 1: contain-hijacked-account, done" in text
    assert "The chain of hashes holds." in responder.ok("audit", "--case", case)
    assert [tag for tag in responder.tags() if tag.startswith("run:step:")] == [
        "run:step:intent",
        "run:step:done",
    ] * 4

    told = json.loads(responder.ok("report", *days(), "--format", "json"))
    assert [(each["account"], each["step"], each["state"]) for each in told["actions"]] == [
        (VICTIM, step, "done") for step in STEPS
    ]
    rows = list(csv.DictReader(io.StringIO(responder.ok("report", *days(), "--format", "csv"))))
    assert [row["action"] for row in rows] == [
        "directory.disable_account",
        "ticket.open",
        "notify.email",
        "notify.sms",
    ]
    assert {row["decided_by"] for row in rows} == {"policy"}
    page = responder.folder / "report.html"
    responder.ok("report", *days(), "--output", page)
    assert f"<td>{VICTIM}</td>" in page.read_text(encoding="utf-8")


def _given_back(responder: Responder, run: int, slapd: Slapd, desk: RequestTracker, ticket: str) -> None:
    """The undo opens the account again, says so on the ticket, and does nothing the second time."""

    def comments() -> list[str]:
        return [text for each in desk.history(ticket) if each["Type"] == "Comment" for text in each["Texts"]]

    undone = responder.json("undo", run, "--as", "person:ann")
    assert {step["step"]: step["state"] for step in undone} == {
        "disable": "done",
        "ticket": "done",
        "tell_by_mail": "skipped",
        "tell_by_sms": "skipped",
    }
    assert lets_in(slapd, VICTIM)
    assert "pwdAccountLockedTime" not in slapd.read(VICTIM)
    assert [text.startswith("person:ann takes this run back") for text in comments()] == [True]
    [case] = responder.cases()
    assert (case["outcome"], case["run_state"]) == ("restored", "undone")

    before = responder.tags()
    assert responder.cli("undo", run, "--as", "person:ann").returncode == 0
    end = time.monotonic() + 3  # three looks at the same old events
    while time.monotonic() < end:
        assert lets_in(slapd, VICTIM)
        time.sleep(0.2)
    assert responder.tags() == before
    assert len(comments()) == 1
    assert len(responder.cases()) == 1
