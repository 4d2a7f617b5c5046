"""What Dovecot and Roundcube write about logins."""

from __future__ import annotations

from random import Random

from responder.simulate.host import Host
from responder.simulate.person import Person
from responder.simulate.rows import Rows


class Logins:
    """Writes logins into mailboxes, by mail programs and through webmail."""

    def __init__(self, rows: Rows, webmail: Host, boxes: list[Host], random: Random) -> None:
        self._rows, self._webmail, self._boxes, self._random = rows, webmail, boxes, random

    def webmail(self, at: float, person: Person, ip: str) -> None:
        """A login to webmail, which then opens the mailbox itself."""
        session = f"{self._random.getrandbits(64):016x}"
        user = f"{person.login} (ID: {person.number + 3})"
        said = f"<{session[:8]}> Successful login for {user} from {ip} in session {session}"
        self._rows.add((at, f"{self._webmail.name} roundcube: {said}"))
        self.mailbox(at + 0.1, person.login, self._webmail.ip, "imap")

    def mailbox(self, at: float, login: str, ip: str, service: str) -> None:
        """A mail program's, or webmail's."""
        box = self._boxes[len(login) % 2]
        pid = int(self._random.random() * 4_000_000)
        said = f"user=<{login}>, method=PLAIN, rip={ip}, lip={box.ip}, mpid={pid}, TLS, {self._session()}"
        self._rows.add((at, f"{box.name} dovecot: {service}-login: Login: {said}"))

    def failed(self, at: float, name: str, ip: str, service: str) -> None:
        """A wrong password, of webmail or of a mail program."""
        if service == "webmail":
            session = f"{self._random.getrandbits(64):016x}"
            said = f"<{session[:8]}> Failed login for {name} from {ip} in session {session} (error: 0)"
            self._rows.add((at, f"{self._webmail.name} roundcube: {said}"))
            return
        box = self._boxes[len(name) % 2]
        why = "Disconnected: Connection closed (auth failed, 1 attempts in 2 secs)"
        said = f"user=<{name}>, method=PLAIN, rip={ip}, lip={box.ip}, TLS, {self._session()}"
        self._rows.add((at + 2, f"{box.name} dovecot: {service}-login: {why}: {said}"))

    def _session(self) -> str:
        return f"session=<{self._random.getrandbits(60):015x}>"
