"""A site in a folder, and the real command line at work on it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tzlocal import get_localzone_name

T = TypeVar("T")

ZONE = get_localzone_name() or "UTC"
"""Of stamps without a zone: Postfix writes this machine's time."""

COMMAND = (sys.executable, "-m", "responder")
DYING = (sys.executable, str(Path(__file__).with_name("serve_and_die.py")))

RULES = (
    {"decision": "contain", "families": 3},
    {"decision": "contain", "families": 2, "including": ["external"]},
    {"decision": "hold", "families": 2},
    {"decision": "queue", "families": 1, "severity": "high"},
)


NEWEST = """
SELECT c.id AS "case", c.account, c.outcome, d.id AS decision_id, d.kind AS decision, d.state, r.id AS run,
    r.state AS run_state
FROM cases c JOIN decisions d ON d.case_id = c.id LEFT JOIN runs r ON r.case_id = c.id
WHERE c.account = ? ORDER BY c.id DESC, d.id DESC, r.id DESC LIMIT 1
"""


class Directory(Protocol):
    """What a site must know of slapd."""

    ca: Path
    service_dn: str
    service_password: str
    people_base: str

    @property
    def tls_url(self) -> str: ...


def policy(
    mode: str = "act", containments_an_hour: int = 10, protected: Sequence[str] = ()
) -> dict[str, Any]:
    """A policy with the rules of the shipped one."""
    return {
        "policy": "own",
        "mode": mode,
        "rules": list(RULES),
        "protected": {"accounts": list(protected)},
        "limits": {"containments_an_hour": containments_an_hour},
        "playbooks": {"contain": "contain-hijacked-account"},
    }


def systems(directory: Directory, desk: Any, mail_port: int, sms_url: str) -> dict[str, Any]:
    """The ``systems:`` of a configuration that names these servers; ``Responder`` gives the secrets."""
    return {
        "directory": {
            "kind": "openldap",
            "servers": [directory.tls_url],
            "ca_file": str(directory.ca),
            "bind_dn": directory.service_dn,
            "password": {"file": "ldap.secret"},
            "base": directory.people_base,
        },
        "ticket_desk": {
            "kind": "request_tracker",
            "url": desk.url,
            "token": {"env": "DESK_TOKEN"},
            "queue": desk.queue,
        },
        "mail": {
            "kind": "smtp",
            "host": "127.0.0.1",
            "port": mail_port,
            "security": "none",
            "from": "it-security@example.org",
        },
        "sms": {
            "kind": "twilio",
            "account_sid": "AC" + "0" * 32,
            "auth_token": {"file": "sms.secret"},
            "from": "+33639980098",
            "base_url": sms_url,
        },
    }


