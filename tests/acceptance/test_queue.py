"""What waits for a person: their yes, their no, the kill switch, the cap and the protected accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep
from zoneinfo import ZoneInfo

import pytest
from servers.slapd import Person, Slapd

from .hijack import as_account, restamped
from .site import ZONE, Responder

ANN, BEN = ("--as", "person:ann"), ("--as", "person:ben")
ALL_DONE = dict.fromkeys(("disable", "ticket", "tell_by_mail", "tell_by_sms"), "done")


def shut(slapd: Slapd, person: Person) -> bool:
    """Whether the directory refuses the person's own password."""
    return not slapd.bind(person.uid, person.password)


def stays(check: Callable[[], bool], seconds: float = 2.0) -> None:
    """Holds over so many seconds, in which the service looks and works more than once."""
    end = monotonic() + seconds
    while monotonic() < end:
        assert check()
        sleep(0.1)


@pytest.fixture
def asking(responder: Responder, hijacked: list[str]) -> Responder:
    """A site in mode ask, whose log has a hijack in it."""
    responder.set_policy(mode="ask")
    responder.append(hijacked)
    return responder


def waiting(responder: Responder, person: Person) -> int:
    """The number of the account's decision, once it waits for an answer."""
    return int(responder.wait_case(person.uid, state="waiting")["decision_id"])


def test_a_yes_while_the_service_runs_contains(asking: Responder, slapd: Slapd, victim: Person) -> None:
    """Until then nothing is done; whoever gets the run first, it is done once; a second answer is refused."""
    asking.start()
    decision = waiting(asking, victim)
    stays(lambda: not shut(slapd, victim))
    assert f"responder approve {decision}" in asking.ok("cases")
    told = asking.json("approve", decision, *ANN, "--comment", "called the owner")
    assert (told["state"], {step["step"]: step["state"] for step in told["steps"]}) == ("done", ALL_DONE)
    assert shut(slapd, victim)
    for answer in ("approve", "deny"):
        again = asking.cli(answer, decision, *BEN)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr == (
            f"decision {decision} does not wait for an answer: it is approved by person:ann\n"
        )
    asking.stop()
    [approval] = [record for record in asking.audit() if record["tag"] == "person:decision:approve"]
    assert (approval["actor"], approval["detail"]) == ("person:ann", {"comment": "called the owner"})
    assert asking.tags().count("run:playbook:start") == 1
    [done] = [case["run"] for case in asking.cases()]
    report = asking.ok("report", "--from", "2000-01-01", "--to", "2999-12-31", "--format", "csv")
    assert report.count(",person:ann,") == 4
    assert done == 1


def test_a_yes_while_the_service_does_not_run_contains(
    asking: Responder, slapd: Slapd, victim: Person
) -> None:
    """The command itself does the work."""
    asking.start()
    decision = waiting(asking, victim)
    asking.stop()
    said = asking.ok("approve", decision, *ANN)
    assert said.startswith("Run 1: done\n")
    assert shut(slapd, victim)
    assert asking.steps(1) == ALL_DONE
    asking.start()
    stays(lambda: asking.pending() == 0, 1.5)
    asking.stop()
    assert asking.tags().count("run:playbook:start") == 1


def test_a_no_closes_the_case_and_the_same_evidence_does_not_come_back(
    asking: Responder, slapd: Slapd, victim: Person, hijacked: list[str]
) -> None:
    """Not from the events that were seen, not after a restart, not when the old lines come once more; but new
    ones count.
    """
    asking.start()
    decision = waiting(asking, victim)
    assert "is denied; case 1 is closed" in asking.ok("deny", decision, *ANN, "--comment", "a newsletter")
    assert "No cases." in asking.ok("cases")
    asking.stop()
    asking.start()
    asking.append(hijacked)
    stays(lambda: len(asking.newest(victim.uid)) > 0 and asking.newest(victim.uid)["outcome"] == "denied")
    refused = asking.cli("approve", decision, *BEN)
    assert refused.stderr == f"decision {decision} does not wait for an answer: it is denied by person:ann\n"
    assert [case["outcome"] for case in asking.cases()] == ["denied"]
    asking.append(restamped(hijacked, datetime.now(ZoneInfo(ZONE))))
    assert waiting(asking, victim) != decision
    assert [case["outcome"] for case in asking.cases()] == ["denied", None]
    asking.stop()
    assert not shut(slapd, victim)


