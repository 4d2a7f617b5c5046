"""A world is what its truth says: our own formats read all of it, and find just those messages."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import polars as pl
import pytest
from simulate_kit import PARIS, plan, rows

from responder.events.account import Names
from responder.events.bulk import read_events
from responder.events.late import Late
from responder.events.unread import Unread
from responder.formats import format_named
from responder.simulate.hijacks import styles
from responder.simulate.lookalikes import lookalikes
from responder.simulate.world import make_world
from responder.sources.lines import Problem

KNOWN = (
    "amavis: * Passed CLEAN",
    "postfix/anvil: statistics",
    "postfix/bounce: * sender non-delivery notification",
    "postfix/cleanup: *",
    "postfix/qmgr: *",
    "postfix/smtpd: *",
    "postfix/smtpd: connect from",
    "postfix/smtpd: disconnect from",
    "postfix/smtpd: NOQUEUE: reject: RCPT from",
    "postfix/submission/smtpd: Anonymous TLS connection established from",
    "postfix/submission/smtpd: connect from",
    "postfix/submission/smtpd: disconnect from",
)
"""How the lines begin that give no event, in a log of any site."""

RESERVED = [
    ip_network(each)
    for each in ("10.0.0.0/8", "127.0.0.0/8", "198.18.0.0/15", "240.0.0.0/4", "2001:db8::/32")
]


def logs(folder: Path) -> list[Path]:
    """The log files, oldest first."""
    packed = sorted(folder.glob("mail.log.*.gz"), key=lambda path: -int(path.name.split(".")[2]))
    return [*packed, folder / "mail.log"]


class Read:
    """What our formats make of a world."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self.unread, self.late = Unread(), Late()
        parts = read_events(
            logs(folder),
            format_named("postfix+dovecot+roundcube"),
            PARIS,
            Names("example.org"),
            self.problems,
            unread=self.unread,
            late=self.late,
        )
        self.events = pl.concat([part.flat() for part in parts])


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A small world with every style."""
    folder = tmp_path_factory.mktemp("worlds") / "world"
    make_world(folder, plan())
    return folder


@pytest.fixture(scope="module")
def read(world) -> Read:
    """Its events."""
    return Read(world)


def lines(folder: Path) -> list[str]:
    """All log lines, oldest first."""
    texts = [gzip.decompress(path.read_bytes()) for path in logs(folder)[:-1]]
    return b"".join([*texts, (folder / "mail.log").read_bytes()]).decode().splitlines()


def test_the_same_seed_gives_the_same_bytes(world, tmp_path):
    """Down to the compressed files; another seed gives others."""
    make_world(tmp_path / "again", plan())
    make_world(tmp_path / "other", plan(seed=8, hijacks=1))
    names = sorted(path.name for path in world.iterdir())
    again = {name: (tmp_path / "again" / name).read_bytes() for name in names}
    assert again == {path.name: path.read_bytes() for path in world.iterdir()}
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == names
    assert again["mail.log"] != (tmp_path / "other" / "mail.log").read_bytes()


def test_our_formats_read_every_line(read):
    """Nothing is a problem, nothing is late, and what gives no event is of kinds that never do."""
    assert read.problems == []
    assert read.late.count == {}
    said = {f"{row['program']}: {row['form']}" for row in read.unread.frame().iter_rows(named=True)}
    assert sorted(each for each in said if not each.startswith(KNOWN)) == []
    assert set(read.events["kind"]) == {"submission", "delivery", "login"}


def test_each_malicious_message_is_a_submission_of_that_account(world, read):
    """With that many recipients, so many of them reached and so many unknown, at that time."""
    messages = rows(world / "malicious.jsonl")
    truth = pl.DataFrame(messages).rename({"qid": "message"})
    submitted = read.events.filter(pl.col("kind") == "submission").select(
        "host", "account", "time", message="queue_id"
    )
    found = (
        read.events.filter(pl.col("kind") == "delivery")
        .group_by("host", "message", "recipient", maintain_order=True)
        .agg(pl.col("original", "outcome", "dsn").last())
        .group_by("host", "message")
        .agg(
            parsed=pl.coalesce("original", "recipient").n_unique(),
            sent=pl.col("recipient").filter(pl.col("outcome") == "sent").n_unique(),
            missing=pl.col("recipient").filter(pl.col("dsn") == "5.1.1").n_unique(),
        )
    )
    both = truth.join(submitted, on=["host", "message"], suffix="_parsed").join(found, on=["host", "message"])
    assert len(both) == len(truth) > 1000
    wrong = both.filter(
        (pl.col("account") != pl.col("account_parsed"))
        | (pl.col("recipients") != pl.col("parsed"))
        | (pl.col("delivered") != pl.col("sent"))
        | (pl.col("unknown") != pl.col("missing"))
        | ((pl.col("time") - pl.col("time_parsed").dt.epoch("ms") / 1000).abs() > 2)
    )
    assert wrong.rows(named=True) == []


def test_the_truth_adds_up(world):
    """Each hijack's figures are those of its messages, and its times follow each other."""
    messages = rows(world / "malicious.jsonl")
    truth = rows(world / "truth.jsonl")
    for one in (each for each in truth if each["class"] == "hijack"):
        own = [each for each in messages if each["hijack"] == one["id"]]
        assert {each["account"] for each in own} <= {one["account"]}
        assert len(own) == one["malicious_messages"]
        assert bool(own) is not one["no_send"]
        for total, part in (
            ("malicious_recipients", "recipients"),
            ("delivered", "delivered"),
            ("unknown_users", "unknown"),
        ):
            assert one[total] == sum(each[part] for each in own)
        times = [one[name] for name in ("first_login", "first_malicious_send", "last_send", "last_activity")]
        moments = [datetime.fromisoformat(each) for each in times if each]
        assert moments == sorted(moments)
        assert all(each.utcoffset() is not None for each in moments)
    accounts = [each["account"] for each in truth]
    assert len(set(accounts)) == len(accounts)


