"""What the machines write about it all: Postfix, Dovecot, Roundcube and amavis, line by line.

The lines of messages that are tried again are of later days; ``until`` gives what is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from random import Random

from responder.simulate.act import REACHED, Act, Failed, Login, Mail, To
from responder.simulate.host import TLS, TLS_MORE, Host, full_name, hosts
from responder.simulate.network import Place
from responder.simulate.outside import Outside
from responder.simulate.people import People
from responder.simulate.plan import DOMAIN, LISTS

Row = tuple[float, str]
"""The instant in seconds, and the line without its stamp."""

HERE = Place("localhost", "127.0.0.1")
UNKNOWN = (
    "550 5.1.1 <{to}>: Recipient address rejected: User unknown",
    "550 5.1.1 The email account that you tried to reach does not exist",
    "550 5.1.1 <{to}> User doesn't exist",
)
SAYS = {
    "spam": ("5.7.1", "bounced", "550 5.7.1 Message refused, it looks like unsolicited mail", "end of DATA"),
    "full": ("5.2.2", "bounced", "552 5.2.2 <{to}>: mailbox full", "RCPT TO"),
    "greylisted": (
        "4.2.0",
        "deferred",
        "450 4.2.0 <{to}>: Recipient address rejected: Greylisted",
        "RCPT TO",
    ),
    "limited": ("4.7.0", "deferred", "421 4.7.0 Too much mail from your address, try again later", "MAIL FROM"),
}
"""Code, status and text of what remote servers answer, and to which command."""
LATER = ("greylisted", "timeout", "limited")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that was taken in, with what became of it before the end of the log."""

    host: str
    queue_id: str
    at: float
    recipients: int
    delivered: int
    unknown: int


