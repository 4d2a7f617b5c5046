"""What a person or a system got wrong: told with its place and what would be right, and the rest goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.mail_sink import MailSink
from servers.request_tracker import RequestTracker
from servers.slapd import Person, Slapd
from servers.twilio_mock import TwilioMock

from .hijack import as_account
from .site import Responder, complaints

FOR_GOOD = ["000001010000Z"]

Make = Callable[..., Responder]
Tickets = Callable[[str], list[dict[str, Any]]]


def text_of(desk: RequestTracker, ticket: dict[str, Any]) -> str:
    """The text with which a ticket was opened."""
    [created] = [each for each in desk.history(ticket["id"]) if each["Type"] == "Create"]
    return "".join(created["Texts"])


class TestLines:
    """Damaged lines in the middle of a hijack's."""

    TRUNCATED = (
        b"Nov 24 12:00:00 smtp postfix/smtp[7]: ABCDEF0123: to=<x@shop.example>, relay=127.0.0.1, status="
    )
    NOT_UTF8 = b"Nov 24 12:00:00 smtp postfix/smtpd[7]: connect from \xff\xfe[192.0.2.1], sasl_username=\xe9"
    NUL = b"\0" * 200
    LONG = b"Nov 24 12:00:00 smtp postfix/smtp[7]: " + b"x" * 2**20
    SAID = (
        (TRUNCATED, "the line was cut short; passed over"),
        (NOT_UTF8, "is not UTF-8 (from here on); the bytes were replaced by U+FFFD"),
        (NUL, "has NUL bytes (from here on); they were dropped"),
        (LONG, "longer than 65536; passed over"),
    )

    @pytest.fixture
    def damaged(self, hijacked: list[str]) -> bytes:
        """The hijack with a bad line after its 10th, 20th, 30th and 40th line."""
        good, parts = [line.encode() for line in hijacked], []
        for number, (bad, _) in enumerate(self.SAID):
            parts += [*good[10 * number : 10 * number + 10], bad]
        return b"\n".join([*parts, *good[10 * len(self.SAID) :]]) + b"\n"

    def places(self, file: Path) -> list[str]:
        """What is to be said of each bad line, with the line's number."""
        return [f"{file}:{11 * (number + 1)}: " for number in range(len(self.SAID))]

    def test_in_a_given_file(self, responder: Responder, victim: Person, damaged: bytes) -> None:
        """Each is told of with file and line, and the verdict is as if it were not there."""
        file = responder.folder / "old.log"
        file.write_bytes(damaged)
        events = responder.cli("events", file)
        verdict = responder.cli("backtest", file, "--json")
        for done in (events, verdict):
            assert done.returncode == 0
            told = complaints(done.stderr)
            for place, (_, said) in zip(self.places(file), self.SAID, strict=True):
                assert [line for line in told if line.startswith(place) and line.endswith(said)], (
                    place,
                    told,
                )
            assert len(told) == len(self.SAID)
        last = json.loads(verdict.stdout)["verdicts"][-1]
        assert (last["account"], last["decision"]) == (victim.uid, "contain")
        assert len([line for line in events.stdout.splitlines() if '"delivery"' in line]) >= 300

    def test_in_a_followed_file(
        self, responder: Responder, slapd: Slapd, victim: Person, damaged: bytes
    ) -> None:
        """The same words in the log of the service, and the account is shut all the same."""
        responder.log.write_bytes(damaged)
        responder.start()
        responder.wait_case(victim.uid, run_state="done")
        assert slapd.read(victim.uid)["pwdAccountLockedTime"] == FOR_GOOD
        responder.stop()
        told = responder.errors().splitlines()
        for place, (_, said) in zip(self.places(responder.log), self.SAID, strict=True):
            assert [line for line in told if place.rstrip(": ") in line and said in line], (place, told)


