"""From hits to cases and decisions, the same in the state database as in a backtest's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from responder.audit.trail import Trail
from responder.cases.book import CLOSED, StateBook, floors, read_case, settled
from responder.cases.case import Book, Case
from responder.cases.judge import judge
from responder.cases.memory import MemoryBook
from responder.decisions.decision import Kind
from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Family, Severity
from responder.detections.hit import Hit
from responder.reports.cases import show_case
from responder.state.database import open_state
from responder.state.tables import cases, decisions, hits

EIGHT = datetime(2025, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

POLICY = """\
policy: test
mode: act
rules:
  - {decision: contain, families: 3}
  - {decision: hold, families: 2}
  - {decision: queue, families: 1}
protected:
  accounts: [root]
limits:
  containments_an_hour: 2
playbooks: {contain: contain-it, hold: hold-it}
quiet_hours_to_close: 4
"""


@dataclass
class Stopped:
    """A clock that stands."""

    time: datetime = EIGHT

    def now(self) -> datetime:
        return self.time


@dataclass
class Desk:
    """A book, and what was decided in it."""

    book: Book
    policy: Policy
    decided: Callable[[], list[tuple[str, Kind, Kind]]]
    acted: list[tuple[str, int, Kind]] = field(default_factory=list)
    enriched: list[Hit] = field(default_factory=list)
    usual: dict[str, float] = field(default_factory=dict)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)

    def judge(self, *found: Hit) -> list[tuple[str, Kind, Kind]]:
        """Judges hits; the account, kind and proposal of every decision so far."""
        judge(self.book, self.policy, found, self._enrich, self._missing)
        return self.decided()

    def _missing(self, since: datetime, until: datetime) -> tuple[str, ...]:
        return tuple(f"{begin:%H:%M}" for begin, end in self.gaps if begin <= until and end > since)

    def _enrich(self, hit: Hit) -> Hit:
        self.enriched.append(hit)
        return replace(hit, usual=self.usual, lines=(f"a line of {hit.account}",))


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY, encoding="utf-8")
    return load_policy(file)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = open_state(None)
    with engine.begin() as made:
        yield made
    engine.dispose()


@pytest.fixture(params=["state", "memory"])
def desk(request: pytest.FixtureRequest, policy: Policy, connection: Connection) -> Desk:
    """One for each kind of book; both must say the same."""
    if request.param == "memory":
        memory = MemoryBook()
        return Desk(
            memory,
            policy,
            lambda: [(v.account, v.decision.kind, v.decision.proposed) for v in memory.verdicts],
        )
    return state_desk(policy, connection)


def state_desk(policy: Policy, connection: Connection) -> Desk:
    acted: list[tuple[str, int, Kind]] = []

    def act(_: Connection, case: Case, decision_id: int, kind: Kind) -> None:
        acted.append((case.account, decision_id, kind))

    def decided() -> list[tuple[str, Kind, Kind]]:
        rows = connection.execute(
            select(cases.c.account, decisions.c.kind, decisions.c.proposed)
            .join(decisions, decisions.c.case_id == cases.c.id)
            .order_by(decisions.c.id)
        )
        return [(account, Kind(kind), Kind(proposed)) for account, kind, proposed in rows]

    book = StateBook(connection, Trail(Stopped(), b"key"), policy, Stopped(), act)
    return Desk(book, policy, decided, acted)


def hit(detection: str = "volume", after: timedelta = timedelta(0), account: str = "alice", **more) -> Hit:
    """A hit of the family that its detection is named after, so long after eight."""
    family = Family(detection.partition("-")[0])
    return Hit(account, detection, family, Severity.HIGH, EIGHT + after, 600, {"recipients": 100.0}, **more)


def three(account: str = "alice", after: timedelta = timedelta(0)) -> list[Hit]:
    return [hit(name, after, account) for name in ("quality", "spread", "volume")]


def test_hits_of_one_moment_are_decided_once(desk):
    """Three kinds of evidence at one tick are one containment, and no queue and hold before it."""
    assert desk.judge(*three()) == [("alice", Kind.CONTAIN, Kind.CONTAIN)]
    assert len(desk.enriched) == 3


def test_new_evidence_is_decided_anew_where_it_asks_for_more(desk):
    """From the queue to a hold to a containment, as it comes in."""
    found = desk.judge(
        hit("volume"), hit("spread", HOUR), hit("spread-again", 2 * HOUR), hit("quality", 3 * HOUR)
    )
    assert [kind for _, kind, _ in found] == [Kind.QUEUE, Kind.HOLD, Kind.CONTAIN]


def test_the_same_evidence_again_is_not_decided_again(desk):
    """A detection counts once a case, and its past is looked up once."""
    assert len(desk.judge(hit(), hit(after=HOUR), hit(after=2 * HOUR))) == 1
    assert len(desk.enriched) == 1


def test_accounts_have_cases_of_their_own(desk):
    """Evidence about one says nothing about another."""
    found = desk.judge(hit("spread"), hit("volume", account="bob"), hit("quality", account="carol"))
    assert found == [(name, Kind.QUEUE, Kind.QUEUE) for name in ("alice", "bob", "carol")]


def test_a_case_goes_on_from_one_look_to_the_next(desk):
    """What is judged in two looks is judged as in one."""
    desk.judge(hit("volume"))
    assert [kind for _, kind, _ in desk.judge(hit("spread", HOUR))] == [Kind.QUEUE, Kind.HOLD]


def test_a_quiet_case_is_closed_and_the_next_hit_opens_another(desk):
    """Old evidence does not add up with new for ever."""
    found = desk.judge(hit("volume"), hit("spread", 4 * HOUR + timedelta(seconds=1)))
    assert [kind for _, kind, _ in found] == [Kind.QUEUE, Kind.QUEUE]
    assert desk.book.find("alice").hits[0].detection == "spread"


def test_a_case_is_open_to_the_end_of_its_quiet_hours(desk):
    """To the second."""
    found = desk.judge(hit("volume"), hit("spread", 4 * HOUR))
    assert [kind for _, kind, _ in found] == [Kind.QUEUE, Kind.HOLD]


def test_a_hit_that_is_a_habit_does_not_count(desk):
    """It is kept, with what speaks against it, and decides nothing."""
    desk.usual = {"recipients": 80.0}
    assert desk.judge(*three()) == [("alice", Kind.OBSERVE, Kind.OBSERVE)]
    assert len(desk.book.find("alice").hits) == 3


def test_what_only_confirms_opens_no_case(desk):
    """And adds to one that is there."""
    assert desk.judge(hit("origin", confirms=True)) == []
    assert desk.book.find("alice") is None
    assert [
        kind for _, kind, _ in desk.judge(hit("volume", HOUR), hit("origin", 2 * HOUR, confirms=True))
    ] == [
        Kind.QUEUE,
        Kind.HOLD,
    ]


def test_what_only_confirms_counts_with_a_hit_of_the_same_moment(desk):
    """Whichever comes first."""
    found = desk.judge(hit("origin", confirms=True), hit("volume"))
    assert found == [("alice", Kind.HOLD, Kind.HOLD)]


def test_past_the_limit_of_an_hour_a_person_decides(desk):
    """The third containment within an hour waits; after the hour there is room again."""
    found = desk.judge(*three("a"), *three("b"), *three("c"), *three("d", HOUR + timedelta(seconds=1)))
    assert [kind for _, kind, _ in found] == [Kind.CONTAIN, Kind.CONTAIN, Kind.QUEUE, Kind.CONTAIN]
    assert {proposed for _, _, proposed in found} == {Kind.CONTAIN}


def test_a_protected_account_is_queued_and_takes_no_room(desk):
    """Nothing was contained."""
    found = desk.judge(*three("root"), *three("a"), *three("b"))
    assert [kind for _, kind, _ in found] == [Kind.QUEUE, Kind.CONTAIN, Kind.CONTAIN]


def test_no_hits_decide_nothing(desk):
    """A quiet tick."""
    assert desk.judge() == []


def test_a_decision_is_kept_with_its_reasons_and_carried_out_at_once(policy, connection):
    """The run is begun in the same transaction, only for what is to be done."""
    desk = state_desk(policy, connection)
    desk.judge(hit("volume"), hit("spread", HOUR))
    rows = connection.execute(select(decisions).order_by(decisions.c.id)).all()
    assert [(row.kind, row.state, row.decided_by) for row in rows] == [
        ("queue", "superseded", "policy"),
        ("hold", "acted", "policy"),
    ]
    assert rows[1].reasons == ["policy.yaml:5: evidence of spread, volume"]
    assert rows[1].policy == policy.hash
    assert desk.acted == [("alice", rows[1].id, Kind.HOLD)]


def test_a_decision_is_of_the_moment_at_which_it_was_made(policy, connection):
    """After an outage what is judged may be hours old; the hit keeps its own time."""
    state_desk(policy, connection).judge(hit("volume", -5 * HOUR))
    assert connection.execute(select(decisions.c.at)).scalar() == EIGHT
    assert connection.execute(select(cases.c.opened_at)).scalar() == EIGHT
    assert connection.execute(select(hits.c.at)).scalar() == EIGHT - 5 * HOUR


def test_a_case_is_read_back_as_it_was_written(policy, connection):
    """Hits with their figures, past and lines, in order."""
    desk = state_desk(policy, connection)
    desk.usual = {"recipients": 3.0}
    desk.judge(hit("volume"), hit("spread", HOUR))
    found = desk.book.find("alice")
    assert found == read_case(connection, found.id)
    assert (found.opened_at, found.last_hit_at, found.proposed) == (EIGHT, EIGHT + HOUR, Kind.HOLD)
    assert [(each.detection, each.at, each.usual, each.lines) for each in found.hits] == [
        ("volume", EIGHT, {"recipients": 3.0}, ("a line of alice",)),
        ("spread", EIGHT + HOUR, {"recipients": 3.0}, ("a line of alice",)),
    ]
    assert read_case(connection, 99) is None


def test_a_habit_is_kept_with_the_hit(policy, connection):
    """So that whoever reads the case sees what spoke against it."""
    desk = state_desk(policy, connection)
    desk.usual = {"recipients": 80.0}
    desk.judge(hit())
    (doubt,) = connection.execute(select(hits.c.doubt)).scalars()
    assert doubt == "recipients up to 80 in 10 min is this account's habit"


def test_a_quiet_case_is_closed_when_its_quiet_hours_ended(policy, connection):
    """With its outcome; what waited in it is no longer asked."""
    desk = state_desk(policy, connection)
    desk.judge(hit("volume"), hit("volume", 9 * HOUR))
    old, new = connection.execute(select(cases).order_by(cases.c.id)).all()
    assert (old.closed_at, old.outcome) == (EIGHT + 4 * HOUR, "quiet")
    assert (new.closed_at, new.outcome) == (None, None)
    assert connection.execute(select(decisions.c.state)).scalars().all() == ["superseded", "waiting"]


@pytest.mark.parametrize(
    ("gap", "missing"),
    [
        ((HOUR, 2 * HOUR), ["09:00"]),
        ((-HOUR, timedelta(0)), []),
        ((5 * HOUR, 6 * HOUR), []),
    ],
)
def test_a_case_that_was_quiet_while_lines_were_missing_says_so(policy, connection, gap, missing):
    """In the trail and in what is shown of it; before and after that time they do not matter, and it is closed."""
    desk = state_desk(policy, connection)
    desk.gaps = [(EIGHT + gap[0], EIGHT + gap[1])]
    desk.judge(hit("volume"), hit("volume", 9 * HOUR))
    case = connection.execute(select(cases).order_by(cases.c.id)).first()
    assert (case.closed_at, case.outcome) == (EIGHT + 4 * HOUR, "quiet")
    (closed,) = [each for each in Trail(Stopped(), b"key").read(connection) if each.tag == CLOSED]
    assert closed.detail == {"outcome": "quiet", **({"missing": missing} if missing else {})}
    assert show_case(connection, case.id)["missing"] == missing


def test_what_was_missing_is_kept_with_the_hit(policy, connection):
    """And said with its evidence; a case that is open has no end to tell of."""
    state_desk(policy, connection).judge(hit("volume", missing=("lines are missing: of mx1",)))
    shown = show_case(connection, 1)
    assert shown["evidence"][0]["words"] == "100 recipients in 10 min; lines are missing: of mx1"
    assert shown["missing"] == []


def test_every_step_is_in_the_trail(policy, connection):
    """Opened, each hit, each decision, in order, and the chain holds."""
    desk = state_desk(policy, connection)
    desk.judge(hit("volume"), hit("spread", HOUR))
    trail = Trail(Stopped(), b"key")
    assert [(record.actor, record.tag, record.account) for record in trail.read(connection)] == [
        ("detection", "case:account:opened", "alice"),
        ("detection", "detection:account:hit", "alice"),
        ("policy", "policy:case:queue", "alice"),
        ("detection", "detection:account:hit", "alice"),
        ("policy", "policy:case:hold", "alice"),
    ]
    assert trail.broken_at(connection) is None


def test_hits_of_open_cases_are_settled_for_the_quiet_hours(policy, connection):
    """And those of closed ones are not."""
    desk = state_desk(policy, connection)
    desk.judge(hit("volume"), hit("spread", HOUR), hit("volume", account="bob"))
    bob = desk.book.find("bob")
    desk.book.close(bob, EIGHT + HOUR, "denied")
    assert settled(connection, policy.quiet) == {
        ("alice", "volume"): EIGHT + 4 * HOUR,
        ("alice", "spread"): EIGHT + 5 * HOUR,
    }


def test_what_a_person_ended_counts_from_its_end(policy, connection):
    """A case that went quiet by itself sets no floor, nor one that ended long ago."""
    desk = state_desk(policy, connection)
    desk.judge(*(hit(account=name) for name in ("alice", "bob", "carol", "dave")))
    for name, outcome, end in (
        ("alice", "denied", HOUR),
        ("bob", "quiet", HOUR),
        ("carol", "restored", 2 * HOUR),
        ("dave", "denied", -HOUR),
    ):
        desk.book.close(desk.book.find(name), EIGHT + end, outcome)
    assert floors(connection, EIGHT) == {"alice": EIGHT + HOUR, "carol": EIGHT + 2 * HOUR}