class Log:
    """The central log, written out of order and given out in order."""

    def __init__(self, people: People, outside: Outside, end: float, random: Random) -> None:
        self.hosts = hosts(random)
        self._people, self._outside, self._end, self._random = people, outside, end, random
        self._rows: list[Row] = []
        self._submission = [self.hosts[name] for name in ("smtp1", "smtp2", "smtp3")]
        self._mailboxes = [self.hosts[name] for name in ("imap1", "imap2")]
        self._mx = [self.hosts[name] for name in ("mx1", "mx2")]

    def until(self, end: float) -> list[Row]:
        """The lines before ``end``, by time; they are forgotten here."""
        self._rows.sort(key=itemgetter(0))
        low, high = 0, len(self._rows)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._rows[middle][0] < end else (low, middle)
        due, self._rows = self._rows[:low], self._rows[low:]
        return due

    def run(self, act: Act) -> Accepted | None:
        """Write everything that follows from an act; of a message, what became of it."""
        if isinstance(act, Mail):
            return self._submit(act)
        if isinstance(act, Login):
            self._login(act)
        else:
            self._failure(act)
        return None

    def inbound(self, at: float, sender: str, domain: str, to: str, size: int) -> None:
        """Mail that another site's server brings."""
        host, client = self._random.choice(self._mx), self._outside.server(domain)
        final = self._people.final(to)
        self._transfer(host, at, client, sender, final, size)

    def posting(self, at: float, name: str, to: list[To], size: int) -> None:
        """What the engine of the mailing lists sends, without any login."""
        recipients = self._resolved(to)
        self._transfer(self.hosts["lists1"], at, HERE, f"{name}-bounces@{LISTS}", recipients, size, dict(to))

    def auto_reply(self, at: float, to: str) -> None:
        """A vacation notice, which has no sender."""
        self._transfer(self._random.choice(self._mx), at, HERE, "", ((to, ""),), 1900)

    def refused(self, at: float, client: Place, sender: str, to: str, why: str) -> None:
        """A stranger that is sent away at the door."""
        host = self._random.choice(self._mx)
        smtpd, who = host.head("smtpd", 30), f"{client.name}[{client.ip}]"
        helo = client.name if client.name != "unknown" else "localhost"
        self._rows += [
            (at, f"{smtpd}connect from {who}"),
            (
                at + 0.4,
                f"{smtpd}NOQUEUE: reject: RCPT from {who}: {why.format(to=to, ip=client.ip)}; "
                f"from=<{sender}> to=<{to}> proto=ESMTP helo=<{helo}>",
            ),
            (at + 0.5, f"{smtpd}disconnect from {who} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"),
        ]

    def _resolved(self, to: list[To]) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for address, _ in to:
            if address.endswith(f"@{DOMAIN}"):
                found += self._people.final(address)
            else:
                found.append((address, ""))
        return tuple(found)

    def _submit(self, mail: Mail) -> Accepted:
        random, person, at = self._random, mail.person, mail.at
        host = self.hosts["web1"] if mail.webmail else self._submission[int(random.random() * 3)]
        place = HERE if mail.webmail else mail.place
        smtpd = host.head("submission/smtpd", 40)
        who = f"{place.name}[{place.ip}]"
        say = self._rows.append
        say((at, f"{smtpd}connect from {who}"))
        if not mail.webmail:
            say((at + 0.05, f"{smtpd}Anonymous TLS connection established from {who}: {TLS} {TLS_MORE}"))
        login = person.uid if mail.webmail else person.login
        queue_id = host.queue_id(at + 0.2)
        say((at + 0.2, f"{smtpd}{queue_id}: client={who}, sasl_method={mail.method}, sasl_username={login}"))
        recipients = self._resolved(mail.to)
        fates = dict(mail.to)
        delivered, unknown = self._queue(
            host, at + 0.22, queue_id, person.mail, recipients, mail.size, fates, self._message_id(at, person.mail)
        )
        count, tls = len(mail.to), int(not mail.webmail)
        commands = f"ehlo={1 + tls}{' starttls=1' * tls} auth=1 mail=1 rcpt={count} data=1 quit=1"
        total = 5 + 2 * tls + count
        say((at + 0.4, f"{smtpd}disconnect from {who} {commands} commands={total}"))
        return Accepted(host.name, queue_id, at + 0.26, len(recipients), delivered, unknown)

    def _message_id(self, at: float, sender: str) -> str:
        return f"{int(at * 1000):x}.{self._random.getrandbits(40):010x}@{sender.partition('@')[2] or DOMAIN}"

    def _transfer(
        self,
        host: Host,
        at: float,
        client: Place,
        sender: str,
        recipients: tuple[tuple[str, str], ...],
        size: int,
        fates: dict[str, str] | None = None,
    ) -> None:
        """A message that comes without a login."""
        smtpd, who = host.head("smtpd", 30), f"{client.name}[{client.ip}]"
        queue_id = host.queue_id(at + 0.2)
        self._rows.append((at, f"{smtpd}connect from {who}"))
        self._rows.append((at + 0.2, f"{smtpd}{queue_id}: client={who}"))
        self._queue(
            host, at + 0.22, queue_id, sender, recipients, size, fates or {}, self._message_id(at, sender)
        )
        count = len(recipients)
        self._rows.append(
            (
                at + 0.5,
                f"{smtpd}disconnect from {who} ehlo=1 mail=1 rcpt={count} data=1 quit=1 commands={count + 4}",
            )
        )

    def _queue(
        self,
        host: Host,
        at: float,
        queue_id: str,
        sender: str,
        recipients: tuple[tuple[str, str], ...],
        size: int,
        fates: dict[str, str],
        message_id: str,
    ) -> tuple[int, int]:
        """From cleanup to removal; how many recipients got it, and how many there are not."""
        say, qmgr = self._rows.append, host.head("qmgr")
        say((at, f"{host.head('cleanup', 8)}{queue_id}: message-id=<{message_id}>"))
        said = f"from=<{sender}>, size={size}, nrcpt="
        say((at + 0.04, f"{qmgr}{queue_id}: {said}{len(recipients)} (queue active)"))
        if not host.amavis:
            return self._deliver(host, at + 0.05, queue_id, said, recipients, fates)
        return self._filter(host, at + 0.05, queue_id, sender, recipients, size, fates, message_id)

    def _filter(
        self,
        host: Host,
        at: float,
        queue_id: str,
        sender: str,
        recipients: tuple[tuple[str, str], ...],
        size: int,
        fates: dict[str, str],
        message_id: str,
    ) -> tuple[int, int]:
        """The way through amavis, behind which the message has another id."""
        say, took = self._rows.append, 0.4 + self._random.random() * 2
        back, smtpd = at + took, host.head("smtpd", 10)
        second = host.queue_id(back)
        say((back - 0.02, f"{smtpd}connect from localhost[127.0.0.1]"))
        say((back, f"{smtpd}{second}: client=localhost[127.0.0.1]"))
        say((back + 0.01, f"{host.head('cleanup', 8)}{second}: message-id=<{message_id}>"))
        said = f"from=<{sender}>, size={size + 480}, nrcpt="
        say((back + 0.02, f"{host.head('qmgr')}{second}: {said}{len(recipients)} (queue active)"))
        say((back + 0.03, f"{smtpd}disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1"))
        number = f"({host.pids['smtpd'] % 90000:05d}-{host.count % 90 + 1:02d})"
        passed = f"Passed CLEAN {{RelayedOutbound}}, <{sender}> -> <{recipients[0][0]}>, Queue-ID: {queue_id}"
        say((back + 0.03, f"{host.name} amavis[{host.pids['smtpd'] + 70}]: {number} {passed}"))
        smtp = host.head("smtp", 20)
        answer = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second}"
        for address, original in recipients:
            to = f"to=<{address}>, orig_to=<{original}>" if original else f"to=<{address}>"
            say(
                (
                    back + 0.04,
                    f"{smtp}{queue_id}: {to}, relay=127.0.0.1[127.0.0.1]:10024, delay={took:.2g}, "
                    f"delays=0.05/0.01/0.01/{took:.2g}, dsn=2.0.0, status=sent ({answer})",
                )
            )
        say((back + 0.05, f"{host.head('qmgr')}{queue_id}: removed"))
        plain = tuple((address, "") for address, _ in recipients)
        return self._deliver(host, back + 0.06, second, said, plain, fates)

    def _deliver(
        self,
        host: Host,
        at: float,
        queue_id: str,
        said: str,
        recipients: tuple[tuple[str, str], ...],
        fates: dict[str, str],
    ) -> tuple[int, int]:
        random, rows = self._random, self._rows
        end, delivered, unknown, bounced = at, 0, 0, False
        later: list[tuple[str, str]] = []
        smtp, lmtp = host.head("smtp", 60), host.head("lmtp", 8)
        for address, original in recipients:
            to = f"to=<{address}>, orig_to=<{original}>" if original else f"to=<{address}>"
            if address.endswith(f"@{DOMAIN}"):
                took = 0.03 + random.random() * 0.2
                box = self._mailboxes[len(address) % 2]
                rows.append(
                    (
                        at + took,
                        f"{lmtp}{queue_id}: {to}, relay={box.name}.{DOMAIN}[{box.ip}]:24, delay={took:.2g}, "
                        f"delays=0.02/0.01/0.01/{took:.2g}, dsn=2.0.0, status=sent "
                        f"(250 2.0.0 <{address}> {random.getrandbits(40):x} Saved)",
                    )
                )
                delivered += at + took < self._end
                end = max(end, at + took)
                continue
            fate = fates.get(address, "sent")
            took = 0.2 + random.random() * 2.5
            rows.append((at + took, self._attempt(f"{smtp}{queue_id}: {to}", address, fate, took, took)))
            end = max(end, at + took)
            if fate in LATER:
                later.append((address, fate))
            elif fate == "sent":
                delivered += at + took < self._end
            else:
                unknown += fate == "unknown"
                bounced = True
        waited = 0.0
        while later:
            waited = waited * 2 or 290.0 + random.random() * 300
            again = at + waited
            rows.append((again, f"{host.head('qmgr')}{queue_id}: {said}{len(later)} (queue active)"))
            still = []
            for address, fate in later:
                took = 0.3 + random.random() * 2
                begin = f"{host.head('smtp', 60)}{queue_id}: to=<{address}>"
                if fate == "timeout" and random.random() < 0.5 and waited < 5000:
                    still.append((address, fate))
                    rows.append((again + 30 + took, self._attempt(begin, address, fate, waited + 30, 30.0)))
                    continue
                rows.append((again + took, self._attempt(begin, address, "sent", waited + took, took)))
                delivered += again + took < self._end
                end = max(end, again + took)
            later = still
        if bounced:
            self._notice(host, end + 0.01, queue_id, said)
        rows.append((end + 0.02, f"{host.head('qmgr')}{queue_id}: removed"))
        return delivered, unknown

    def _attempt(self, begin: str, address: str, fate: str, delay: float, took: float) -> str:
        """One try to deliver outside."""
        domain = address.rpartition("@")[2]
        server = self._outside.server(domain)
        text = f"{delay:.2g}" if delay < 99 else str(round(delay))
        delays = f"delay={text}, delays={max(delay - took, 0.02):.2g}/0.01/0.1/{took:.2g}"
        if fate == "nohost":
            why = f"Host or domain name not found. Name service error for name={domain} type=A: Host not found"
            return f"{begin}, relay=none, {delays}, dsn=5.4.4, status=bounced ({why})"
        if fate == "timeout":
            why = f"connect to {server.name}[{server.ip}]:25: Connection timed out"
            return f"{begin}, relay=none, {delays}, dsn=4.4.1, status=deferred ({why})"
        relay = f"{begin}, relay={server.name}[{server.ip}]:25, {delays}"
        if fate == "sent":
            token = f"{self._random.getrandbits(44):011X}"
            return f"{relay}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {token})"
        if fate == "unknown":
            dsn, status, command = "5.1.1", "bounced", "RCPT TO"
            answer = UNKNOWN[len(domain) % 3]
        else:
            dsn, status, answer, command = SAYS[fate]
        answer = answer.format(to=address)
        return (
            f"{relay}, dsn={dsn}, status={status} (host {server.name}[{server.ip}] said: {answer} "
            f"(in reply to {command} command))"
        )

    def _notice(self, host: Host, at: float, queue_id: str, said: str) -> None:
        """The notification of a bounce, a message of its own from nobody to the sender."""
        sender, size = said.partition(">, size=")[::2]
        sender = sender.removeprefix("from=<")
        if not sender:
            return
        notice, rows = host.queue_id(at), self._rows
        rows.append(
            (at, f"{host.head('cleanup', 8)}{notice}: message-id=<{notice}.{int(at)}@{full_name(host)}>")
        )
        rows.append((at + 0.001, f"{host.head('bounce', 3)}{queue_id}: sender non-delivery notification: {notice}"))
        back = f"from=<>, size={int(size.partition(',')[0]) + 2200}, nrcpt="
        rows.append((at + 0.002, f"{host.head('qmgr')}{notice}: {back}1 (queue active)"))
        final = self._people.final(sender) if sender.endswith(f"@{DOMAIN}") else ((f"lists@{DOMAIN}", ""),)
        self._deliver(host, at + 0.003, notice, back, final, {})

    def _login(self, login: Login) -> None:
        person, at = login.person, login.at
        if login.service == "webmail":
            session = f"{self._random.getrandbits(64):016x}"
            self._rows.append(
                (
                    at,
                    f"web1 roundcube: <{session[:8]}> Successful login for {person.uid} (ID: {person.number + 3}) "
                    f"from {login.place.ip} in session {session}",
                )
            )
            self._mailbox(at + 0.1, person.uid, self.hosts["web1"].ip, "imap")
        else:
            self._mailbox(at, person.login, login.place.ip, login.service)

    def _mailbox(self, at: float, login: str, ip: str, service: str) -> None:
        random = self._random
        box = self._mailboxes[len(login) % 2]
        self._rows.append(
            (
                at,
                f"{box.name} dovecot: {service}-login: Login: user=<{login}>, method=PLAIN, rip={ip}, lip={box.ip}, "
                f"mpid={int(random.random() * 4e6)}, TLS, session=<{random.getrandbits(60):015x}>",
            )
        )

    def _failure(self, act: Failed) -> None:
        random, at, who = self._random, act.at, f"{act.place.name}[{act.place.ip}]"
        if act.service == "smtp":
            smtpd = random.choice(self._submission).head("submission/smtpd", 40)
            why = f"SASL LOGIN authentication failed: (reason unavailable), sasl_username={act.name}"
            self._rows += [
                (at, f"{smtpd}connect from {who}"),
                (at + 1.1, f"{smtpd}warning: {who}: {why}"),
                (at + 1.3, f"{smtpd}disconnect from {who} ehlo=1 auth=0/1 quit=1 commands=2/3"),
            ]
        elif act.service == "webmail":
            session = f"{random.getrandbits(64):016x}"
            self._rows.append(
                (
                    at,
                    f"web1 roundcube: <{session[:8]}> Failed login for {act.name} from {act.place.ip} "
                    f"in session {session} (error: 0)",
                )
            )
        else:
            box = random.choice(self._mailboxes)
            self._rows.append(
                (
                    at + 2,
                    f"{box.name} dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 "
                    f"secs): user=<{act.name}>, method=PLAIN, rip={act.place.ip}, lip={box.ip}, TLS, "
                    f"session=<{random.getrandbits(60):015x}>",
                )
            )
