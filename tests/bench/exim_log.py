"""A large main log of Exim: the people and hijacks of ``mail_day``, in Exim's words, in a file of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from . import sessions
from .mail_day import SITE, Day, Row, Submission, is_unknown
from .mail_log import DAY

SHARES = {"m": 1, "i": 0.2, "r": 1, "f": 0.03}
"""As in ``mail_day``'s MIXES; who looks into a mailbox is not in Exim's log."""

CIPHER = "X=TLS1.3:TLS_AES_256_GCM_SHA384:256"
RELAY = "198.19.0.25"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def write(path: Path, messages: int, seed: int = 7) -> None:
    """Write a day with ``messages`` submissions to ``path``; stamps without a zone are UTC."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)

    def line(row: Row) -> str:
        return f"{midnight + timedelta(seconds=int(row[0])):%Y-%m-%d %H:%M:%S} {row[2]}"

    sessions.write(path, EximDay(messages, seed).sessions(), line)


class EximDay(Day):
    """The same day, as the one Exim of the site tells it."""

    def __init__(self, messages: int, seed: int) -> None:
        super().__init__(messages, seed)
        self.shares = SHARES

    def _rows(self, one: Submission) -> list[Row]:
        """The whole life of a message, from its arrival to its removal from the queue."""
        at, queue_id, size = one.at + 0.2, self._queue_id(0, one.at), self.random.randrange(900, 90_000)
        protocol = (
            f"P=esmtpsa {CIPHER} CV=no A=plain:{one.login}" if one.login else f"P=esmtps {CIPHER} CV=no"
        )
        message_id = f"{int(at * 1e6):x}.{size}@{one.sender.partition('@')[2]}"
        rows = [
            (at, "", f"{queue_id} <= {one.sender} {_host(one.client)} {protocol} S={size} id={message_id}")
        ]
        end = self._handed_on(one, queue_id, rows)
        if any(" ** " in text for _, _, text in rows):
            rows += self._returned(end + 0.01, one, queue_id, size)
        rows.append((end + 0.03, "", f"{queue_id} Completed"))
        return rows

    def _handed_on(self, one: Submission, queue_id: str, rows: list[Row]) -> float:
        """Adds each recipient's deliveries, retries too; returns when the last ended."""
        random, end, before = self.random, one.at + 0.25, ""
        for address in one.recipients:
            domain, chance = address.partition("@")[2], random.random()
            flag, before = "->" if domain == before else "=>", domain
            end += 0.05 + random.random() / 2
            if domain == SITE:
                rows.append((end, "", self._kept(queue_id, address)))
                continue
            to, way = f"{address} R=dnslookup T=remote_smtp", f"H=mx.{domain} [{RELAY}]"
            error = f"SMTP error from remote mail server after RCPT TO:<{address}>"
            if is_unknown(address) if one.hijacked else chance < 0.02:
                said = f"{error}: 550 5.1.1 <{address}>: Recipient address rejected: User unknown"
                rows.append((end, "", f"{queue_id} ** {to} {way}: {said}"))
                continue
            if chance > 0.98:
                said = f"{error}: 450 4.7.1 <{address}>: Recipient address rejected: Greylisted"
                rows.append((end, "", f"{queue_id} == {to} defer (-44) {way}: {said}"))
                end += 300 + random.random() * 600
            reply = f'{CIPHER} CV=yes C="250 2.0.0 Ok: queued as {self.ids:X}"'
            rows.append((end, "", f"{queue_id} {flag} {to} {way} {reply}"))
        return end

    def _kept(self, queue_id: str, address: str) -> str:
        local = address.partition("@")[0]
        reply = f'C="250 2.0.0 <{address}> {self.ids:x} Saved"'
        return f"{queue_id} => {local} <{address}> R=dovecot_user T=dovecot_lmtp {reply}"

    def _returned(self, at: float, one: Submission, queue_id: str, size: int) -> list[Row]:
        """The notification of a bounce, a message of its own from nobody to the sender."""
        notice = self._queue_id(0, at)
        return [
            (at, "", f"{notice} <= <> R={queue_id} U=Debian-exim P=local S={size + 2200}"),
            (at + 0.05, "", self._kept(notice, one.sender)),
            (at + 0.06, "", f"{notice} Completed"),
        ]

    def _failure(self, at: float) -> list[Row]:
        random = self.random
        client = f"unknown[203.0.113.{random.randrange(1, 255)}]"
        where, account = _host(client).removeprefix("H="), random.choice(self.accounts)
        why = f"535 Incorrect authentication data (set_id={account})"
        return [(at, "", f"login authenticator failed for {where}: {why}")]

    def _refusal(self, at: float) -> list[Row]:
        random = self.random
        domain = random.choices(self.domains, cum_weights=self.popular)[0]
        client = f"mail.{domain}[198.19.{random.randrange(256)}.{random.randrange(256)}]"
        sender, to = f"n{random.randrange(99999)}@{domain}", f"x{random.randrange(99999)}@{SITE}"
        return [
            (at, "", f"{_host(client)} {CIPHER} CV=no F=<{sender}> rejected RCPT <{to}>: Unrouteable address")
        ]

    def _queue_id(self, _host: int, at: float) -> str:
        """A new id, of the form that Exim has since 4.97."""
        self.ids += 1
        return f"1{_base62(int(at) + 31_000_000, 5)}-{_base62(self.ids, 11)}-{_base62(self.ids % 2**20, 4)}"


def _host(client: str) -> str:
    """``NAME[ADDRESS]`` in Exim's words; a client without a name greets with its address."""
    name, _, address = client.removesuffix("]").partition("[")
    return f"H=([{address}]) [{address}]" if name == "unknown" else f"H={name} [{address}]"


def _base62(number: int, width: int) -> str:
    made = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        made = BASE62[digit] + made
    return made
