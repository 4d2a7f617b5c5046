"""``responder backtest --world``: a world is judged by what its site knows, and never by its truth."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from simulate_kit import plan, rows

from responder.errors import BadInput
from responder.simulate.site import read_world
from responder.simulate.world import make_world

TRUTH = ("truth.jsonl", "malicious.jsonl")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "world"
    make_world(folder, plan())
    return folder


def backtest(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What the command says."""
    command = [sys.executable, "-m", "responder", "backtest", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_world_is_judged(world, tmp_path):
    """Each verdict names an account of the directory, an instant with its zone, and a decision; truth is not needed."""
    blind = tmp_path / "blind"
    shutil.copytree(world, blind, ignore=shutil.ignore_patterns(*TRUTH))
    said = []
    for folder in (world, blind):
        file = tmp_path / f"{folder.name}.jsonl"
        done = backtest("--world", folder, "--verdicts", file, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        said.append((rows(file), json.loads(done.stdout)["messages"]))
    assert said[0] == said[1]
    verdicts, messages = said[0]
    assert messages > 1000
    accounts = {
        line[5:] for line in (world / "directory.ldif").read_text().splitlines() if line.startswith("uid: ")
    }
    assert verdicts
    assert {each["account"] for each in verdicts} <= accounts
    assert all(datetime.fromisoformat(each["time"]).utcoffset() is not None for each in verdicts)
    hijacked = {each["account"] for each in rows(world / "truth.jsonl") if each["class"] == "hijack"}
    assert hijacked & {each["account"] for each in verdicts if each["decision"] in ("queue", "contain")}


def test_the_site_of_a_world(world):
    """The logs from the oldest on, other names of accounts, countries, and who sits behind the webmail server."""
    found = read_world(world)
    assert [path.name for path in found.files] == [*(f"mail.log.{n}.gz" for n in (4, 3, 2, 1)), "mail.log"]
    assert (found.zone.key, found.names.domain, found.home.domain) == ("Europe/Paris", *["example.org"] * 2)
    assert len(found.webmail.servers) == 1
    assert found.home.geo is not None
    with (world / "geo.csv").open() as file:
        network, country, number, _ = file.readlines()[1].split(",", 3)
    assert found.home.geo.of(network.partition("/")[0]) == (country, int(number))
    aliases = dict(found.names.aliases.rows())
    assert len(aliases) > 100
    assert all("@example.org" not in name for name in aliases)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "world.json: cannot be read: No such file"),
        ("{", "world.json: Invalid JSON"),
        ('{"domain": "example.org", "tz": "Nowhere", "hosts": {}}', "world.json: tz: "),
        ('{"domain": "example.org", "tz": "UTC", "hosts": {"a": {"ip": "x"}}}', "world.json: hosts.a.ip: "),
    ],
)
def test_what_is_no_world_is_told_of(tmp_path, content, said):
    """With the file, and where in it."""
    if content:
        (tmp_path / "world.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        read_world(tmp_path)


def test_a_world_without_logs_is_told_of(world, tmp_path):
    """Nothing would be judged."""
    for name in ("world.json", "directory.ldif", "geo.mmdb"):
        shutil.copy(world / name, tmp_path)
    with pytest.raises(BadInput, match=r"has no mail\.log"):
        read_world(tmp_path)


def test_a_world_goes_with_no_other_logs(world):
    """Its own zone and format are known."""
    done = backtest("--world", world, "--zone", "UTC")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "a world has its own logs, format and zone; leave FILES, --format and --zone out\n"


def test_no_logs_at_all_are_told_of(tmp_path):
    """Neither is an empty folder one."""
    for arguments in ((), (tmp_path,)):
        done = backtest(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "no log file to read; name files, or a folder of them\n"
