"""What Postfix 3.7 writes into its log about sessions, messages and deliveries, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from responder.demo.traffic import Delivery, Message, Session

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BASE52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"  # no vowels, so no words
TLS = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
TLS_MORE = "key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256"
UNKNOWN_USER = "550 5.1.1 <{to}>: Recipient address rejected: User unknown (in reply to RCPT TO command)"
LOOKS_LIKE_SPAM = "550 5.7.1 Message rejected as spam by content scanning (in reply to end of DATA command)"
GREYLISTED = "450 4.7.1 <{to}>: Recipient address rejected: Greylisted (in reply to RCPT TO command)"
STORE = "store.example.org[private/dovecot-lmtp]"
RETRY_AFTER = (
    310.0,
    640.0,
)  # seconds; Postfix tries again after minimal_backoff_time and the next queue scan

Line = tuple[float, str]
"""Seconds since the start, and the line without its stamp."""


def stamp(moment: datetime) -> str:
    """A traditional syslog stamp, which has no year."""
    return f"{MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"


@dataclass
class MailHost:
    """One mail server: its processes, its queue ids, and the lines that it wrote so far, in no order."""

    name: str
    long_ids: bool
    start: datetime
    random: Random
    lines: list[Line] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    busy: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first_pid = self.random.randrange(1000, 30000)

    def say(self, at: float, program: str, text: str, process: int = 0) -> None:
        """Write a line."""
        self.lines.append((at, f"{self.name} postfix/{program}[{self.first_pid + process}]: {text}"))

    def queue_id(self, at: float) -> str:
        """A queue id that this host has not given yet, short (hexadecimal) or long."""
        moment = self.start + timedelta(seconds=at)
        while True:
            micros, inode = self.random.randrange(1_000_000), 0x264600 + self.random.randrange(256)
            if self.long_ids:
                seconds = _digits(int(moment.timestamp()), 52, 6)
                made = f"{seconds}{_digits(micros, 52, 4)}z{_digits(inode, 51, 1)}"
            else:
                made = f"{micros:05X}{inode:X}"
            if made not in self.used:
                self.used.add(made)
                return made

    def run(self, session: Session) -> None:
        """Write everything about a session and the messages in it; call in order of ``session.at``."""
        program = "submission/smtpd" if session.login or session.failed else "smtpd"
        process = self._free_process(session, program)
        self.say(session.at, program, f"connect from {session.client}", process)
        at = session.at + 0.05
        secure = program != "smtpd" and not session.client.startswith("localhost")
        if secure:
            text = f"Anonymous TLS connection established from {session.client}: {TLS} {TLS_MORE}"
            self.say(at, program, text, process)
        for login in session.failed:
            at += 1.7
            why = f"SASL LOGIN authentication failed: (reason unavailable), sasl_username={login}"
            text = f"warning: {session.client}: {why}"
            self.say(at, program, text, process)
        for refusal in session.refused:
            self.say(at, program, f"NOQUEUE: reject: RCPT from {session.client}: {refusal}", process)
        for message in session.messages:
            login = f", sasl_method={session.method}, sasl_username={session.login}" if session.login else ""
            self._message(session, message, f"client={session.client}{login}", (program, process))
        self._disconnect(session, program, process, secure)

    def _free_process(self, session: Session, program: str) -> int:
        first = 20 if program == "smtpd" else 60
        process = next(n for n in range(first, first + 40) if self.busy.get(n, -1.0) < session.at)
        self.busy[process] = session.at + session.seconds
        return process

    def _disconnect(self, session: Session, program: str, process: int, secure: bool) -> None:
        end = session.at + session.seconds
        gave_up = bool(session.failed) and not session.messages
        if gave_up:
            self.say(end - 0.01, program, f"lost connection after AUTH from {session.client}", process)
        counts = _commands(session, secure) | ({} if gave_up else {"quit": (1, 1)})
        counts["commands"] = (
            sum(good for good, _ in counts.values()),
            sum(tried for _, tried in counts.values()),
        )
        said = " ".join(f"{name}={_of(*pair)}" for name, pair in counts.items())
        self.say(end, program, f"disconnect from {session.client} {said}", process)

    def _message(self, session: Session, message: Message, client: str, smtpd: tuple[str, int]) -> None:
        at = session.at + 0.2 + message.after
        queue_id = self.queue_id(at)
        self.say(at, smtpd[0], f"{queue_id}: {client}", smtpd[1])
        self.say(at + 0.03, "cleanup", f"{queue_id}: message-id=<{message.message_id}>", 4)
        self._queue(at + 0.06, queue_id, message.sender, message.size, message.deliveries)

    def _queue(
        self, at: float, queue_id: str, sender: str, size: int, deliveries: Sequence[Delivery]
    ) -> None:
        active = f"{queue_id}: from=<{sender}>, size={size}, nrcpt={{}} (queue active)"
        self.say(at, "qmgr", active.format(len(deliveries)), 1)
        ends = [self._deliver(at, queue_id, delivery) for delivery in deliveries]
        late = [delivery for delivery in deliveries if delivery.fate == "deferred"]
        if late:
            again = max(ends) + self.random.uniform(*RETRY_AFTER)
            self.say(again, "qmgr", active.format(len(late)), 1)
            ends = [self._attempt(again, at, queue_id, delivery, "sent") for delivery in late]
        end = max(ends) + 0.002
        if sender and any(delivery.fate in ("unknown", "spam") for delivery in deliveries):
            self._notify(end, queue_id, sender, size)
        self.say(end + 0.004, "qmgr", f"{queue_id}: removed", 1)

    def _deliver(self, at: float, queue_id: str, delivery: Delivery) -> float:
        return self._attempt(at, at, queue_id, delivery, delivery.fate)

    def _attempt(self, at: float, since: float, queue_id: str, delivery: Delivery, fate: str) -> float:
        took, waited = delivery.seconds, at - since + 0.06
        parts = (waited, 0.01, round(took * 0.3, 3), round(took * 0.7, 3))
        delays = "/".join(_short(part) for part in parts)
        said = f"{queue_id}: to=<{delivery.to}>, relay={delivery.relay}, "
        said += f"delay={_short(sum(parts))}, delays={delays}, "
        process = 5 + self.random.randrange(8) if delivery.program == "smtp" else 14
        self.say(at + took, delivery.program, said + self._outcome(delivery, fate), process)
        return at + took

    def _outcome(self, delivery: Delivery, fate: str) -> str:
        server = delivery.relay.rpartition(":")[0]
        texts = {
            "unknown": ("5.1.1", "bounced", UNKNOWN_USER),
            "spam": ("5.7.1", "bounced", LOOKS_LIKE_SPAM),
            "deferred": ("4.7.1", "deferred", GREYLISTED),
        }
        if fate in texts:
            dsn, status, text = texts[fate]
            return f"dsn={dsn}, status={status} (host {server} said: {text.format(to=delivery.to)})"
        token = f"{self.random.getrandbits(48):012X}"
        if delivery.program == "lmtp":
            return f"dsn=2.0.0, status=sent (250 2.0.0 <{delivery.to}> {token} Saved)"
        return f"dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {token})"

    def _notify(self, at: float, queue_id: str, sender: str, size: int) -> None:
        notice = self.queue_id(at)
        moment = self.start + timedelta(seconds=at)
        self.say(
            at, "cleanup", f"{notice}: message-id=<{moment:%Y%m%d%H%M%S}.{notice}@{self.name}.example.org>", 4
        )
        self.say(at + 0.002, "bounce", f"{queue_id}: sender non-delivery notification: {notice}", 13)
        back = Delivery(sender, STORE, seconds=0.03, program="lmtp")
        self._queue(at + 0.003, notice, "", size + 2200, [back])


def _digits(number: int, base: int, least: int) -> str:
    made = ""
    while number or len(made) < least:
        number, digit = divmod(number, base)
        made = BASE52[digit] + made
    return made


def _short(seconds: float) -> str:
    """A delay as Postfix writes it: two digits that matter, and no more than hundredths."""
    if seconds < 0.005:
        return "0"
    return str(round(seconds)) if seconds >= 99.5 else f"{round(seconds, 2):.2g}"


def _commands(session: Session, secure: bool) -> dict[str, tuple[int, int]]:
    """How many of each command were accepted, of how many given."""
    mails, logins = len(session.messages), int(bool(session.login))
    recipients = sum(len(message.deliveries) for message in session.messages)
    froms = mails + bool(session.refused)
    counts = {
        "ehlo": (1 + secure, 1 + secure),
        "starttls": (int(secure), int(secure)),
        "auth": (logins, logins + len(session.failed)),
        "mail": (froms, froms),
        "rcpt": (recipients, recipients + len(session.refused)),
        "data": (mails, mails),
    }
    return {name: (good, tried) for name, (good, tried) in counts.items() if tried}


def _of(good: int, tried: int) -> str:
    return str(good) if good == tried else f"{good}/{tried}"