class Responder:
    """One site; ``start`` and ``stop`` or ``kill`` its serving process, ``cli`` runs the other commands.

    Secrets are handed over both ways, in files and in the environment. Nothing that the commands write may
    hold a traceback.
    """

    def __init__(self, folder: Path, parts: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.folder = folder
        self.file = folder / "responder.yaml"
        self.log = folder / "mail.log"
        self.said = folder / "serve.err"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "RESPONDER_CONFIG"},
            "DESK_TOKEN": secrets["desk"],
            "PYTHONUNBUFFERED": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("ldap", "sms"):
            self.write(f"{name}.secret", secrets[name])
        self.write("site.key", "an acceptance test's own key")
        self.configuration: dict[str, Any] = {
            "site": {
                "name": "Example University",
                "domain": "example.org",
                "time_zone": ZONE,
                "help_desk": "the IT help desk, telephone 0123",
                "key": {"file": "site.key"},
            },
            "sources": [{"follow": "mail.log", "format": "postfix"}],
            "detection": {"interval": 1},
            "policy": "policy.yaml",
            "systems": dict(parts),
        }
        self.log.touch()
        self.configure()
        self.set_policy()

    def write(self, name: str, text: str) -> Path:
        """A file in the site's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def configure(self, **sections: Any) -> None:
        """Writes the configuration, with these sections in the place of the former."""
        self.configuration |= sections
        self.write("responder.yaml", json.dumps(self.configuration, indent=2))  # JSON is YAML

    def set_policy(self, **choices: Any) -> None:
        """Writes the policy; ``choices`` as ``policy`` takes them."""
        self.write("policy.yaml", json.dumps(policy(**choices), indent=2))

    def append(self, lines: Sequence[str], name: str = "mail.log") -> None:
        """Log lines at the end of a followed file, in one write."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def cli(
        self, *arguments: str | Path | int, stdin: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """What a command of this site says; ``more`` is added to its environment."""
        done = subprocess.run(
            [*COMMAND, "--config", str(self.file), *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **more},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ok(self, *arguments: str | Path | int) -> str:
        """Standard output of a command that has to succeed."""
        done = self.cli(*arguments)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments: str | Path | int) -> Any:
        """What a command with ``--json`` says, whether it succeeds or not."""
        done = self.cli(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def start(self, *launcher: str) -> None:
        """Serves; returns once it does. With words for it, the launcher is started instead."""
        command = [*DYING, *launcher, "--"] if launcher else list(COMMAND)
        before = len(self.errors())
        with self.said.open("ab") as said:
            self._process = subprocess.Popen(
                [*command, "--config", str(self.file), "serve"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.wait(lambda: "serving" in self.errors()[before:] or not self.running, "serving", whole=False)

    @property
    def running(self) -> bool:
        """Whether the serving process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Asks the serving process to end, which it does in order."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(30) == 0, self.errors()
        self._check()

    def kill(self) -> None:
        """Ends the serving process as a loss of power would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
        self._check()

    def wait_death(self, timeout: float = 30) -> None:
        """Returns once the serving process was killed by its own hand."""
        assert self._process is not None
        assert self._process.wait(timeout) == -signal.SIGKILL, self.errors()
        self._check()

    def end(self) -> None:
        """Leaves no process behind, however the test went."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def errors(self) -> str:
        """What the serving processes wrote so far."""
        return self.said.read_text(encoding="utf-8", errors="replace") if self.said.exists() else ""

    def wait(self, check: Callable[[], T], what: str, timeout: float = 30, *, whole: bool = True) -> T:
        """The first true answer of ``check``; fails at once when the serving process is gone (``whole``)."""
        end = time.monotonic() + timeout
        while not (answer := check()):
            if whole and self._process is not None and not self.running:
                raise AssertionError(f"{what}: the serving process ended\n{self.errors()}")
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {timeout:g} s\n{self.errors()}")
            time.sleep(0.05)
        return answer

    def cases(self) -> list[dict[str, Any]]:
        """Every case, closed ones too."""
        return list(self.json("cases", "--all"))

    def newest(self, account: str) -> dict[str, Any]:
        """The account's newest case with its newest decision and run, as ``cases`` tells it; empty without one.

        Read from the state itself: for asking again and again a command takes too long.
        """
        rows = self._state(NEWEST, account)
        return dict(rows[0]) if rows else {}

    def steps(self, run: int, direction: str = "do") -> dict[str, str]:
        """How each step of a run stands; read as ``newest`` is."""
        query = "SELECT step, state FROM steps WHERE run_id = ? AND direction = ? ORDER BY position"
        return {row["step"]: row["state"] for row in self._state(query, run, direction)}

    def pending(self) -> int:
        """How many steps responder has still something to do about by itself; read as ``newest`` is."""
        query = "SELECT count(*) AS number FROM steps WHERE state = 'intent' OR retry_at IS NOT NULL"
        return int(self._state(query)[0]["number"])

    def wait_case(self, account: str, timeout: float = 30, **want: Any) -> dict[str, Any]:
        """The newest case of an account, once these of its columns are so."""

        def found() -> dict[str, Any]:
            case = self.newest(account)
            return case if case and want.items() <= case.items() else {}

        return self.wait(found, f"a case of {account} with {want}", timeout)

    def audit(self) -> list[dict[str, Any]]:
        """The records of the trail, whose chain has to hold."""
        told = self.json("audit")
        assert told["chain_holds"], told["broken_at"]
        return list(told["records"])

    def tags(self) -> list[str]:
        """What was recorded, in order."""
        return [record["tag"] for record in self.audit()]

    def _state(self, query: str, *values: object) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.folder / "var" / "state.sqlite", timeout=30)) as state:
            state.row_factory = sqlite3.Row
            return state.execute(query, values).fetchall()

    def _check(self) -> None:
        assert "Traceback" not in self.errors(), self.errors()
        self._process = None


def complaints(said: str) -> list[str]:
    """What was said on standard error, without what is only told of: the format, and which lines gave no event."""
    return [
        line for line in said.splitlines() if ": read as " not in line and " without an event" not in line
    ]
