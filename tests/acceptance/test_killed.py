"""A serving process that is killed anywhere goes on where it stood: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from bench.mail_log import write as write_log
from servers.mail_sink import MailSink
from servers.slapd import Person, Slapd
from servers.twilio_mock import TwilioMock

from responder.demo.sms import StandInSms

from .site import ZONE, Responder

WRITES = (
    "run:owner:read",
    "run:step:intent disable",
    "run:step:done disable",
    "run:step:intent ticket",
    "run:step:done ticket",
    "run:step:intent tell_by_mail",
    "run:step:done tell_by_mail",
    "run:step:intent tell_by_sms",
    "run:step:done tell_by_sms",
    "run:playbook:done",
)
"""What the journal commits in a run of the shipped playbook, in order."""

OVER = ("done", "incomplete")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """One site, its victim, and what can be counted outside."""

    responder: Responder
    victim: Person
    slapd: Slapd
    sink: MailSink
    texts: Callable[[], int]
    tickets_about: Callable[[str], list[dict[str, Any]]]

    def go_on(self) -> dict[str, Any]:
        """Serves again, as it is shipped but for shorter pauses, until the run is over."""
        self.responder.start("--settles", "1")
        self.responder.wait(lambda: self._state() in OVER and not self._waiting(), "the end of the run")
        self.responder.stop()
        return self.responder.newest(self.victim.uid)

    def effects(self) -> dict[str, int]:
        """How often each step's effect is there: writes to the entry, tickets, mails, accepted POSTs."""
        return {
            "disable": self.locks(),
            "ticket": len(self.tickets_about(self.victim.uid)),
            "tell_by_mail": len(self.sink.messages),
            "tell_by_sms": self.texts(),
        }

    def locks(self) -> int:
        """How many changes of the entry slapd has carried out; and whether the last one shut it."""
        changed = re.findall(rf'\b(conn=\d+ op=\d+) MOD dn="{self.victim.dn}"', self._log())
        done = [one for one in changed if re.search(rf"\b{one} RESULT tag=103 err=0 ", self._log())]
        locked = self.slapd.read(self.victim.uid).get("pwdAccountLockedTime") == ["000001010000Z"]
        assert locked == bool(done)
        return len(done)

    def _log(self) -> str:
        return (self.slapd.folder / "slapd.log").read_text(errors="replace")

    def _state(self) -> str | None:
        return self.responder.newest(self.victim.uid).get("run_state")

    def _waiting(self) -> bool:
        return self._state() == "incomplete" and bool(self.responder.pending())


@pytest.fixture
def world(
    responder: Responder,
    victim: Person,
    hijacked: list[str],
    slapd: Slapd,
    fresh_mail_sink: MailSink,
    twilio_mock: TwilioMock,
    tickets_about: Callable[[str], list[dict[str, Any]]],
) -> World:
    """A site whose log has a hijack in it before it is first served."""
    responder.append(hijacked)
    return World(
        responder, victim, slapd, fresh_mail_sink, lambda: twilio_mock.posts("Messages.json"), tickets_about
    )


ONCE = {"disable": 1, "ticket": 1, "tell_by_mail": 1, "tell_by_sms": 1}


def test_a_run_that_is_left_alone_commits_what_the_other_tests_count_on(world: World) -> None:
    """The numbers below go from a run's first commit to its last."""
    assert world.go_on()["run_state"] == "done"
    assert world.effects() == ONCE
    records = [record for record in world.responder.audit() if record["tag"].startswith("run:")]
    told = [f"{record['tag']} {record['detail'].get('step', '')}".strip() for record in records]
    assert told == ["run:playbook:start", *WRITES]


def inside(number: int, when: str) -> bool:
    """Whether a step is begun and not ended at that moment: from after its intent to before its end."""
    write = WRITES[number - 1]
    return ("intent" in write and when == "after") or ("step:done" in write and when == "before")


MOMENTS = [(number, when) for number in range(1, len(WRITES) + 1) for when in ("before", "after")]
BETWEEN = [moment for moment in MOMENTS if not inside(*moment)]
INSIDE = [moment for moment in MOMENTS if inside(*moment)]


def named(moment: tuple[int, str]) -> str:
    """As pytest shows it."""
    number, when = moment
    return f"{when}-{WRITES[number - 1].replace(' ', '-')}"


@pytest.mark.parametrize("moment", BETWEEN, ids=named)
def test_killed_between_two_steps_each_effect_is_there_once(world: World, moment: tuple[int, str]) -> None:
    """What was done is known, what was not begun is begun, and the run comes to its end."""
    number, when = moment
    world.responder.start("--journal", str(number), "--when", when)
    world.responder.wait_death()
    assert world.go_on()["run_state"] == "done"
    _everything_once(world)


def _everything_once(world: World) -> None:
    assert world.effects() == ONCE
    assert world.responder.steps(1) == dict.fromkeys(ONCE, "done")
    world.responder.audit()


def _killed_in_a_step(world: World, step: str, *, made: bool) -> None:
    """After a death in a step: looked up where that can be done, and never done twice where it cannot."""
    world.responder.wait_death()
    assert world.effects()[step] == int(made)
    ended = world.go_on()["run_state"]
    if step != "tell_by_mail":
        assert ended == "done"
        _everything_once(world)
        return
    assert ended == "incomplete"
    assert world.effects() == {**ONCE, step: int(made)}
    assert world.responder.steps(1) == {**dict.fromkeys(ONCE, "done"), step: "uncertain"}
    assert "look for responder-" in world.responder.ok("case", 1)
    world.responder.audit()


