"""Gaps: a source without a line for so long, within a file, between parts and reads, over restarts, and right now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bench import quiet_site
from reading import run_of, utc
from structlog.testing import capture_logs

from responder.bootstrap import build
from responder.events.bulk import read_events
from responder.events.gaps import SILENCE, STEP, heard
from responder.events.store import DuckDBStore
from responder.formats import format_named
from responder.live.ingest import Ingest
from responder.live.silence import Silence
from responder.site.config import load_config
from responder.sources import given
from responder.sources.followed import FollowedFile

EIGHT = utc(2025, 11, 24, 8)
ZONE = ZoneInfo("UTC")
LOST = "rsyslogd[12]: imjournal: 5 messages lost due to rate-limiting"


def line(minutes: float = 0, said: str = "cron[7]: (root) CMD (true)") -> str:
    """A line so many minutes after eight."""
    return f"{EIGHT + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ} mx1 {said}"


def gaps(*lines: str, newest: datetime | None = None, zone: str = "UTC", **run: Any) -> list[tuple[int, str]]:
    """The line that ended each gap, and what is said of it."""
    these = run_of(*lines, zone=zone, **run)
    losses, _ = heard(these, format_named("postfix").parse(these)).missing(newest, SILENCE)
    return losses.select("line", "reason").rows()


def test_a_gap_is_a_loss_from_one_line_to_the_next():
    """Of the source, of no host; nobody knows of how many lines."""
    these = run_of(line(), line(1), line(43), line(44), keep_text=True)
    losses, newest = heard(these, format_named("postfix").parse(these)).missing(None, SILENCE)
    assert losses.rows(named=True) == [
        {
            "line": 3,
            "time": EIGHT + timedelta(minutes=43),
            "host": None,
            "lost": None,
            "reason": "no line for 42 minutes",
            "silent_since": EIGHT + timedelta(minutes=1),
            "text": None,
        }
    ]
    assert newest == EIGHT + timedelta(minutes=44)


def test_as_long_as_is_allowed_is_no_gap():
    """A second more is."""
    assert gaps(line(), line(15)) == []
    assert gaps(line(), line(15 + 1 / 60)) == [(2, "no line for 15 minutes")]


def test_lines_without_an_event_are_lines():
    """Nobody sends mail at night, and the log goes on."""
    sent = "postfix/smtpd[1]: 4A1B2C3D4E: client=a[192.0.2.5], sasl_method=PLAIN, sasl_username=ann"
    assert gaps(line(0, sent), *(line(10 * n) for n in range(1, 60)), line(600, sent)) == []


@pytest.mark.parametrize("place", [1, 2, STEP - 1, STEP, STEP + 1, 3 * STEP - 1])
def test_a_gap_is_found_wherever_it_is(place):
    """Though of most lines nobody looks at the stamp."""
    lines = [line(60 if n >= place else 0) for n in range(3 * STEP)]
    assert gaps(*lines) == [(place + 1, "no line for 60 minutes")]


def test_what_is_no_stamp_is_passed_over():
    """The lines around it count."""
    assert gaps(line(), "no log line at all", "Nov 31 08:00:00 mx1 cron[7]: x", line(60)) == [
        (4, "no line for 60 minutes")
    ]
    assert gaps("no log line at all", newest=EIGHT) == []
    assert gaps() == []


def test_a_clock_that_runs_behind_makes_no_gap():
    """Two hosts in one log, one of them an hour late."""
    assert gaps(*(line(n + (-60 if n % 2 else 0)) for n in range(60))) == []


def test_the_newest_line_before_counts():
    """What is older than it ends no gap."""
    assert gaps(line(60), line(61), newest=EIGHT) == [(1, "no line for 60 minutes")]
    assert gaps(line(-60), line(-30), line(1), newest=EIGHT) == []


@pytest.mark.parametrize("every", [1.7, 2.5, 3.6])
def test_the_hour_that_clocks_show_twice_is_no_gap_in_many_lines(every):
    """Of which few are looked at: the one at which the clock is put back may be between two of those."""
    begin, zone = datetime(2025, 10, 25, 23, 10, tzinfo=UTC), ZoneInfo("Europe/Paris")
    times = [begin + timedelta(seconds=every * number) for number in range(int(4 * 3600 / every))]
    lines = [f"{time.astimezone(zone):%b %d %H:%M:%S} mx1 cron[7]: x" for time in times]
    assert gaps(*lines, zone="Europe/Paris", reference=times[-1]) == []


def test_the_hour_that_clocks_show_twice_is_no_gap():
    """Nor the one that they skip."""
    near = datetime(2025, 10, 26, 12, tzinfo=UTC)
    stamps = ["02:30:00", "02:40:00", "02:50:00", "02:00:00", "02:10:00", "02:20:00", "02:30:00"]
    lines = [f"Oct 26 {stamp} mx1 cron[7]: x" for stamp in stamps]
    assert gaps(*lines, zone="Europe/Paris", reference=near) == []
    near = datetime(2025, 3, 30, 12, tzinfo=UTC)
    lines = [f"Mar 30 {stamp} mx1 cron[7]: x" for stamp in ("01:59:00", "03:00:00")]
    assert gaps(*lines, zone="Europe/Paris", reference=near) == []


def test_lines_without_a_daemon_s_stamp_are_as_old_as_their_events():
    """As the records of a cloud service, of which each is an event."""
    record = (
        '{"createdDateTime":"2025-11-24T%s:00Z","userPrincipalName":"ann@example.org","ipAddress":"192.0.2.5",'
        '"status":{"errorCode":0}}'
    )
    these = run_of(*(record % at for at in ("08:00", "08:10", "09:00")))
    sign_ins = format_named("entra-signin").parse(these)
    losses, _ = heard(these, sign_ins).missing(None, SILENCE)
    assert losses.select("line", "reason").rows() == [(3, "no line for 50 minutes")]


def test_notices_and_gaps_stand_in_the_order_of_their_lines():
    """Both may be of one line."""
    assert gaps(line(), line(1, LOST), line(60, LOST), line(90)) == [
        (2, "rsyslog: rate-limiting"),
        (3, "rsyslog: rate-limiting"),
        (3, "no line for 59 minutes"),
        (4, "no line for 30 minutes"),
    ]


@pytest.mark.parametrize("chunk", [64, 10_000])
def test_gaps_in_whole_files_are_of_one_file(tmp_path, monkeypatch, chunk):
    """However it is cut into parts; another file may be of another time."""
    monkeypatch.setattr(given, "CHUNK", chunk)
    files = [tmp_path / name for name in ("mx1.log", "mx2.log")]
    files[0].write_text("".join(f"{line(n)}\n" for n in (0, 5, 10, 50, 60)), encoding="utf-8")
    files[1].write_text("".join(f"{line(n)}\n" for n in (600, 610)), encoding="utf-8")
    parts = list(read_events(files, format_named("postfix"), ZONE, None, []))
    found = [(part.source, *row) for part in parts for row in part.losses.select("line", "reason").rows()]
    assert found == [(str(files[0]), 4, "no line for 40 minutes")]


@dataclass
class Stopped:
    """A clock that a test puts on."""

    time: datetime = datetime(2025, 11, 24, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@dataclass
class Live:
    """A followed log and its store, at a time of the test's choice."""

    folder: Path
    clock: Stopped = field(default_factory=Stopped)
    limits: dict[str, timedelta] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file = self.folder / "mail.log"
        self.file.write_text(f"{line()}\n", encoding="utf-8")
        self.start()

    def start(self) -> None:
        """A process of its own, as after a crash."""
        self.store = DuckDBStore(self.folder / "events.duckdb", b"key")
        sources = [(FollowedFile(self.file, ZONE), format_named("postfix"))]
        self.ingest = Ingest(self.store, "example.org", sources, silence=Silence(self.clock, self.limits))

    def restart(self) -> None:
        self.store.close()
        self.start()

    def read(self, now: float, *lines: str) -> list[str]:
        """Adds lines and reads them so many minutes after eight; what was said of silence."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write("".join(f"{each}\n" for each in lines))
        self.clock.time = (EIGHT + timedelta(minutes=now)).replace(tzinfo=UTC)
        with capture_logs() as told:
            self.ingest.read()
        return [" ".join(str(each[key]) for key in ("event", *SINCE) if key in each) for each in told]

    def losses(self) -> list[tuple[int, str]]:
        return (
            self.store.losses(EIGHT - timedelta(days=1), EIGHT + timedelta(days=1))
            .select("line", "reason")
            .rows()
        )


SINCE = ("since", "was_since")


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


@pytest.mark.parametrize("restart", [False, True])
def test_a_gap_between_two_reads_is_found(live, restart):
    """Over a restart too, and by the newest line, whether it gave an event or not."""
    live.read(1, line(1))
    if restart:
        live.restart()
    live.read(50, line(50))
    assert live.losses() == [(3, "no line for 49 minutes")]
    if restart:
        live.restart()
    live.read(51, line(51))
    assert len(live.losses()) == 1
    live.store.close()


def test_time_in_which_nobody_read_is_no_gap(live):
    """The lines were written all the same."""
    live.read(1)
    live.restart()
    live.read(60, *(line(10 * n) for n in range(1, 7)))
    assert live.losses() == []
    live.store.close()


def test_a_log_that_was_turned_is_one_source(live):
    """The gap is between the last line of the one file and the first of the next."""
    live.read(1)
    live.file.rename(live.file.with_suffix(".log.1"))
    live.read(60, line(60))
    assert live.losses() == [(1, "no line for 60 minutes")]
    live.store.close()


def test_silence_right_now_is_told_of_once_and_when_it_is_over(live):
    """Though no line says so."""
    assert live.read(1) == []
    assert live.read(15) == []
    assert live.read(16) == ["source silent 2025-11-24T08:00:00Z"]
    assert live.read(17) == []
    assert live.read(18, line(18)) == ["source no longer silent 2025-11-24T08:00:00Z"]
    assert live.losses() == [(2, "no line for 18 minutes")]
    assert live.read(40) == ["source silent 2025-11-24T08:18:00Z"]
    live.restart()
    assert live.read(41) == ["source silent 2025-11-24T08:18:00Z"]
    live.store.close()


def test_a_source_may_be_silent_for_longer(tmp_path):
    """As it was said of it."""
    live = Live(tmp_path, limits={str(tmp_path / "mail.log"): timedelta(hours=2)})
    assert live.read(90) == []
    assert live.read(119, line(119)) == []
    assert live.losses() == []
    assert live.read(240) == ["source silent 2025-11-24T09:59:00Z"]
    live.store.close()


def test_a_site_says_how_long_each_of_its_sources_may_be_silent(tmp_path):
    """In minutes; others have the usual limit."""
    file = quiet_site.write(tmp_path, [tmp_path / "a.log", tmp_path / "b.log"], "postfix")
    written = json.loads(file.read_text(encoding="utf-8"))
    written["sources"][0]["silence"] = 120
    file.write_text(json.dumps(written), encoding="utf-8")
    house = build(load_config(file))
    with house.open_service() as service:
        limits = [service.ingest.silence.limit(source.source) for source, _ in service.ingest.sources]
    house.records.state.dispose()
    assert limits == [timedelta(hours=2), SILENCE]


def test_a_clock_that_runs_ahead_hides_no_silence(live):
    """A line from tomorrow is one of now."""
    live.read(5, line(24 * 60))
    assert live.read(30) == ["source silent 2025-11-24T08:05:00Z"]
    live.store.close()


def test_nothing_is_silent_that_never_spoke(tmp_path):
    """An empty log, and one that is not there."""
    live = Live(tmp_path)
    live.file.write_text("", encoding="utf-8")
    assert live.read(600) == []
    live.file.unlink()
    with capture_logs() as told:
        live.ingest.read()
    assert [each["event"] for each in told] == ["source unreadable"]
    live.store.close()


def test_losses_are_kept_and_count_for_nobody(live):
    """By the time in which lines are missing, with their text; no account is looked at for them."""
    live.read(61, line(1, LOST), line(60))
    kept = live.store.losses(EIGHT, EIGHT + timedelta(minutes=1))
    assert kept.select("host", "lost", "reason", "source").rows() == [
        ("mx1", 5, "rsyslog: rate-limiting", str(live.file)),
    ]
    during = live.store.losses(EIGHT + timedelta(minutes=20), EIGHT + timedelta(minutes=30))
    assert during["reason"].to_list() == ["no line for 59 minutes"]
    assert len(live.store.losses(EIGHT + timedelta(minutes=60), EIGHT + timedelta(minutes=90))) == 0
    assert len(live.store.touched(0, live.store.last_number())) == 0
    assert live.store._do("SELECT count(*) FROM events WHERE text LIKE '%5 messages lost%'") == [(1,)]
    live.store.close()
