"""The shipped actions on small in-memory systems."""

from __future__ import annotations

from typing import Any

import pytest

from responder.actions import build, discover
from responder.actions.action import Done, Plan, Seen
from responder.actions.disable_account import AccountParameters, DisableAccount
from responder.actions.notify_email import EmailParameters, NotifyEmail
from responder.actions.notify_sms import NotifySms, SmsParameters
from responder.actions.open_ticket import OpenTicket, TicketParameters
from responder.errors import ChangedMeanwhile, SystemRefused
from responder.systems.directory import LockState, Owner
from responder.systems.mail import Mail
from responder.systems.sms import Sent
from responder.systems.ticket_desk import Ticket

ACCOUNT = AccountParameters(account="jroe")


class Entries:
    """A directory of one entry."""

    name = "directory"

    def __init__(self, values: tuple[str, ...] = (), ignored_by: str | None = None) -> None:
        self.values, self.ignored_by = values, ignored_by

    def owner(self, account: str) -> Owner:
        return Owner(account, "uid=jroe", "e-1", "Jo Roe", None, None, "en")

    def lock_state(self, entry_id: str) -> LockState:
        return LockState(entry_id, "uid=jroe", "ours" in self.values, self.values, self.ignored_by)

    def lock(self, seen: LockState) -> None:
        self._swap(seen.values, ("ours",))

    def unlock(self, before: LockState) -> None:
        self._swap(("ours",), before.values)

    def _swap(self, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        if self.values != old:
            raise ChangedMeanwhile("directory: changed")
        self.values = new

    def ping(self) -> None:
        return None


def _through_json(plan: Plan) -> Plan:
    return Plan.from_json([change.as_json() for change in plan.changes])


def test_every_shipped_action_is_found() -> None:
    """One file each; those that only take back are not for playbooks."""
    assert list(discover()) == ["directory.disable_account", "notify.email", "notify.sms", "ticket.open"]
    assert list(build({"mail": object()})) == ["notify.email"]


@pytest.mark.parametrize("before", [(), ("20260101000000Z",)])
def test_disabling_and_giving_back(before: tuple[str, ...]) -> None:
    """The plan survives the journal, and exactly what was there comes back."""
    directory = Entries(before)
    action = DisableAccount(directory)
    plan = _through_json(action.plan(ACCOUNT))
    assert action.look(ACCOUNT, plan, "r").seen == Seen.NOT_DONE
    assert action.apply(ACCOUNT, plan, "r") == {"entry_id": "e-1"}
    assert action.look(ACCOUNT, plan, "r").seen == Seen.DONE
    undo = action.undo(Done(ACCOUNT, plan, {}, "r", "ann"))
    back = undo.action.plan(undo.parameters)
    undo.action.apply(undo.parameters, back, "r-undo")
    assert undo.action.look(undo.parameters, back, "r-undo").seen == Seen.DONE
    assert directory.values == before
    assert undo.action.plan(undo.parameters).changes == ()


def test_the_plan_names_nobody() -> None:
    """It goes to the audit: an entry's identifier, no name."""
    [change] = DisableAccount(Entries()).plan(ACCOUNT).changes
    assert change.as_json() == {
        "system": "directory",
        "target": "e-1",
        "what": "lock",
        "before": [],
        "after": "locked for good",
    }


def test_a_lock_that_is_there_already_is_not_ours() -> None:
    """Nothing to do, so nothing to undo."""
    plan = DisableAccount(Entries(("ours",))).plan(ACCOUNT)
    assert (plan.changes, plan.note) == (
        (),
        "the account was locked already; that lock is not ours to undo",
    )


def test_a_policy_that_ignores_locks_is_refused_before_anything_is_written() -> None:
    """Otherwise the account would count as shut and be open."""
    with pytest.raises(SystemRefused, match="cn=lax ignores locks"):
        DisableAccount(Entries(ignored_by="cn=lax")).plan(ACCOUNT)


def test_a_lock_that_somebody_changed_is_kept() -> None:
    """The undo does not overwrite it."""
    directory = Entries()
    action = DisableAccount(directory)
    plan = action.plan(ACCOUNT)
    action.apply(ACCOUNT, plan, "r")
    directory.values = ("20270101000000Z",)
    undo = action.undo(Done(ACCOUNT, plan, {}, "r", "ann"))
    with pytest.raises(ChangedMeanwhile):
        undo.action.plan(undo.parameters)


class Desk:
    """A desk that keeps what it is told."""

    name, queue = "ticket desk", "Security"

    def __init__(self) -> None:
        self.opened: list[dict[str, str]] = []
        self.comments: list[tuple[str, str]] = []

    def open(self, **what: str) -> Ticket:
        self.opened.append(what)
        return Ticket("7", "https://desk.example.org/7", what["subject"], "new", what["reference"])

    def find(self, reference: str) -> list[Ticket]:
        return [
            Ticket("7", "https://desk.example.org/7", "s", "new", each["reference"])
            for each in self.opened
            if each["reference"] == reference
        ]

    def comment(self, ticket_id: str, text: str) -> None:
        self.comments.append((ticket_id, text))

    def ping(self) -> None:
        return None


def test_a_ticket_is_opened_found_and_commented_on() -> None:
    """The undo is a comment that says who took the run back."""
    desk = Desk()
    action = OpenTicket(desk)
    parameters = TicketParameters(subject="s", text="t")
    plan = _through_json(action.plan(parameters))
    assert action.look(parameters, plan, "r").seen == Seen.NOT_DONE
    outputs = action.apply(parameters, plan, "r")
    assert outputs == {"ticket": "7", "url": "https://desk.example.org/7"}
    assert desk.opened == [{"subject": "s", "text": "t", "queue": "Security", "reference": "r"}]
    assert outputs == action.look(parameters, plan, "r").outputs
    undo = action.undo(Done(parameters, plan, outputs, "r", "ann"))
    assert undo is not None
    undo.action.apply(undo.parameters, undo.action.plan(undo.parameters), "r-undo")
    assert desk.comments[0][0] == "7"
    assert desk.comments[0][1].startswith("ann takes this run back (r).")


class Relay:
    """A relay that keeps what it is told."""

    name = "mail relay"

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> str:
        self.sent.append(mail)
        return "<id>"

    def ping(self) -> None:
        return None


def test_a_mail_is_sent_and_cannot_be_asked_for() -> None:
    """The plan shows the address masked; there is no undo."""
    relay = Relay()
    action = NotifyEmail(relay)
    parameters = EmailParameters(to=" jo@example.net ", subject="s", text="t")
    plan = action.plan(parameters)
    assert plan.changes[0].target == "j***@example.net"
    assert action.apply(parameters, plan, "r") == {"message_id": "<id>"}
    assert relay.sent == [Mail("jo@example.net", "s", "t", "r")]
    assert action.look(parameters, plan, "r").seen == Seen.UNKNOWN
    assert action.undo(Done(parameters, plan, {}, "r", "ann")) is None


class Texts:
    """A service that keeps what it is told, and says of all of it what ``status`` says."""

    name = "SMS service"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.status, self.error = "queued", ""

    def send(self, to: str, body: str) -> Sent:
        self.sent.append((to, body))
        return Sent("SM1", self.status)

    def find(self, to: str, body: str) -> Sent | None:
        return Sent("SM1", self.status, self.error) if (to, body) in self.sent else None

    def ping(self) -> None:
        return None


def test_a_text_is_reduced_bears_its_reference_and_is_found_by_both() -> None:
    """One line in the alphabet that costs least."""
    service = Texts()
    action = NotifySms(service)
    parameters = SmsParameters(to="+33 6 39 98 00 01", text="L’accès\nest bloqué…")
    plan = _through_json(action.plan(parameters))
    assert plan.changes[0].target == "+33*******01"
    assert action.apply(parameters, plan, "uni-1-2-sms") == {"sid": "SM1", "status": "queued"}
    assert service.sent == [("+33639980001", "L'accès est bloqué... Ref uni-1-2-sms")]
    assert action.look(parameters, plan, "uni-1-2-sms").seen == Seen.DONE
    assert action.look(parameters, plan, "uni-1-3-sms").seen == Seen.NOT_DONE


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
def test_a_text_that_was_given_up_does_not_count_as_sent(status: str) -> None:
    """The service's reason is kept."""
    service = Texts()
    action = NotifySms(service)
    parameters = SmsParameters(to="+33639980001", text="x")
    plan = action.plan(parameters)
    action.apply(parameters, plan, "r")
    service.status, service.error = status, "30007 filtered"
    look = action.look(parameters, plan, "r")
    assert (look.seen, look.detail) == (Seen.GIVEN_UP, f"the text was {status}: 30007 filtered")


def test_a_text_that_would_cost_too_much_is_refused() -> None:
    """A mistake in a template is noticed before it is billed."""
    with pytest.raises(SystemRefused, match="segments; 6 at most"):
        NotifySms(Texts()).plan(SmsParameters(to="+33639980001", text="李" * 600))


def test_every_action_says_what_it_does() -> None:
    """Its first sentence is the reference's; its needs name a port."""
    for name, action in discover().items():
        assert (action.__doc__ or "").strip(), name
        assert action.needs in {"directory", "ticket_desk", "mail", "sms"}
        parameters: Any = action.Parameters
        assert (parameters.__doc__ or "").strip(), name
