"""The log for measuring: small ones here, but with the truth, the order and the forms of the large one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from bench.mail_log import Hijack, write

HANDED_IN = re.compile(
    r"(\S+) (\S+) \S+smtpd\[\d+\]: (\w+): client=\S+\[(.+)\], sasl_method=\w+, sasl_username=(\S+)"
)
DELIVERED = re.compile(r"\S+ (\S+) postfix/\w+\[\d+\]: (\w+): to=<(\S+)>, .* dsn=(\S+), status=(\w+) ")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Hijack], list[str]]:
    path: Path = tmp_path_factory.mktemp("bench") / "mail.log"
    truth = write(path, messages=3000, style="iso", zone="Europe/Paris")
    return truth, path.read_text(encoding="utf-8").splitlines()


def test_lines_are_in_order_of_time(log):
    """ISO stamps with their zone never go back."""
    stamps = [datetime.fromisoformat(line.split(" ", 1)[0]) for line in log[1]]
    assert all(one <= other for one, other in pairwise(stamps))
    assert stamps[0].isoformat().endswith("+01:00")


def test_traditional_stamps_have_no_year(tmp_path):
    """The same seed gives the same day; another day changes its stamps."""
    paths = [tmp_path / name for name in ("a", "b", "c")]
    truths = [
        write(path, messages=100, day=day)
        for path, day in zip(paths, (date(2026, 3, 5),) * 2 + (date(2026, 3, 6),), strict=True)
    ]
    assert truths[0] == truths[1]
    assert truths[2][0].start - truths[0][0].start == pytest.approx(86_400)
    assert paths[0].read_text() == paths[1].read_text()
    assert paths[0].read_text().startswith("Mar  5 ")
    assert truths[0][0].start > datetime(2026, 3, 5, tzinfo=UTC).timestamp()


def test_there_are_as_many_submissions_as_asked(log):
    """The hijacked accounts' ones are part of them."""
    assert sum(", sasl_username=" in line and ": client=" in line for line in log[1]) == 3000


def test_the_truth_is_in_the_log(log):
    """Each hijacked account's figures are those that its lines give."""
    truth, lines = log
    assert len({one.account for one in truth}) == 4
    for one in truth:
        handed = [
            m
            for line in lines
            if (m := HANDED_IN.match(line)) and m[5] == one.account and m[4] in one.networks
        ]
        ids = {(match[2], match[3]) for match in handed}
        delivered = [m for line in lines if (m := DELIVERED.match(line)) and (m[1], m[2]) in ids]
        to = {match[3] for match in delivered}
        unknown = sum(match[4] == "5.1.1" for match in delivered)
        domains = {address.partition("@")[2] for address in to}
        assert (one.messages, one.recipients, one.domains) == (len(ids), len(to), len(domains))
        assert one.unknown_users == unknown
        assert 1500 <= one.recipients <= 4001
        assert 0.2 < unknown / one.recipients < 0.3
        assert 3 <= len({match[4] for match in handed}) <= 6
        first = datetime.fromisoformat(handed[0][1]).timestamp()
        assert first == pytest.approx(one.start, abs=1.0)
        assert one.end - one.start <= 3600


def test_every_message_has_a_whole_life(log):
    """Each queue id is born once and removed once, and each message has its deliveries in between."""
    born = Counter(re.findall(r" (\S+) postfix/cleanup\[\d+\]: (\w+): message-id=", "\n".join(log[1])))
    removed = Counter(re.findall(r" (\S+) postfix/qmgr\[\d+\]: (\w+): removed", "\n".join(log[1])))
    assert born == removed
    assert set(born.values()) == {1}


def test_the_ordinary_is_there(log):
    """Webmail, other servers' mail, refused logins, bounces, deferrals."""
    text = "\n".join(log[1])
    for part in (
        "client=localhost[127.0.0.1], sasl",
        "authentication failed",
        "status=deferred",
        "dsn=5.1.1",
        "from=<>",
    ):
        assert part in text
    assert re.search(r"client=mx\.\S+\n", text)
