"""A day of two mail hosts, drawn from one seed: ordinary mail of 20,000 accounts, and four hijacked ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

SITE = "example.org"
HOSTS = ("smtp1", "smtp2")
STORE = f"store.{SITE}[private/dovecot-lmtp]"
ACCOUNTS, DOMAINS, HIJACKED = 20_000, 20_000, 4
BY_HOUR = (2, 1, 1, 1, 1, 2, 5, 20, 60, 75, 80, 70, 45, 60, 75, 75, 65, 50, 30, 20, 15, 12, 8, 4)
MIXES = {
    "site": {"m": 1, "i": 0.2, "r": 3, "d": 1.5, "f": 0.01},
    "submissions": {"m": 1, "i": 0.02, "f": 0.01},
}
"""How often, for each message handed in: itself, one that comes in, one that is refused at the door, somebody who
looks into a mailbox, a wrong password. A site's log is mostly about other things than what its people send.

What is measured depends on the mix: the fewer other lines, the worse our ratios to rg and pflogsumm. So there is
one with hardly any, too."""
FOREIGN = ("203.0.113.", "198.51.100.", "192.0.2.", "2001:db8:a::", "2001:db8:b::", "2001:db8:c::")
BASE52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
COUNTS = (1, 2, 3, 6), (80, 13, 5, 2)
"""How many recipients an ordinary message has, and how often: 1.3 on average."""

UNKNOWN = (
    "dsn=5.1.1, status=bounced (host mx.{0}[198.19.0.25] said: 550 5.1.1 <{1}>: "
    "Recipient address rejected: User unknown (in reply to RCPT TO command))"
)
GREYLISTED = (
    "dsn=4.7.1, status=deferred (host mx.{0}[198.19.0.25] said: 450 4.7.1 <{1}>: "
    "Recipient address rejected: Greylisted (in reply to RCPT TO command))"
)

Row = tuple[float, str, str]
"""Seconds after midnight, the host, and the rest of the line."""


@dataclass(frozen=True)
class Hijack:
    """The truth about a hijacked account; ``start`` and ``end`` are its first and last submission."""

    account: str
    start: float
    end: float
    messages: int
    recipients: int
    domains: int
    unknown_users: int
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """One message in one session; without a login it is another server's."""

    at: float
    host: int
    client: str
    login: str
    sender: str
    recipients: tuple[str, ...]
    hijacked: bool = False


