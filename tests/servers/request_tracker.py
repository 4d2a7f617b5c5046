"""A real Request Tracker 5 on SQLite, with a queue, a reference field and a token."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx

from .process import LOOPBACK, Process, Server, free_port, program, run

PACKAGE = "request-tracker5"
DATA = Path(__file__).parent / "rt"
SERVER = "/usr/share/request-tracker5/libexec/rt-server"
USER = "orch"
ADMINISTRATOR = ("root", "password")

CONFIGURATION = """\
Set($rtname, 'example.org');
Set($Organization, 'example.org');
Set($CorrespondAddress, 'rt@example.org');
Set($CommentAddress, 'rt-comment@example.org');
Set($WebDomain, '{host}');
Set($WebPort, {port});
Set($WebBaseURL, '{url}');
Set($WebPath, '');
Set($RestrictReferrer, 0);
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToFile, undef);
Set($LogToSTDERR, 'warning');
Set($Timezone, 'UTC');
$VarPath = '{folder}';
$MasonDataDir = '{folder}/mason';
$MasonSessionDir = '{folder}/session';
1;
"""


class RequestTracker(Server):
    """Request Tracker with the queue `Security`; it sends no mail, and keeps its tickets when stopped."""

    name = "rt"
    queue = "Security"
    reference_field = "ExternalRef"

    def __init__(self, workers: int = 2) -> None:
        self._server, self._perl = program(SERVER, PACKAGE), program("perl", "perl")
        self._setup = program("rt-setup-database-5", PACKAGE)
        program("starman", "starman")
        super().__init__()
        self._workers = workers
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.token = ""

    def tickets(self, reference: str) -> list[dict[str, Any]]:
        """Every ticket, in any state but deleted, whose reference field has this value, oldest first."""
        quoted = reference.replace("\\", "\\\\").replace("'", "\\'")
        query = f"CF.{{{self.reference_field}}} = '{quoted}'"
        found = self._get("/tickets", query=query, orderby="id", per_page="100")["items"]
        return [self.ticket(item["id"]) for item in found]

    def ticket(self, number: int | str) -> dict[str, Any]:
        """One ticket as the administrator sees it over REST 2.0."""
        return self._get(f"/ticket/{number}")

    def history(self, number: int | str) -> list[dict[str, Any]]:
        """What was done to a ticket, oldest first; `Texts` holds the text of each comment or answer."""
        items = self._get(f"/ticket/{number}/history", fields="Type,Field,OldValue,NewValue", per_page="100")
        return [{**item, "Texts": self._texts(item["id"])} for item in items["items"]]

    def reference_of(self, ticket: dict[str, Any]) -> str:
        """The value of the reference field, empty when there is none."""
        values = [
            field["values"] for field in ticket["CustomFields"] if field["name"] == self.reference_field
        ]
        return str(values[0][0]) if values and values[0] else ""

    def _texts(self, transaction: str) -> list[str]:
        attachments = self._get(f"/transaction/{transaction}/attachments")["items"]
        contents = [self._get(f"/attachment/{item['id']}") for item in attachments]
        return [_decoded(item) for item in contents if item.get("ContentType", "").startswith("text/")]

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        with httpx.Client(auth=ADMINISTRATOR, timeout=30, trust_env=False) as client:
            answer = client.get(f"{self.url}/REST/2.0{path}", params=parameters)
            answer.raise_for_status()
            return dict(answer.json())

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "RT_SITE_CONFIG": str(self.folder / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.folder / "RT_SiteConfig.d"),
            "TMPDIR": str(self.folder / "tmp"),  # where the mails go that it would send
        }

    def _initialise(self) -> None:
        for name in ("mason", "session", "tmp", "RT_SiteConfig.d"):
            (self.folder / name).mkdir()
        configuration = CONFIGURATION
        for name, value in (
            ("host", LOOPBACK),
            ("port", self.port),
            ("url", self.url),
            ("folder", self.folder),
        ):
            configuration = configuration.replace(f"{{{name}}}", str(value))
        (self.folder / "RT_SiteConfig.pm").write_text(configuration)
        env = self._environment
        run(self._setup, "--action", "init", "--skip-create", env=env)
        seeds = DATA / "initialdata.pl"
        run(self._setup, "--action", "insert", "--skip-create", "--datafile", seeds, env=env)
        self.token = run(self._perl, DATA / "token.pl", USER, env=env).strip()

    def _launch(self) -> Process:
        if not self.token:
            self._initialise()
        return Process(
            self._server,
            *("--server", "Starman", "--workers", str(self._workers)),
            *("--listen", f"{LOOPBACK}:{self.port}", "--env", "deployment"),
            output=self.folder / "server.log",
            env=self._environment,
        )

    def _await(self, process: Process) -> None:
        process.wait_port(self.port)
        process.wait_until(self._answers, "REST 2.0")

    def _answers(self) -> bool:
        try:
            self._get("/rt")
        except httpx.HTTPError:
            return False
        return True


def _decoded(attachment: dict[str, Any]) -> str:
    return base64.b64decode(attachment["Content"]).decode(errors="replace")
