"""Each command by itself: its help, its output's form, its exit code."""

from __future__ import annotations

import gzip
import json
import lzma
import re
import stat
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from responder import __version__
from responder.cli.app import app

from .hijack import MESSAGES, RECIPIENTS
from .site import COMMAND, Responder, complaints

COMMANDS = sorted(each.name for each in app.registered_commands if each.name)

VICTIM, BYSTANDER = "amartel", "bnorton"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command says where there is no site."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


class TestHelp:
    """What a person reads who asks."""

    def test_every_command_is_listed_with_what_it_does(self, tmp_path: Path) -> None:
        """The list is whole, and each entry is a sentence."""
        done = run(tmp_path, "--help", COLUMNS="200")
        assert (done.returncode, done.stderr) == (0, "")
        listed = dict(
            re.findall(r"^  ([a-z]+) {2,}(\S.*)$", done.stdout.partition("Commands:")[2], re.MULTILINE)
        )
        assert set(COMMANDS) == set(listed)
        assert all(words[0].isupper() for words in listed.values())

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_explains_itself_and_its_options(self, tmp_path: Path, command: str) -> None:
        """Usage, a sentence that ends with a full stop, and a word about every option."""
        done = run(tmp_path, command, "--help", COLUMNS="200")
        assert (done.returncode, done.stderr) == (0, "")
        usage, sentence = done.stdout.strip().split("\n\n")[:2]
        assert usage.startswith("Usage: ")
        assert f" {command} " in f"{usage} "
        assert sentence.endswith(".")
        options = re.findall(r"^ {2,4}(-\S.*)$", done.stdout, re.MULTILINE)
        assert all(re.search(r"\S {2,}\S", option) or option.endswith("connections") for option in options), (
            options
        )

    def test_without_a_word_the_help_is_shown(self, tmp_path: Path) -> None:
        """And an unknown word is refused."""
        assert "Commands:" in (run(tmp_path).stdout + run(tmp_path).stderr)
        assert run(tmp_path, "contain").returncode == 2

    def test_the_version_is_told(self, tmp_path: Path) -> None:
        """On one line."""
        assert run(tmp_path, "--version").stdout == f"responder {__version__}\n"


class TestInit:
    """A first configuration."""

    def test_it_writes_files_that_check_takes(self, tmp_path: Path) -> None:
        """A new key that only its owner reads, a policy that asks; what is left to do is told."""
        folder = tmp_path / "site"
        done = run(tmp_path, "init", "site")
        assert done.returncode == 0
        names = ("responder.yaml", "policy.yaml", "site.key")
        assert done.stdout.splitlines()[:3] == [f"site/{name} written" for name in names]
        assert "run 'responder check'" in done.stdout
        assert sorted(path.name for path in folder.iterdir()) == sorted(names)
        assert stat.S_IMODE((folder / "site.key").stat().st_mode) == 0o600
        assert re.fullmatch(r"[0-9a-f]{64}\n", (folder / "site.key").read_text())
        assert "\nmode: ask\n" in (folder / "policy.yaml").read_text()
        secrets = dict.fromkeys(
            (
                "RESPONDER_LDAP_PASSWORD",
                "RESPONDER_RT_TOKEN",
                "RESPONDER_SMTP_PASSWORD",
                "RESPONDER_TWILIO_TOKEN",
            ),
            "x",
        )
        missing = run(folder, "check", "--no-connections")
        assert missing.returncode == 1
        assert all(name in missing.stderr for name in secrets)
        configuration = folder / "responder.yaml"
        configuration.write_text(configuration.read_text().replace("/var/log/mail.log", "mail.log"))
        (folder / "mail.log").touch()
        checked = run(folder, "check", "--no-connections", **secrets)
        assert (checked.returncode, checked.stderr) == (0, "")
        assert checked.stdout == (
            "All is well: 6 detections, policy 'own' in mode ask, playbooks contain-hijacked-account.\n"
        )

    def test_two_sites_have_two_keys(self, tmp_path: Path) -> None:
        """A key is drawn anew each time."""
        for name in ("a", "b"):
            assert run(tmp_path, "init", name).returncode == 0
        assert (tmp_path / "a" / "site.key").read_text() != (tmp_path / "b" / "site.key").read_text()

    @pytest.mark.parametrize("name", ["responder.yaml", "policy.yaml", "site.key"])
    def test_it_overwrites_nothing(self, tmp_path: Path, name: str) -> None:
        """One file that is there already is enough for nothing to be written."""
        (tmp_path / name).write_text("mine\n")
        done = run(tmp_path, "init")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"{name}: is there already; nothing was written, move it away first\n"
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "mine\n"


