"""Looking for hits: at ticks, in windows, the same in one go and tick by tick, and no account screened out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import utc

from responder.detections.detect import Settled, detect, probes
from responder.detections.detection import Bounds, Detection, Detections, Family, Severity
from responder.detections.hit import Hit
from responder.detections.past import with_lines, with_past
from responder.detections.screen import Screen
from responder.events.event import EVENTS
from responder.events.lives import Part
from responder.events.store import DuckDBStore

EIGHT = utc(2025, 11, 24, 8)
DAY = timedelta(days=1)
TICK = 15


def rule(
    name: str = "many",
    window: str = "10m",
    family: Family = Family.VOLUME,
    confirms: bool = False,
    **when: tuple[float | None, float | None] | float,
) -> Detection:
    """A detection of measures and their bounds: at least, or at least and at most."""
    bounds = {
        measure: Bounds(at_least=bound[0], at_most=bound[1])
        if isinstance(bound, tuple)
        else Bounds(at_least=bound)
        for measure, bound in when.items()
    }
    return Detection(
        detection=name,
        family=family,
        severity=Severity.HIGH,
        window=window,
        when=bounds,
        confirms=confirms,
        title="a title",
        because="a reason",
    )


def event(
    second: float, account: str = "alice", kind: str = "delivery", number: int = 0, **more: object
) -> dict:
    """An event so many seconds after eight; each number is another recipient of another message."""
    row = {
        "kind": kind,
        "time": EIGHT + timedelta(seconds=second),
        "host": "mx1",
        "queue_id": f"4A1B2C{number:04X}",
        "account": account,
        "client_ip": "203.0.113.5",
        "recipient": f"r{number}@example.com",
        "recipient_domain": "example.com",
        "outcome": "sent",
        "dsn": "2.0.0",
        **more,
    }
    if kind == "submission":
        row |= {"recipient": None, "recipient_domain": None, "outcome": None, "dsn": None}
    return row


def frame(rows: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=EVENTS)


def burst(
    number: int, at: float = 0, every: float = 1, account: str = "alice", first: int = 0, **more
) -> list[dict]:
    return [event(at + n * every, account, number=first + n, **more) for n in range(number)]


@pytest.fixture
def store():
    made = DuckDBStore(None, b"key")
    yield made
    made.close()


def look(store: DuckDBStore, rows: list[dict], *rules: Detection, settles: timedelta = DAY) -> list[Hit]:
    """The hits of events, looked at all at once."""
    store.add(frame(rows), None, [])
    moments = probes(store.touched(0, store.last_number()), TICK)
    return detect(store, Detections(rules), moments, {}, settles)


def at(hit: Hit) -> float:
    """Seconds after eight."""
    return (hit.at - EIGHT.replace(tzinfo=UTC)).total_seconds()


@pytest.mark.parametrize(
    ("second", "tick"), [(0, 0), (0.000001, 15), (1, 15), (14.999999, 15), (15, 15), (15.5, 30)]
)
def test_an_account_is_looked_at_at_the_tick_that_follows_its_event(second, tick):
    """An event on the tick counts at it."""
    touched = pl.DataFrame({"account": ["alice"], "time": [EIGHT + timedelta(seconds=second)]}).cast(
        {"time": pl.Datetime("us")}
    )
    assert probes(touched, TICK)["at"].to_list() == [EIGHT + timedelta(seconds=tick)]


def test_many_events_before_a_tick_are_one_look():
    """The cost follows the ticks, not the events."""
    touched = frame(burst(100, every=0.1)).select("account", "time")
    assert len(probes(touched, TICK)) == 2


def test_an_account_with_a_floor_is_looked_at_from_there():
    """What was before the end of its last case no longer counts against it."""
    touched = frame([event(0), event(0, "bob")]).select("account", "time")
    floor = datetime(2025, 11, 24, 8, 30, tzinfo=UTC)
    found = probes(touched, TICK, {"bob": floor}).sort("account")
    assert found["floor"].to_list() == [None, utc(2025, 11, 24, 8, 30)]


def test_a_hit_comes_at_the_tick_at_which_the_bound_is_reached(store):
    """With the figures of that moment."""
    (hit,) = look(store, burst(100), rule(recipients=50))
    assert (hit.account, hit.detection, hit.window, hit.figures, at(hit)) == (
        "alice",
        "many",
        600,
        {"recipients": 61},
        60,
    )
    assert hit.at.tzinfo is UTC


def test_a_bound_that_is_just_missed_is_no_hit(store):
    """49 are not 50."""
    assert look(store, burst(49), rule(recipients=50)) == []


def test_a_window_slides(store):
    """Events count for so long and no longer: the first is out when the last is in."""
    assert look(store, [*burst(49), *burst(1, at=600, first=100)], rule(recipients=50)) == []
    assert len(look(store, burst(2, at=30, first=200), rule(recipients=50))) == 1


def test_every_condition_must_hold(store):
    """At least and at most, of several measures."""
    rows = [*burst(20), *(event(1, number=n, outcome="bounced", dsn="5.1.1") for n in range(100, 110))]
    both = rule(recipients=30, unknown_user_share=(0.2, 0.5))
    assert len(look(store, rows, both)) == 1
    assert look(store, [], rule(recipients=30, unknown_user_share=(0.5, None))) == []
    assert look(store, [], rule(recipients=(None, 0))) == []


def test_accounts_are_counted_each_by_itself(store):
    """Two with half as much each are none."""
    assert look(store, [*burst(30), *burst(30, account="bob", first=100)], rule(recipients=50)) == []


def test_a_failed_login_makes_nobody_looked_at(store):
    """It names a victim, who did nothing."""
    assert look(store, [event(0, kind="login", success=False)], rule(recipients=(None, 5))) == []


def test_a_detection_hits_once_and_is_then_settled(store):
    """The busy hours after a hit say nothing new; later it may hit anew."""
    rows = [*burst(200), *burst(60, at=7200, first=1000)]
    assert [at(hit) for hit in look(store, rows, rule(recipients=50))] == [60]
    again = look(store, [], rule(recipients=50), settles=timedelta(hours=1))
    assert [at(hit) for hit in again] == [60, 7260]


def test_what_is_settled_already_does_not_hit(store):
    """As the open cases have it."""
    store.add(frame(burst(60)), None, [])
    moments = probes(store.touched(0, store.last_number()), TICK)
    settled: Settled = {("alice", "many"): EIGHT.replace(tzinfo=UTC) + DAY}
    assert detect(store, Detections((rule(recipients=50),)), moments, settled, DAY) == []


NETWORKS = rule("networks", family=Family.ORIGIN, confirms=True, window="10m", client_networks=2)


def test_what_only_confirms_hits_only_with_something_to_confirm(store):
    """Two networks alone are nothing; after a hit they are evidence."""
    away = [event(n, kind="submission", number=n, client_ip=f"198.51.{n}.1") for n in range(3)]
    assert look(store, away, NETWORKS) == []
    assert [hit.detection for hit in look(store, burst(60), rule(recipients=50), NETWORKS)] == [
        "many",
        "networks",
    ]


def test_what_confirms_is_not_spent_before_there_is_something_to_confirm(store):
    """Networks changed an hour before the burst and again in it: those in the burst count."""
    early, late = (
        [event(start + n, kind="submission", number=n, client_ip=f"198.51.{n}.1") for n in range(2)]
        for start in (0, 3630)
    )
    hits = look(store, [*early, *burst(60, at=3600), *late], rule(recipients=50), NETWORKS)
    assert [(hit.detection, at(hit)) for hit in hits] == [("many", 3660), ("networks", 3660)]


def test_an_account_may_hit_several_detections_at_one_moment(store):
    """In the order of their names."""
    found = look(store, burst(60), rule("b", recipients=50), rule("a", window="1h", recipients=40))
    assert [(hit.detection, at(hit)) for hit in found] == [("a", 45), ("b", 60)]


def test_the_past_of_an_account_comes_with_its_hit(store):
    """The highest of any such window in the four weeks before yesterday."""
    week = 7 * 86400
    store.add(
        frame([*burst(30, at=-week), *burst(12, at=-2 * week, first=100), *burst(50, at=-3600, first=200)]),
        None,
        [],
    )
    (hit,) = look(store, burst(60, first=300), rule(recipients=55))
    assert with_past(store, hit).usual == {"recipients": 30}
    assert with_past(store, hit).figures == hit.figures


def test_an_account_without_a_past_has_none_to_be_held_against(store):
    """A new account."""
    (hit,) = look(store, burst(60), rule(recipients=50))
    assert with_past(store, hit).usual == {}


def test_the_lines_of_the_window_come_with_a_hit(store):
    """A spread of them, so that neither the first nor the last hides the others."""
    rows = frame(burst(60)).with_columns(text=pl.format("line {}\n", pl.int_range(60)))
    store.add(rows, None, [])
    (hit,) = look(store, [], rule(recipients=50))
    assert with_lines(store, hit, 7).lines == tuple(f"line {n}" for n in range(0, 60, 9))


@pytest.fixture(scope="module")
def spare():
    """A store that is emptied and used again."""
    made = DuckDBStore(None, b"key")
    yield made
    made.close()


def found_in(store: DuckDBStore, events: pl.DataFrame, rules: Detections) -> list[Hit]:
    store.purge(utc(9999, 1, 1), utc(9999, 1, 1))
    store.add(events, None, [])
    return detect(store, rules, probes(store.touched(0, store.last_number()), TICK), {}, DAY)


names = st.sampled_from(["alice", "bob", "carol"])
deliveries = st.builds(
    event,
    st.floats(0, 1500).map(lambda second: round(second, 3)),
    names,
    st.just("delivery"),
    st.integers(0, 12),
    recipient_domain=st.sampled_from(["a.example", "b.example", "c.example", None]),
    outcome=st.sampled_from(["sent", "bounced", "deferred"]),
    dsn=st.sampled_from(["2.0.0", "5.1.1", "4.2.0"]),
)
submissions = st.builds(
    event,
    st.floats(0, 1500).map(lambda second: round(second, 3)),
    names,
    st.just("submission"),
    st.integers(0, 12),
    client_ip=st.sampled_from(["203.0.113.5", "198.51.100.7", "192.0.2.1", "127.0.0.1", None]),
)
bounds = st.tuples(st.one_of(st.none(), st.integers(0, 6)), st.one_of(st.none(), st.integers(3, 9))).filter(
    any
)
measured = st.dictionaries(
    st.sampled_from(
        ["recipients", "messages", "recipient_domains", "unknown_user_bounces", "client_networks"]
    ),
    bounds,
    min_size=1,
    max_size=2,
)
windows = st.sampled_from(["1m", "2m", "5m", "10m"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(deliveries, submissions), max_size=40),
    st.lists(st.tuples(measured, windows), min_size=1, max_size=3),
)
def test_screening_drops_no_account_that_would_hit(spare, rows, written):
    """A coarse look at all finds every account that the close one finds."""
    rules = Detections(tuple(rule(f"rule-{n}", window, **when) for n, (when, window) in enumerate(written)))
    events = frame(rows)
    kinds = [events.filter(pl.col("kind") == kind) for kind in ("delivery", "submission")]

    def events_of(accounts: list[str]) -> list[Part]:
        theirs = pl.col("account").is_in(accounts)
        return [Part("mail.log", kinds[1].filter(theirs), kinds[0].filter(theirs), events.clear())]

    screen = Screen(rules, events_of)
    for n in range(2):
        screen.add(*(each.gather_every(2, n) for each in kinds))
    able = screen.able()
    everything = found_in(spare, events, rules)
    if able is None:  # a rule without a bound: nobody is screened out
        assert any(
            bounds.at_least is None or bounds.at_least <= 0 for r in rules.rules for bounds in r.when.values()
        )
        return
    hours = set(able.rows())
    assert {(hit.account, int(hit.at.timestamp()) // 3600) for hit in everything} <= hours
    close = events.filter(pl.col("account").is_in(able["account"].to_list()))
    assert found_in(spare, close, rules) == everything


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(deliveries, submissions), max_size=40),
    st.lists(st.tuples(measured, windows, st.booleans()), min_size=2, max_size=4),
    st.sampled_from([timedelta(seconds=90), timedelta(seconds=400), DAY]),
)
def test_looking_at_all_at_once_finds_what_looking_tick_by_tick_does(spare, rows, written, settles):
    """So that a backtest, and a watch that was down for a while, decide as a watch that never was."""
    rules = Detections(
        tuple(
            rule(f"rule-{n}", window, confirms=confirms, **when)
            for n, (when, window, confirms) in enumerate(written)
        )
    )
    spare.purge(utc(9999, 1, 1), utc(9999, 1, 1))
    spare.add(frame(rows), None, [])
    moments = probes(spare.touched(0, spare.last_number()), TICK)
    at_once = detect(spare, rules, moments, {}, settles)
    settled: Settled = {}
    by_tick = [
        hit
        for tick in sorted(moments["at"].unique().to_list())
        for hit in detect(spare, rules, moments.filter(pl.col("at") == tick), settled, settles)
    ]
    assert at_once == by_tick