class Day:
    """Everybody and everything of the day; ``hijacks`` is the truth, in seconds after midnight."""

    def __init__(self, messages: int, seed: int, mix: str = "site") -> None:
        self.random, self.shares = Random(seed), MIXES[mix]
        self.accounts = [f"u{number:05d}" for number in range(ACCOUNTS)]
        self.domains = [f"big{number}.example" for number in range(1, 6)]
        self.domains += [f"site{number}.example" for number in range(6, DOMAINS + 1)]
        self.popular = list(
            accumulate([3000, 900, 700, 400, 300, *(1000 / n for n in range(6, DOMAINS + 1))])
        )
        self.books: dict[int, list[str]] = {}
        self.ids = 0
        plans = [
            self._plan(number, name)
            for number, name in enumerate(self.random.sample(self.accounts[2000:], 4))
        ]
        self.hijacks = [truth for truth, _ in plans]
        self.bursts = sorted((one for _, burst in plans for one in burst), key=lambda one: one.at)
        self.ordinary = max(messages - len(self.bursts), 0)

    def _plan(self, number: int, account: str) -> tuple[Hijack, list[Submission]]:
        """A hijack of 30 to 60 minutes: 1,500 to 4,000 recipients in almost as many domains."""
        random = self.random
        start, lasts = (1.5 + number * 5.5 + random.random() * 3) * 3600.0, random.uniform(1800.0, 3600.0)
        wanted, each = random.randrange(1500, 4001), random.choice((8, 15, 25, 40))
        networks = tuple(
            f"{net}{random.randrange(1, 255)}" for net in random.sample(FOREIGN, random.randrange(3, 7))
        )
        domains = random.sample(self.domains[5:], wanted - wanted // 20) + self.domains[:5] * (wanted // 100)
        to = [f"{random.choice('klmnpqrs')}{random.randrange(10**6)}@{domain}" for domain in domains]
        batches = [tuple(to[index : index + each]) for index in range(0, len(to), each)]
        times = sorted(start + random.uniform(0.0, lasts) for _ in batches)
        host, sender = int(account[1:]) % 2, f"{account}@{SITE}"
        burst = [
            Submission(
                at,
                host,
                f"unknown[{networks[n * len(networks) // len(batches)]}]",
                account,
                sender,
                batch,
                True,
            )
            for n, (at, batch) in enumerate(zip(times, batches, strict=True))
        ]
        unknown = sum(is_unknown(address) for address in to)
        counts = (len(batches), len(to), len(set(domains)), unknown)
        return Hijack(account, times[0], times[-1], *counts, networks), burst

    def sessions(self) -> Iterator[tuple[float, list[Row]]]:
        """Each session's start and all rows that follow from it, by start."""
        random = self.random
        kinds = "".join(kind * int(self.ordinary * share) for kind, share in self.shares.items())
        hours = random.choices(range(24), weights=BY_HOUR, k=len(kinds))
        events = sorted(
            (hour * 3600 + random.random() * 3599, kind) for hour, kind in zip(hours, kinds, strict=True)
        )
        tail = list(accumulate(1 / (rank + 60) ** 0.8 for rank in range(ACCOUNTS)))
        senders = iter(random.choices(range(ACCOUNTS), cum_weights=tail, k=self.ordinary))
        bursts = list(reversed(self.bursts))
        for at, kind in events:
            while bursts and bursts[-1].at <= at:
                yield bursts[-1].at, self._rows(bursts.pop())
            if other := {"f": self._failure, "r": self._refusal, "d": self._reading}.get(kind):
                yield at, other(at)
            else:
                yield at, self._rows(self._ordinary(at, next(senders)) if kind == "m" else self._inbound(at))
        while bursts:
            yield bursts[-1].at, self._rows(bursts.pop())

    def _ordinary(self, at: float, account: int) -> Submission:
        random, name = self.random, self.accounts[account]
        book, place = self._book(account), random.random()
        count = random.choices(*COUNTS)[0]
        to = tuple(
            {random.choice(book) if random.random() < 0.8 else self._stranger(): None for _ in range(count)}
        )
        if place < 0.1:
            client = "localhost[127.0.0.1]"
        elif place < 0.5:
            client = f"pc{account}.{SITE}[10.{account >> 8}.{account & 255}.9]"
        else:
            host = f"dyn-198-18-{account >> 8}-{account & 255}.isp{account % 40}.example"
            client = f"{host}[198.18.{account >> 8}.{account & 255}]"
        login = f"{name}@{SITE}" if account % 10 == 0 else name
        return Submission(at, account % 2, client, login, f"{name}@{SITE}", to)

    def _stranger(self) -> str:
        """Somebody whom the account has not written to before."""
        domain = self.random.choices(self.domains, cum_weights=self.popular)[0]
        return f"s{self.random.randrange(999_999)}@{domain}"

    def _book(self, account: int) -> list[str]:
        """Whom an account writes to: colleagues, and people at a few domains, mostly popular ones."""
        book = self.books.get(account)
        if book is None:
            random = self.random
            size = 10 + int(random.expovariate(0.02))
            outside = random.choices(self.domains, cum_weights=self.popular, k=size)
            book = [f"{random.choice('abcdefgh')}{random.randrange(9999)}@{domain}" for domain in outside]
            book += [f"{random.choice(self.accounts)}@{SITE}" for _ in range(size // 2)]
            self.books[account] = book
        return book

    def _inbound(self, at: float) -> Submission:
        random = self.random
        domain = random.choices(self.domains, cum_weights=self.popular)[0]
        client = f"mx.{domain}[198.19.{random.randrange(256)}.{random.randrange(256)}]"
        to = f"{random.choice(self.accounts)}@{SITE}"
        return Submission(at, random.randrange(2), client, "", f"n{random.randrange(99999)}@{domain}", (to,))

    def _failure(self, at: float) -> list[Row]:
        random = self.random
        host, client = random.choice(HOSTS), f"unknown[{random.choice(FOREIGN)}{random.randrange(1, 255)}]"
        smtpd = f"postfix/submission/smtpd[{random.randrange(20000, 30000)}]: "
        why = "SASL LOGIN authentication failed: (reason unavailable)"
        why = f"{why}, sasl_username={random.choice(self.accounts)}"
        return [
            (at, host, f"{smtpd}connect from {client}"),
            (at + 1.2, host, f"{smtpd}warning: {client}: {why}"),
            (at + 1.5, host, f"{smtpd}lost connection after AUTH from {client}"),
            (at + 1.5, host, f"{smtpd}disconnect from {client} ehlo=1 auth=0/1 commands=1/2"),
        ]

    def _refusal(self, at: float) -> list[Row]:
        """Most of what knocks at a mail host is sent away."""
        random, host = self.random, self.random.choice(HOSTS)
        domain = random.choices(self.domains, cum_weights=self.popular)[0]
        address = f"198.19.{random.randrange(256)}.{random.randrange(256)}"
        client = f"mail.{domain}[{address}]"
        smtpd = f"postfix/smtpd[{random.randrange(20000, 30000)}]: "
        sender, to = f"n{random.randrange(99999)}@{domain}", f"x{random.randrange(99999)}@{SITE}"
        why = (
            f"550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table"
            if random.random() < 0.4
            else f"554 5.7.1 Service unavailable; Client host [{address}] blocked using dnsbl.example"
        )
        return [
            (at, host, f"{smtpd}connect from {client}"),
            (
                at + 0.3,
                host,
                f"{smtpd}NOQUEUE: reject: RCPT from {client}: {why}; from=<{sender}> to=<{to}> proto=ESMTP "
                f"helo=<mail.{domain}>",
            ),
            (at + 0.4, host, f"{smtpd}disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"),
        ]

    def _reading(self, at: float) -> list[Row]:
        """A mail program that looks for new mail."""
        random, account = self.random, self.random.randrange(ACCOUNTS)
        session = f"{random.getrandbits(60):x}"
        said = (
            f"dovecot: imap-login: Login: user=<{self.accounts[account]}>, method=PLAIN, "
            f"rip=198.18.{account >> 8}.{account & 255}, lip=192.0.2.20, mpid={random.randrange(99999)}, TLS, "
            f"session=<{session}>"
        )
        return [(at, HOSTS[account % 2], said)]

    def _rows(self, one: Submission) -> list[Row]:
        """The whole life of a message, from the connection that brought it to its removal from the queue."""
        random, host, at = self.random, HOSTS[one.host], one.at
        queue_id, size, count = (
            self._queue_id(one.host, at + 0.2),
            random.randrange(900, 90_000),
            len(one.recipients),
        )
        smtpd = f"postfix/{'submission/' if one.login else ''}smtpd[{random.randrange(20000, 30000)}]: "
        sasl = f", sasl_method=PLAIN, sasl_username={one.login}" if one.login else ""
        rows = [(at, host, f"{smtpd}connect from {one.client}")]
        mail, session = f"mail=1 rcpt={count} data=1 quit=1", 4 + count
        if one.login and one.client[0] != "l":
            commands = f"ehlo=2 starttls=1 auth=1 {mail} commands={session + 3}"
        elif one.login:
            commands = f"ehlo=1 auth=1 {mail} commands={session + 1}"
        else:
            commands = f"ehlo=1 {mail} commands={session}"
        message_id = f"{int(at * 1e6):x}.{size}@{one.sender.partition('@')[2]}"
        active = f"postfix/qmgr[840]: {queue_id}: from=<{one.sender}>, size={size}, nrcpt="
        rows += [
            (at + 0.2, host, f"{smtpd}{queue_id}: client={one.client}{sasl}"),
            (at + 0.22, host, f"postfix/cleanup[912]: {queue_id}: message-id=<{message_id}>"),
            (at + 0.25, host, f"{active}{count} (queue active)"),
            (at + 0.4, host, f"{smtpd}disconnect from {one.client} {commands}"),
        ]
        end = self._deliver(one, queue_id, active, rows)
        if any(" status=bounced " in text for _, _, text in rows):
            rows += self._notice(end + 0.01, one, queue_id, size)
        rows.append((end + 0.03, host, f"postfix/qmgr[840]: {queue_id}: removed"))
        return rows

    def _deliver(self, one: Submission, queue_id: str, active: str, rows: list[Row]) -> float:
        """Add each recipient's deliveries, retries too, and say when the last ended."""
        random, host, began = self.random, HOSTS[one.host], one.at + 0.25
        end, later = began, []
        for address in one.recipients:
            took, chance, domain = 0.05 + random.random() * 2, random.random(), address.partition("@")[2]
            end = max(end, began + took)
            sent = f"dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {self.ids:X})"
            if domain == SITE:
                rows.append((began + took, host, self._stored(queue_id, address, took)))
                continue
            if is_unknown(address) if one.hijacked else chance < 0.02:
                sent = UNKNOWN.format(domain, address)
            elif chance > 0.98:
                sent = GREYLISTED.format(domain, address)
                later.append(address)
            rows.append((began + took, host, _smtp(queue_id, address, domain, took, sent)))
        if later:
            end += 300 + random.random() * 600
            rows.append((end, host, f"{active}{len(later)} (queue active)"))
        for address in later:
            end += 0.3
            sent = f"dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {self.ids:X})"
            rows.append((end, host, _smtp(queue_id, address, address.partition("@")[2], end - began, sent)))
        return end

    def _stored(self, queue_id: str, address: str, took: float) -> str:
        return (
            f"postfix/lmtp[950]: {queue_id}: to=<{address}>, relay={STORE}, delay={took:.2g}, "
            f"delays=0.05/0.01/0.01/{took:.2g}, dsn=2.0.0, "
            f"status=sent (250 2.0.0 <{address}> {self.ids:x} Saved)"
        )

    def _notice(self, at: float, one: Submission, queue_id: str, size: int) -> list[Row]:
        """The notification of a bounce, a message of its own from nobody to the sender."""
        host, notice = HOSTS[one.host], self._queue_id(one.host, at)
        return [
            (at, host, f"postfix/cleanup[912]: {notice}: message-id=<{notice}@{host}.{SITE}>"),
            (
                at + 0.001,
                host,
                f"postfix/bounce[960]: {queue_id}: sender non-delivery notification: {notice}",
            ),
            (
                at + 0.002,
                host,
                f"postfix/qmgr[840]: {notice}: from=<>, size={size + 2200}, nrcpt=1 (queue active)",
            ),
            (at + 0.05, host, self._stored(notice, one.sender, 0.05)),
            (at + 0.06, host, f"postfix/qmgr[840]: {notice}: removed"),
        ]

    def _queue_id(self, host: int, at: float) -> str:
        """A new queue id: short on the first host, long on the second."""
        self.ids += 1
        micros = int(at * 1_000_000) % 1_000_000
        if host == 0:
            return f"{micros:05X}{0x100000 + self.ids:X}"
        return f"4{_base52(int(at) + 7_000_000, 5)}{_base52(micros, 4)}z{_base52(self.ids, 4)}"


def is_unknown(address: str) -> bool:
    """Whether a hijacker's recipient does not exist, as a quarter of them do not."""
    return address[0] in "kl"


def _smtp(queue_id: str, address: str, domain: str, took: float, outcome: str) -> str:
    delay = f"{took:.2g}" if took < 99 else str(int(took))
    return (
        f"postfix/smtp[{930 + len(address) % 12}]: {queue_id}: to=<{address}>, "
        f"relay=mx.{domain}[198.19.0.25]:25, delay={delay}, delays=0.05/0.01/0.2/{delay}, {outcome}"
    )


def _base52(number: int, width: int) -> str:
    made = ""
    for _ in range(width):
        number, digit = divmod(number, 52)
        made = BASE52[digit] + made
    return made