@pytest.fixture
def log(tmp_path: Path, recorded: list[str]) -> Path:
    """The log of a real Postfix, in a folder without a site."""
    path = tmp_path / "mail.log"
    path.write_text("".join(f"{line}\n" for line in recorded), encoding="utf-8")
    return path


def events_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The events that a command printed without complaint."""
    assert (done.returncode, complaints(done.stderr)) == (0, [])
    return [json.loads(line) for line in done.stdout.splitlines()]


class TestEvents:
    """What a log says, as JSON lines."""

    def test_a_real_log_in_events(self, log: Path, recorded: list[str]) -> None:
        """Each kind with its fields, times with their zone, and each event's line stands where it says."""
        events = events_of(run(log.parent, "events", "mail.log", "--zone", "Europe/Paris"))
        assert Counter(event["kind"] for event in events) == {
            "submission": MESSAGES + 3,
            "delivery": RECIPIENTS + 3 + MESSAGES,  # each message of the thief's comes back with its bounces
        }
        for event in events:
            line = recorded[event["line"] - 1]
            assert event["queue_id"] in line
            assert event["source"] == "mail.log"
            moment = datetime.fromisoformat(event["time"])
            assert moment.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
            assert f"{moment:%H:%M:%S}" == line[7:15]
        submission = next(event for event in events if event["kind"] == "submission")
        assert (submission["account"], submission["client_ip"]) == (BYSTANDER, "192.0.2.5")
        assert "recipient" not in submission
        bounced = [event for event in events if event.get("outcome") == "bounced"]
        assert len(bounced) == RECIPIENTS // 2
        assert {(event["account"], event["dsn"]) for event in bounced} == {(VICTIM, "5.1.1")}
        assert len({event["recipient_domain"] for event in bounced}) == RECIPIENTS // 2

    def test_the_format_and_the_lines_without_an_event_are_told_of(self, log: Path) -> None:
        """So that an operator sees what is not understood: each kind, how many, and one of them."""
        with log.open("a", encoding="utf-8") as file:
            file.write("Nov 24 08:00:00 smtp own-tool[1]: \x1b[31mweird thing 1 happened\n" * 3)
        done = run(log.parent, "events", "mail.log", "--zone", "UTC")
        told = done.stderr.splitlines()
        assert told[0] == "mail.log: read as Postfix (syslog, traditional or ISO-8601 stamps)"
        (own,) = (line for line in told if "own-tool" in line)
        assert re.fullmatch(
            r"3 without an event: own-tool: \* thing \* happened, such as mail\.log:\d+: Nov 24 08:00:00 smtp "
            r"own-tool\[1\]: \\x1b\[31mweird thing 1 happened",
            own,
        )
        assert any(
            re.match(r"\d+ without an event: postfix/\S*smtpd: disconnect from ", line) for line in told
        )

    def test_recipients_are_hashes_unless_asked_for(self, log: Path) -> None:
        """Sixteen hex digits of a key that is new each time where there is no site; in clear with --clear."""
        first, second = (run(log.parent, "events", "mail.log", "--zone", "UTC") for _ in range(2))
        assert "someone1@" not in first.stdout
        hashes = [event["recipient"] for event in events_of(first) if "recipient" in event]
        assert all(re.fullmatch(r"[0-9a-f]{16}", each) for each in hashes)
        assert len(set(hashes)) == RECIPIENTS + 3 + 1  # the bounces go to the account
        assert hashes != [event["recipient"] for event in events_of(second) if "recipient" in event]
        clear = events_of(run(log.parent, "events", "mail.log", "--zone", "UTC", "--clear"))
        assert "someone1@bad1.example" in {event.get("recipient") for event in clear}

    def test_the_sites_key_hashes_alike_each_time(self, responder: Responder, recorded: list[str]) -> None:
        """So that events of two logs can be brought together."""
        responder.append(recorded)
        assert responder.ok("events", "mail.log") == responder.ok("events", "mail.log")

    def test_compressed_and_from_standard_input(self, log: Path) -> None:
        """The same events, wherever the lines come from."""
        packed = log.with_name("mail.log.1.gz")
        packed.write_bytes(gzip.compress(log.read_bytes()))
        plain = events_of(run(log.parent, "events", "mail.log", "--zone", "UTC", "--clear"))
        unpacked = events_of(run(log.parent, "events", packed.name, "--zone", "UTC", "--clear"))
        piped = subprocess.run(
            [*COMMAND, "events", "-", "--zone", "UTC", "--clear"],
            cwd=log.parent,
            input=log.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )

        def bare(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{name: value for name, value in event.items() if name != "source"} for event in events]

        assert bare(plain) == bare(unpacked) == bare(events_of(piped))

    def test_a_folder_is_its_logs_in_the_order_in_which_they_were_written(
        self, log: Path, recorded: list[str]
    ) -> None:
        """The older half in a compressed copy, whose messages are still in the queue where it ends."""
        half = len(recorded) // 2
        folder = log.parent / "logs"
        folder.mkdir()
        (folder / "mail.log").write_text("".join(f"{line}\n" for line in recorded[half:]), encoding="utf-8")
        older = "".join(f"{line}\n" for line in recorded[:half]).encode()
        (folder / "mail.log.1.xz").write_bytes(lzma.compress(older))

        def told(where: str) -> list[tuple[object, ...]]:
            events = events_of(run(log.parent, "events", where, "--zone", "UTC", "--clear"))
            return [
                (e["kind"], e["time"], e["queue_id"], e.get("account"), e.get("recipient")) for e in events
            ]

        assert told("logs") == told("mail.log")


