"""Mail to people outside the hijacked mailbox, handed to the organisation's own relay over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime, formataddr
from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field, FilePath, model_validator

from responder.errors import OutcomeUnknown, SystemRefused, SystemUnreachable
from responder.site.secret import Secret
from responder.site.yaml import Written
from responder.systems.contact import Address, mail_address
from responder.systems.facts import SiteFacts


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person; ``reference`` makes its Message-ID."""

    to: str
    subject: str
    text: str
    reference: str


class MailRelay(Protocol):
    """A relay; it cannot be asked afterwards what it took."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def send(self, mail: Mail) -> str:
        """Hands one message in and returns its Message-ID.

        Raises SystemUnreachable when the relay said "not now", SystemRefused when it said no, OutcomeUnknown
        when the connection was lost after the text had begun.
        """

    def ping(self) -> None:
        """Returns when the relay answers and lets us in."""


class SmtpSettings(Written):
    """``systems: mail:`` for SMTP. ``from`` is the sender's address; ``timeout`` is in seconds."""

    kind: Literal["smtp"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: FilePath | None = None
    username: str | None = None
    password: Secret | None = None
    sender: Address = Field(alias="from")
    timeout: float = Field(default=20, gt=0, le=120)

    @model_validator(mode="after")
    def _login(self) -> SmtpSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password: give both or neither")
        if self.username is not None and self.security == "none":
            raise ValueError("security: none would send the password in clear; use starttls or tls")
        return self


class SmtpRelay:
    """The mail port for SMTP."""

    kind: ClassVar[str] = "smtp"
    port: ClassVar[str] = "mail"
    name = "mail relay"
    Settings: ClassVar[type[Written]] = SmtpSettings

    def __init__(self, settings: SmtpSettings, site: SiteFacts) -> None:
        self._settings = settings
        self._site = site

    def send(self, mail: Mail) -> str:
        """Hands one message in; each answer of the relay is read on its own."""
        message = self.message(mail, datetime.now(UTC))
        to = mail_address(mail.to)
        with self._session() as smtp:
            try:
                self._envelope(smtp, to)
            except (OSError, smtplib.SMTPException) as error:
                raise SystemUnreachable(self.name, str(error)) from error
            try:
                code, said = smtp.data(message.as_bytes(policy=_policy(message, to)))
            except smtplib.SMTPDataError as error:
                raise self._refusal(error.smtp_code, error.smtp_error) from error
            except (OSError, smtplib.SMTPException) as error:
                raise OutcomeUnknown(self.name, f"lost after the text was sent: {error}") from error
            if code != 250:
                raise self._refusal(code, said)
        return str(message["Message-ID"])

    def message(self, mail: Mail, at: datetime) -> EmailMessage:
        """The message as it goes out; no header can hold more than one line of what it is given."""
        message = EmailMessage(policy=SMTP)
        sender = self._settings.sender
        message["From"] = formataddr((_line(self._site.name), sender))
        message["To"] = mail_address(mail.to)
        message["Subject"] = _line(mail.subject)
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{mail.reference}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation reply comes back
        message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
        return message

    def ping(self) -> None:
        """Connects and logs in."""
        with self._session():
            pass

    def _envelope(self, smtp: smtplib.SMTP, to: str) -> None:
        utf8 = not (to.isascii() and self._settings.sender.isascii())
        if utf8 and not smtp.has_extn("smtputf8"):
            raise SystemRefused(
                self.name, "it does not take addresses with other letters than a to z (SMTPUTF8)"
            )
        self._expect(smtp.mail(self._settings.sender, ("SMTPUTF8", "BODY=8BITMIME") if utf8 else ()))
        self._expect(smtp.rcpt(to))

    def _expect(self, answer: tuple[int, bytes]) -> None:
        if not 200 <= answer[0] < 300:
            raise self._refusal(*answer)

    def _refusal(self, code: int, said: bytes | str) -> SystemRefused | SystemUnreachable:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        later = 400 <= code < 500 or code == -1
        return (SystemUnreachable if later else SystemRefused)(self.name, f"{code} {_line(text)}"[:300])

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        try:
            smtp = self._connected()
        except smtplib.SMTPAuthenticationError as error:
            raise SystemRefused(self.name, f"the login was refused ({error.smtp_code})") from error
        except (OSError, smtplib.SMTPException) as error:
            raise SystemUnreachable(self.name, f"{self._settings.host}: {error}") from error
        try:
            yield smtp
        finally:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        s = self._settings
        context = ssl.create_default_context(cafile=s.ca_file)
        if s.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=context)
        else:
            smtp = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if s.security == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
            if s.username is not None and s.password is not None:
                smtp.login(s.username, s.password.reveal().get_secret_value())
        except BaseException:
            smtp.close()
            raise
        return smtp


def _line(text: str) -> str:
    """The text on one line, without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _policy(message: EmailMessage, to: str) -> EmailPolicy[Any]:
    return SMTP if to.isascii() and str(message["From"]).isascii() else SMTPUTF8