def test_everybody_of_the_truth_is_seen_in_the_log(world, read):
    """An intruder's first login is a login or a message then; a look-alike does something in its time."""
    acts = read.events.filter(pl.col("kind") != "delivery").select(
        "account", "kind", "success", at=pl.col("time").dt.epoch("ms") / 1000
    )
    inside = acts.filter((pl.col("kind") == "submission") | pl.col("success"))
    for one in rows(world / "truth.jsonl"):
        own = pl.col("account") == one["account"]
        if one["class"] == "hijack":
            first = datetime.fromisoformat(one["first_login"]).timestamp()
            seen = inside.filter(own & ((pl.col("at") - first).abs() < 2))
        else:
            times = [datetime.fromisoformat(one[name]).timestamp() for name in ("first", "last")]
            seen = acts.filter(own & pl.col("at").is_between(times[0] - 2, times[1] + 2))
        assert len(seen), one


def test_no_mail_of_an_intruder_is_in_the_warm_up(world):
    """Reading may be."""
    begin = plan().midnights[2]
    assert all(each["time"] >= begin for each in rows(world / "malicious.jsonl"))


def test_every_style_and_look_alike_occurs(world):
    """And a campaign has several accounts."""
    truth = rows(world / "truth.jsonl")
    hijacks = [each for each in truth if each["class"] == "hijack"]
    assert {each["style"] for each in hijacks} == set(styles())
    assert {each["kind"] for each in truth if each["class"] == "benign"} == set(lookalikes())
    assert len([each for each in hijacks if each["campaign"]]) == 3
    assert {each["origin"] for each in hijacks} == {"credential", "machine"}
    assert next(each["parameters"] for each in hijacks if each["style"] == "test_then_burst")["burst_start"]