class TestBacktest:
    """What would have been decided."""

    def test_the_table(self, log: Path) -> None:
        """The hijacked account with its evidence, and nobody else; what was decided on less evidence comes first."""
        done = run(log.parent, "backtest", "mail.log", "--zone", "UTC", COLUMNS="300")
        assert (done.returncode, complaints(done.stderr)) == (0, [])
        head, *table = done.stdout.splitlines()
        assert re.match(
            rf"{MESSAGES + 3} messages of 2 accounts, {RECIPIENTS + 3} deliveries, \S+ \S+ UTC to ", head
        )
        row = [line for line in table if VICTIM in line][-1]  # the strongest decision
        assert "contain" in row
        for words in ("recipients in 10 min", "recipient domains in 10 min", "unknown user bounces"):
            assert words in row
        assert BYSTANDER not in "\n".join(table)

    def test_as_json_and_the_verdicts_as_lines(self, log: Path) -> None:
        """The file holds the same verdicts as the summary, which has the reasons too."""
        done = run(
            log.parent, "backtest", "mail.log", "--zone", "UTC", "--json", "--verdicts", "verdicts.jsonl"
        )
        told = json.loads(done.stdout)
        assert {name: told[name] for name in ("messages", "deliveries", "accounts")} == {
            "messages": MESSAGES + 3,
            "deliveries": RECIPIENTS + 3,
            "accounts": 2,
        }
        assert datetime.fromisoformat(told["from"]).tzinfo is not None
        last = told["verdicts"][-1]
        assert (last["account"], last["decision"]) == (VICTIM, "contain")
        assert {"volume", "spread", "quality"} <= set(last["families"])
        [reason] = last["reasons"]
        assert re.fullmatch(r"policy\.yaml:\d+: evidence of quality, spread, volume", reason)
        lines = (log.parent / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == [
            {name: value for name, value in each.items() if name != "reasons"} for each in told["verdicts"]
        ]

    def test_an_ordinary_day_has_nothing(self, log: Path, recorded: list[str]) -> None:
        """It says so, and succeeds."""
        ordinary = [line for line in recorded if VICTIM not in line][:20]
        log.write_text("".join(f"{line}\n" for line in ordinary), encoding="utf-8")
        done = run(log.parent, "backtest", "mail.log", "--zone", "UTC")
        assert done.returncode == 0
        assert done.stdout.endswith("Nothing would have been decided.\n")


class TestEmpty:
    """A site on which nothing has happened."""

    def test_lists_say_so(self, responder: Responder) -> None:
        """In words, and as empty JSON."""
        assert responder.ok("cases") == "No cases.\n"
        assert responder.json("cases") == []
        assert responder.ok("audit") == "Nothing is recorded yet.\nThe chain of hashes holds.\n"
        assert responder.json("audit") == {"chain_holds": True, "broken_at": None, "records": []}

    def test_a_report_of_nothing(self, responder: Responder) -> None:
        """Each form is whole all the same."""
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        period = ("report", "--from", day, "--to", day, "--format")
        assert json.loads(responder.ok(*period, "json"))["actions"] == []
        assert len(responder.ok(*period, "csv").splitlines()) == 1
        assert "<p>0 actions; times in " in responder.ok(*period, "html")