@pytest.fixture
def remembering(world: World) -> Iterator[World]:
    """The same site with an SMS service that remembers what it took, which the mock cannot.

    Looking a text up is what keeps it from being sent twice; it is shown on the stand-in, which the tests of
    the port hold against the mock.
    """
    with StandInSms(auth_token="token") as service:
        parts = world.responder.configuration["systems"]
        parts["sms"]["base_url"] = service.url
        world.responder.configure(systems=parts)
        yield replace(world, texts=lambda: len(service.messages))


@pytest.mark.parametrize("moment", INSIDE, ids=named)
def test_killed_in_a_step_its_effect_is_there_at_most_once(
    remembering: World, moment: tuple[int, str]
) -> None:
    """At a commit in a step: a mail that cannot be looked up is told of as uncertain, and is not sent again."""
    number, when = moment
    remembering.responder.start("--journal", str(number), "--when", when)
    _killed_in_a_step(remembering, WRITES[number - 1].split()[1], made=when == "before")


@pytest.mark.parametrize("act", ["directory.disable_account", "ticket.open", "notify.sms"])
def test_killed_twice_at_the_act_itself_its_effect_is_there_once(remembering: World, act: str) -> None:
    """Just before the system is asked, and the next time as soon as it has answered."""
    remembering.responder.start("--act", act, "--when", "before")
    remembering.responder.wait_death()
    remembering.responder.start("--act", act, "--when", "after")
    remembering.responder.wait_death()
    assert remembering.go_on()["run_state"] == "done"
    _everything_once(remembering)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_sending_of_a_mail_it_is_sent_at_most_once(remembering: World, when: str) -> None:
    """It cannot be looked up, so it is not begun again."""
    remembering.responder.start("--act", "notify.email", "--when", when)
    _killed_in_a_step(remembering, "tell_by_mail", made=when == "after")


def test_killed_while_a_case_is_judged_it_is_judged_again_once(world: World) -> None:
    """Case, decision and run are one transaction: there is one of each."""
    world.responder.start("--start")
    world.responder.wait_death()
    assert world.responder.cases() == []
    assert world.go_on()["run_state"] == "done"
    _everything_once(world)
    shown = world.responder.json("case", 1)
    kinds = [decision["kind"] for decision in shown["decisions"]]
    assert (kinds[-1], len(set(kinds))) == (
        "contain",
        len(kinds),
    )  # with less before it, where a second ended
    assert len({each["detection"] for each in shown["evidence"]}) == len(shown["evidence"])


MESSAGES = 15_000
"""Submissions of the log that is read: some 18 MB, which are taken in by three transactions."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A large log of yesterday."""
    path = tmp_path_factory.mktemp("big") / "mail.log"
    write_log(path, MESSAGES, style="iso", zone=ZONE, day=datetime.now(ZoneInfo(ZONE)).date() - DAY)
    return path.read_bytes()


def test_killed_at_random_while_it_reads_every_event_is_stored_once(responder: Responder, big: bytes) -> None:
    """The log grows by pieces that end anywhere, and each time the reading of one is broken off."""
    responder.set_policy(mode="watch")
    random, events = Random(7), responder.folder / "var" / "events.duckdb"
    stood = []
    for number in range(1, 7):
        responder.log.write_bytes(big[: len(big) * number // 6])
        responder.start()
        sleep(random.uniform(0, 0.3))
        responder.kill()
        stood.append(_read_upto(events))
    assert stood == sorted(stood)
    assert stood[-2] < len(big)
    responder.start()
    responder.stop()
    _stored_as_told(responder, big)


def test_killed_at_each_statement_of_the_store_every_event_is_stored_once(
    responder: Responder, big: bytes
) -> None:
    """Events, open messages and the position are taken in together or not at all, in the first batch and later."""
    responder.set_policy(mode="watch")
    responder.log.write_bytes(big)
    for number in (1, 2, 3, 4, 6, 8):  # four statements a batch: the last two die in a later one
        responder.start("--statement", str(number))
        responder.wait_death()
        assert _read_upto(responder.folder / "var" / "events.duckdb") < len(big)
    responder.start()
    responder.stop()
    _stored_as_told(responder, big)


def _stored_as_told(responder: Responder, log: bytes) -> None:
    """The store has read to the end, and has each event that the log tells of once."""
    assert _read_upto(responder.folder / "var" / "events.duckdb") == len(log)
    told = [
        json.loads(line) for line in responder.ok("events", responder.log, "--format", "postfix").splitlines()
    ]
    assert sorted(map(_told_key, told)) == _stored(responder.folder / "var" / "events.duckdb")


def _read_upto(events: Path) -> int:
    """How many bytes of the log the store has taken in."""
    with duckdb.connect(str(events), read_only=True) as store:
        row = store.execute("SELECT max(byte_offset) FROM positions").fetchone()
    return int(row[0] or 0) if row else 0


FIELDS = ("line", "kind", "queue_id", "account", "recipient", "outcome")


def _stored(events: Path) -> list[tuple[str, ...]]:
    """Every event in the store, as text."""
    with duckdb.connect(str(events), read_only=True) as store:
        rows = store.execute(f"SELECT {', '.join(FIELDS)} FROM events").fetchall()
    return sorted(tuple("" if value is None else str(value) for value in row) for row in rows)


def _told_key(event: dict[str, Any]) -> tuple[str, ...]:
    """An event as ``responder events`` tells it, in the form of ``_stored``."""
    plain = {**event, "recipient": str(int(event["recipient"], 16)) if "recipient" in event else ""}
    return tuple(str(plain.get(name, "")) for name in FIELDS)