class TestFiles:
    """Files that are not there or cannot be read."""

    @pytest.mark.parametrize("command", ["events", "backtest"])
    def test_a_given_file_that_is_missing(self, responder: Responder, command: str) -> None:
        """It is named, and the exit code says that something was left out."""
        done = responder.cli(command, "nowhere.log")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "nowhere.log: cannot be read: no such file\n"

    @pytest.mark.parametrize("command", ["events", "backtest"])
    def test_a_given_file_that_cannot_be_read_does_not_stop_the_others(
        self, responder: Responder, victim: Person, hijacked: list[str], command: str
    ) -> None:
        """An empty folder in the place of a log, then a log: the log is read, and the exit code tells."""
        (responder.folder / "folder.log").mkdir()
        responder.append(hijacked)
        done = responder.cli(command, "folder.log", responder.log)
        assert done.returncode == 1
        assert complaints(done.stderr) == ["folder.log: is a folder without log files"]
        assert victim.uid in done.stdout

    def test_a_followed_file_that_cannot_be_read_does_not_stop_the_others(
        self, responder: Responder, slapd: Slapd, victim: Person, hijacked: list[str]
    ) -> None:
        """It is told of once, not at every look; and it is read as soon as that is possible."""
        (responder.folder / "first.log").mkdir()
        files = ("first.log", "second.log", "mail.log")
        responder.configure(sources=[{"follow": name, "format": "postfix"} for name in files])
        checked = responder.cli("check")
        assert checked.returncode == 1
        for name, why in (("first", "Is a directory"), ("second", "No such file or directory")):
            path = responder.folder / f"{name}.log"
            assert any(
                line.startswith(f"{responder.file}:") and line.endswith(f"{path}: cannot be read: {why}")
                for line in checked.stderr.splitlines()
            )
        responder.append(hijacked[: len(hijacked) // 2])
        responder.start()
        responder.wait_case(victim.uid, state="acted", run_state="done")
        assert slapd.read(victim.uid)["pwdAccountLockedTime"] == FOR_GOOD
        responder.append(hijacked, "second.log")
        responder.wait(lambda: "source readable again" in responder.errors(), "the second log")
        responder.stop()
        assert responder.errors().count("first.log: cannot be read") == 1
        assert responder.errors().count("second.log: cannot be read") == 1


class TestDirectory:
    """A directory that is away, or does not know the account, or knows it twice."""

    def test_it_is_down_when_it_is_needed_and_comes_back(
        self,
        make_site: Make,
        fresh_slapd: Slapd,
        recorded: list[str],
        fresh_mail_sink: MailSink,
        twilio_mock: TwilioMock,
        request_tracker: RequestTracker,
        tickets_about: Tickets,
    ) -> None:
        """The staff are told at once that the account is open; it is shut when that can be done, once."""
        person = fresh_slapd.add_person(
            "downvic", mobile="+33639980777", backup_mail="downvic.home@example.net", language="en"
        )
        responder = make_site(fresh_slapd)
        fresh_slapd.stop()
        responder.append(as_account(recorded, person.uid))
        responder.start("--pause", "0.5")
        responder.wait_case(person.uid, run_state="incomplete")
        responder.wait(lambda: tickets_about(person.uid), "the ticket")
        responder.wait(lambda: responder.steps(1).get("ticket") == "done", "the ticket's end")
        assert responder.steps(1) == {"disable": "failed", "ticket": "done"}
        assert fresh_mail_sink.messages == []
        fresh_slapd.start()
        responder.wait_case(person.uid, run_state="done")
        responder.stop()
        assert responder.steps(1) == dict.fromkeys(
            ("disable", "ticket", "tell_by_mail", "tell_by_sms"), "done"
        )
        assert not fresh_slapd.bind(person.uid, person.password)
        [ticket] = tickets_about(person.uid)
        text = text_of(request_tracker, ticket)
        assert "THE ACCOUNT IS NOT KNOWN TO BE SHUT (failed): directory: " in text
        assert "What could not be reached is tried again." in text
        assert len(fresh_mail_sink.to(person.backup_mail)) == len(fresh_mail_sink.messages) == 1
        assert twilio_mock.posts("Messages.json") == 1
        log = (fresh_slapd.folder / "slapd.log").read_text(errors="replace")
        assert log.count(f'MOD dn="{person.dn}"') == 1

    def test_it_does_not_know_the_account(
        self,
        responder: Responder,
        slapd: Slapd,
        recorded: list[str],
        fresh_mail_sink: MailSink,
        twilio_mock: TwilioMock,
        request_tracker: RequestTracker,
        tickets_about: Tickets,
    ) -> None:
        """The ticket says so, and nobody is written to; once the entry is there, another try contains it."""
        responder.append(as_account(recorded, "stranger"))
        responder.start()
        responder.wait_case("stranger", run_state="incomplete")
        responder.wait(lambda: len(responder.steps(1)) == 4, "the last step")
        responder.stop()
        [ticket] = tickets_about("stranger")
        text = text_of(request_tracker, ticket)
        assert "NOT KNOWN TO BE SHUT (failed): directory: no entry for account 'stranger'" in text
        assert "check the login attribute and the search base" in text
        assert (fresh_mail_sink.messages, twilio_mock.posts("Messages.json")) == ([], 0)

        again = responder.json("retry", 1, "--as", "person:ann")
        assert again["state"] == "incomplete"
        person = slapd.add_person("stranger", mobile="+33639980778", backup_mail="stranger.home@example.net")
        again = responder.json("retry", 1, "--as", "person:ann")
        assert (again["state"], {step["state"] for step in again["steps"]}) == ("done", {"done"})
        assert not slapd.bind(person.uid, person.password)
        assert len(tickets_about("stranger")) == 1
        assert [mail.rcpt_tos for mail in fresh_mail_sink.messages] == [(person.backup_mail,)]
        assert twilio_mock.posts("Messages.json") == 1

    def test_it_knows_the_account_twice(
        self,
        responder: Responder,
        slapd: Slapd,
        recorded: list[str],
        fresh_mail_sink: MailSink,
        twilio_mock: TwilioMock,
        request_tracker: RequestTracker,
        tickets_about: Tickets,
    ) -> None:
        """Neither of them is touched, and the ticket names both."""
        before = {dn: slapd.read_dn(dn) for dn in slapd.dns_of("twin")}
        responder.append(as_account(recorded, "twin"))
        responder.start()
        responder.wait_case("twin", run_state="incomplete")
        responder.wait(lambda: len(responder.steps(1)) == 4, "the last step")
        responder.stop()
        assert {dn: slapd.read_dn(dn) for dn in slapd.dns_of("twin")} == before
        [ticket] = tickets_about("twin")
        text = text_of(request_tracker, ticket)
        assert "NOT KNOWN TO BE SHUT (failed): directory: 2 entries for account 'twin'" in text
        assert all(dn in text for dn in before)
        assert (fresh_mail_sink.messages, twilio_mock.posts("Messages.json")) == ([], 0)


PLAYBOOK = """\
playbook: contain-hijacked-account
description: d
steps:
  - id: disable
    uses: directory.disable_acount
    with:
      account: "{{ case.account }}"
  - id: ticket
    uses: ticket.open
    with:
      subjct: s
      text: "{{ case.acount }}"
"""


class TestWritten:
    """Mistakes in the files that a person writes; ``check`` and ``serve`` tell of them alike."""

    def refused(self, responder: Responder, *told: str) -> None:
        """Both commands say each of these at the beginning of a line of their own, and exit with 1."""
        for command in ("check", "serve"):
            done = responder.cli(command)
            assert (done.returncode, done.stdout) == (1, "")
            for each in told:
                assert [line for line in done.stderr.splitlines() if line.startswith(each)], (
                    each,
                    done.stderr,
                )
            assert len(done.stderr.splitlines()) == len(told), done.stderr

    def line_of(self, responder: Responder, part: str, name: str = "responder.yaml") -> str:
        """``file:line`` of the first line that holds this."""
        file = responder.folder / name
        lines = file.read_text(encoding="utf-8").splitlines()
        return f"{file}:{next(number for number, line in enumerate(lines, 1) if part in line)}"

    def misname_playbook(self, responder: Responder) -> None:
        """Leaves a letter out of the playbook's name in the policy."""
        policy = responder.folder / "policy.yaml"
        text = policy.read_text(encoding="utf-8")
        policy.write_text(
            text.replace("contain-hijacked-account", "contain-hijackd-account"), encoding="utf-8"
        )

    def test_a_playbook_with_several_mistakes(self, responder: Responder) -> None:
        """All at once, each with its line and the name that was meant."""
        responder.configure(playbooks=["playbooks"])
        file = responder.write("playbooks/contain-hijacked-account.yaml", PLAYBOOK)
        done = responder.cli("check")
        assert (done.returncode, done.stdout) == (1, "")
        for line, said in (
            (5, "no action 'directory.disable_acount'; did you mean 'directory.disable_account'?"),
            (11, "unknown key; did you mean 'subject'?"),
            (12, "did you mean 'account'?"),
        ):
            assert [
                told
                for told in done.stderr.splitlines()
                if told.startswith(f"{file}:{line}:") and told.endswith(said)
            ], (line, said, done.stderr)

    def test_mistakes_in_several_files(self, responder: Responder) -> None:
        """A wrong port, kind, format and measure are told of in one go."""
        systems = responder.configuration["systems"]
        systems["mail"] |= {"port": 99999}
        systems["sms"] |= {"kind": "twillio"}
        responder.configure(
            systems=systems,
            sources=[{"follow": "mail.log", "format": "postfx"}],
            detection={"interval": 1, "folders": ["detections"]},
        )
        responder.write(
            "detections/own.yaml",
            "detection: own\ntitle: t\nfamily: volume\nseverity: high\nwindow: 10m\n"
            "when:\n  recipient: {at_least: 5}\nbecause: b\n",
        )
        done = responder.cli("check")
        assert (done.returncode, done.stdout) == (1, "")
        own = responder.folder / "detections" / "own.yaml"
        assert f"{own}:7:" in done.stderr
        assert "did you mean 'recipients'?" in done.stderr
        for part, said in (("99999", "mail.port"), ("twillio", "'twilio'"), ("postfx", "'postfix'")):
            place = self.line_of(responder, part)
            assert [line for line in done.stderr.splitlines() if line.startswith(place) and said in line], (
                place,
                done.stderr,
            )

    def test_a_playbook_that_is_not_there(self, responder: Responder) -> None:
        """The policy's line, and the name of the one that there is."""
        self.misname_playbook(responder)
        place = self.line_of(responder, "hijackd", "policy.yaml")
        self.refused(responder, place)
        said = "no playbook 'contain-hijackd-account'; did you mean 'contain-hijacked-account'?"
        assert responder.cli("check").stderr.rstrip().endswith(said)

    def test_a_secret_that_is_missing(self, responder: Responder) -> None:
        """A variable that is not set and a file that is not there, each with its place and what to do."""
        del responder.environment["DESK_TOKEN"]
        (responder.folder / "ldap.secret").unlink()
        places = [self.line_of(responder, part) for part in ('"password"', '"token"')]
        self.refused(responder, *places)
        said = responder.cli("check").stderr
        assert "the environment variable DESK_TOKEN is not set; set it for this service" in said
        assert "ldap.secret cannot be read: No such file or directory" in said

    def test_yaml_that_is_none(self, responder: Responder) -> None:
        """The place where reading stopped."""
        responder.file.write_text("site: [a\nsources: []\n")
        self.refused(responder, f"{responder.file}:2:8: is not YAML: ")

    def test_a_key_that_is_unknown(self, responder: Responder) -> None:
        """The key's line, and the one that was meant."""
        site = responder.configuration["site"]
        responder.configure(site={**site, "time_zon": site["time_zone"]})
        self.refused(responder, self.line_of(responder, 'time_zon"'))
        assert "did you mean 'time_zone'?" in responder.cli("check").stderr

    def test_no_configuration_at_all(self, responder: Responder) -> None:
        """It says how to get one."""
        responder.file.unlink()
        self.refused(
            responder, f"{responder.file}: there is no configuration here; 'responder init' writes one"
        )


def test_a_second_service_on_the_same_site_is_refused(responder: Responder) -> None:
    """The first goes on, and when it is stopped another may start."""
    responder.start()
    done = responder.cli("serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("another 'responder serve' is at work here; stop it first\n")
    assert responder.running
    responder.stop()
    responder.start()
    responder.stop()


@pytest.mark.parametrize(
    "arguments",
    [
        ("case", "99"),
        ("approve", "99"),
        ("deny", "99"),
        ("undo", "99"),
        ("events", "mail.log", "--zone", "Europe/Pariss"),
        ("events", "mail.log", "--format", "postfx"),
        ("report", "--from", "2026-13-01", "--to", "2026-01-01"),
        ("report", "--from", "2026-02-01", "--to", "2026-01-01"),
        ("report", "--from", "2026-01-01", "--to", "2026-01-01", "--format", "htm"),
        ("report", "--from", "2026-01-01", "--to", "2026-01-01", "--output", "nowhere/report.html"),
        ("init", "/proc/nowhere"),
        ("backtest", "mail.log", "--verdicts", "nowhere/verdicts.jsonl"),
    ],
    ids=" ".join,
)
def test_an_argument_that_is_wrong_is_told_in_a_line(
    responder: Responder, arguments: tuple[str, ...]
) -> None:
    """One line on standard error, nothing on standard output, exit code 1."""
    responder.append(["Nov 24 12:00:00 smtp postfix/qmgr[7]: ABCDEF0123: removed"])
    done = responder.cli(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(complaints(done.stderr)) == 1, done.stderr
    assert "does not know" not in done.stderr