def test_the_log_has_what_real_ones_have(world):
    """Both forms of queue ids, the filter's second id, aliases, notifications, retries, refusals, other spellings."""
    text = "\n".join(lines(world))
    for pattern in (
        r" smtp1 postfix/submission/smtpd\[\d+\]: [0-9A-F]{11}: client=",
        r" smtp2 postfix/submission/smtpd\[\d+\]: [0-9A-Za-z]{15}: client=",
        r" web1 postfix/submission/smtpd\[\d+\]: \w+: client=localhost\[127.0.0.1\], sasl_method=",
        r"relay=127.0.0.1\[127.0.0.1\]:10024, .* queued as [0-9A-Za-z]{15}\)",
        r", orig_to=<department-\d+@example.org>, ",
        r": from=<>, size=\d+, nrcpt=1 \(queue active\)",
        r"status=deferred \(host ",
        r"status=deferred \(connect to ",
        r"NOQUEUE: reject: RCPT from .*: 450 4.2.0 .*Greylisted",
        r" lists1 postfix/smtpd\[\d+\]: \w+: client=localhost\[127.0.0.1\]\n",
        r"SASL LOGIN authentication failed: .*, sasl_username=admin",
        r"dovecot: pop3-login: Login: ",
        r"roundcube: <\w{8}> Failed login for ",
        r"sasl_username=[A-Z]+[0-9]*\n",
        r"sasl_username=[a-z]+[0-9]*@example.org\n",
        r"rip=2001:db8:",
    ):
        assert re.search(pattern, text), pattern


def test_addresses_and_names_are_nobodys(world):
    """Reserved ones only, in the logs and in the directory."""
    text = "\n".join([*lines(world), (world / "directory.ldif").read_text(encoding="utf-8")])
    addresses = set(re.findall(r"(?:\[|rip=|lip=|from )((?:\d+\.){3}\d+|2001:[0-9a-f:]+)", text))
    assert len(addresses) > 500
    assert [each for each in addresses if not any(ip_address(each) in network for network in RESERVED)] == []
    domains = set(re.findall(r"@([a-z][\w.-]*)", text))
    assert [each for each in domains if not re.search(r"(^|\.)(example|example\.org)$", each)] == []


def test_everybody_who_logs_in_is_in_the_directory(world, read):
    """Under one name, however it was typed."""
    uids = set(re.findall(r"^uid: (\S+)$", (world / "directory.ldif").read_text(encoding="utf-8"), re.M))
    assert len(uids) == 200
    inside = read.events.filter(
        (pl.col("kind") == "submission") | ((pl.col("kind") == "login") & pl.col("success"))
    )
    assert set(inside["account"]) <= uids


def test_iso_stamps_tell_the_same(tmp_path):
    """In order, with their zone, over the hour that is skipped in spring."""
    make_world(tmp_path / "iso", plan(style="iso", hijacks=2))
    stamps = [line.split(" ", 1)[0] for line in lines(tmp_path / "iso")]
    times = [datetime.fromisoformat(each) for each in stamps]
    assert times == sorted(times)
    assert {str(each.tzinfo) for each in times} == {"UTC+01:00", "UTC+02:00"}
    found = Read(tmp_path / "iso")
    assert found.problems == []
    assert len(found.events) > 1000


def tool(shared: Path, *arguments: object) -> str:
    """What one of the shared tools says."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=shared / "tools",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.shared
def test_the_scoring_tools_take_it(world, shared, tmp_path):
    """All hijacks flagged as they begin are all right, and the fixed rules find some."""
    truth = [each for each in rows(world / "truth.jsonl") if each["class"] == "hijack"]
    verdicts = tmp_path / "verdicts.jsonl"
    verdicts.write_text(
        "".join(
            json.dumps(
                {
                    "account": each["mail"],
                    "time": each["first_malicious_send"] or each["first_login"],
                    "decision": "hold",
                    "origin": each["origin"],
                }
            )
            + "\n"
            for each in truth
        ),
        encoding="utf-8",
    )
    tool(shared, "score.py", world, verdicts, "--json", tmp_path / "score.json")
    figures = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["product"]
    assert figures["all_senders"]["recall"] == 1.0
    assert figures["false"]["account_days_flagged"] == 0
    tool(shared, "peers.py", world, "--json", tmp_path / "peers.json")
    peers = json.loads((tmp_path / "peers.json").read_text(encoding="utf-8"))["results"]
    assert peers["unknown-25/h"]["all_senders"]["found"] >= 1