def test_while_writing_is_paused_the_run_stays_as_it_is(
    responder: Responder, slapd: Slapd, victim: Person, hijacked: list[str]
) -> None:
    """Detection and decisions go on, no system is written to; after the pause the run comes to its end."""
    responder.start()
    assert "Writing is paused since" in responder.ok("pause", *ANN, "--reason", "moving the directory")
    responder.append(hijacked)
    run = responder.wait_case(victim.uid, decision="contain", state="acted")["run"]
    stays(lambda: responder.steps(run) == {} and not shut(slapd, victim))
    assert responder.newest(victim.uid)["run_state"] == "running"
    undo = responder.cli("undo", run, *ANN)
    assert undo.returncode == 1
    assert "by person:ann (moving the directory); nothing is written until `responder resume`" in undo.stderr
    assert responder.ok("resume", *BEN) == "Writing goes on.\n"
    responder.wait_case(victim.uid, run_state="done")
    assert shut(slapd, victim)
    assert responder.steps(run) == ALL_DONE
    assert responder.ok("resume", *BEN) == "Writing was not paused.\n"
    responder.stop()
    tags = responder.tags()
    assert (
        tags.index("switch:writing:pause")
        < tags.index("switch:writing:resume")
        < tags.index("run:step:intent")
    )


def test_a_yes_while_writing_is_paused_is_kept_for_later(
    asking: Responder, slapd: Slapd, victim: Person
) -> None:
    """The command says why nothing was done yet."""
    asking.start()
    decision = waiting(asking, victim)
    asking.ok("pause", *ANN, "--reason", "an exercise")
    told = asking.cli("approve", decision, *ANN)
    assert told.returncode == 1
    assert "Run 1: running" in told.stdout
    assert "(an exercise); nothing is written until `responder resume`" in told.stdout
    assert not shut(slapd, victim)
    asking.ok("resume", *ANN)
    asking.wait_case(victim.uid, run_state="done")
    assert shut(slapd, victim)
    asking.stop()


def test_past_the_cap_a_person_decides(
    responder: Responder, slapd: Slapd, new_person: Callable[[], Person], recorded: list[str]
) -> None:
    """Of two accounts at once one is contained and one waits, with the line of the policy that says so."""
    first, second = new_person(), new_person()
    responder.set_policy(containments_an_hour=1)
    responder.append(as_account(recorded, first.uid))
    responder.append(as_account(recorded, second.uid))
    responder.start()
    for person in (first, second):
        responder.wait_case(person.uid)
    cases = {person.uid: responder.newest(person.uid) for person in (first, second)}
    [contained] = [uid for uid, case in cases.items() if case["decision"] == "contain"]
    [queued] = [uid for uid, case in cases.items() if case["decision"] == "queue"]
    responder.wait_case(contained, run_state="done")
    stays(lambda: slapd.bind(queued, slapd.password_of(queued)))
    assert not slapd.bind(contained, slapd.password_of(contained))
    shown = responder.json("case", cases[queued]["case"])
    reasons = shown["decisions"][-1]["reasons"]
    assert any(
        reason.startswith("policy.yaml:") and "1 in the last hour, no more than 1 without a person" in reason
        for reason in reasons
    )
    assert responder.json("approve", cases[queued]["decision_id"], *ANN)["state"] == "done"
    assert not slapd.bind(queued, slapd.password_of(queued))
    responder.stop()


def test_a_protected_account_waits_for_a_person(
    responder: Responder, slapd: Slapd, victim: Person, hijacked: list[str]
) -> None:
    """Whatever the evidence; the reason names the pattern."""
    responder.set_policy(protected=["root", f"{victim.uid[:-1]}?"])
    responder.append(hijacked)
    responder.start()
    waiting(responder, victim)
    stays(lambda: not shut(slapd, victim))
    responder.stop()
    shown = responder.json("case", 1)
    assert shown["runs"] == []
    assert f"{victim.uid} is protected ({victim.uid[:-1]}?), a person decides" in str(
        shown["decisions"][-1]["reasons"]
    )


def test_in_mode_watch_nothing_waits_and_nothing_is_done(
    responder: Responder, slapd: Slapd, victim: Person, hijacked: list[str]
) -> None:
    """What would have been done is recorded."""
    responder.set_policy(mode="watch")
    responder.append(hijacked)
    responder.start()
    responder.wait_case(victim.uid, decision="observe", state="recorded")
    stays(lambda: not shut(slapd, victim), 1.5)
    responder.stop()
    shown = responder.json("case", 1)
    assert shown["decisions"][-1]["proposed"] == "contain"
    assert shown["runs"] == []
