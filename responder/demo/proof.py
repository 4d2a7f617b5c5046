"""Proves what the demo claims, by asking the stand-ins as anybody could."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from responder.bootstrap import House
from responder.cases.book import restore_case
from responder.demo.desk import StandInDesk
from responder.demo.directory import StandInDirectory
from responder.demo.mail import StandInMailbox
from responder.demo.people import BYSTANDER, PEOPLE, VICTIM
from responder.demo.person import Person
from responder.demo.sms import StandInSms

RUN = 1


class Proof:
    """Each method prints what it asked and what came back, and returns whether the claim holds."""

    def __init__(
        self,
        console: Console,
        directory: StandInDirectory,
        desk: StandInDesk,
        mail: StandInMailbox,
        sms: StandInSms,
    ) -> None:
        self._console, self._directory, self._desk, self._mail, self._sms = (
            console,
            directory,
            desk,
            mail,
            sms,
        )

    def begin(self) -> None:
        """Both people can log in before."""
        self._title("Before")
        self._binds(VICTIM, True)
        self._binds(BYSTANDER, True)

    def of_containment(self) -> bool:
        """The account is shut, another is not, and people were told, once each."""
        self._title("Proof: the account is shut, and nobody else's")
        shut = self._binds(VICTIM, False)
        free = self._binds(BYSTANDER, True)
        self._title("Proof: the people concerned were told")
        for ticket in self._desk.tickets:
            self._say(f"Ticket {ticket.id} in {ticket.queue}: {ticket.subject}", ticket.content)
        for received in self._mail.received:
            body = received.message.get_body()
            text = body.get_content() if body else ""
            self._say(f"Mail to {', '.join(received.recipients)}: {received.message['Subject']}", text)
        for message in self._sms.messages:
            self._say(f"SMS to {message.to}", message.body)
        told = (len(self._desk.tickets), len(self._mail.received), len(self._sms.messages))
        return shut and free and self._claim("one ticket, one mail, one SMS", told == (1, 1, 1))

    def of_the_audit(self, house: House) -> bool:
        """The chain of records is whole."""
        self._title("Proof: the audit")
        records = house.records
        with records.state.connect() as connection:
            entries = list(records.trail.read(connection))
            broken = records.trail.broken_at(connection)
        for each in entries:
            time = each.at.astimezone(records.config.zone).strftime("%H:%M:%S %Z")
            self._console.print(
                escape(f"{each.seq:>4} {time} {each.actor:<12} {each.tag:<28} {each.account or ''}")
            )
        return self._claim(f"{len(entries)} records, the chain of hashes holds", broken is None)

    def of_undo(self, house: House) -> bool:
        """The account is given back."""
        self._title(f"responder undo {RUN}")
        for step in house.engine.undo(RUN, "person:demo"):
            self._console.print(escape(f"  {step.step}: {step.state} {step.reason or ''}"))
        records = house.records
        with records.state.begin() as connection:
            restore_case(connection, records.trail, records.clock, RUN, "person:demo")
        return self._binds(VICTIM, True)

    def _binds(self, uid: str, expected: bool) -> bool:
        person = next(each for each in PEOPLE if each.uid == uid)
        accepted = _bind(self._directory, person)
        word = "accepted" if accepted else "refused"
        return self._claim(f"{person.uid} logs in to the directory: {word}", accepted is expected)

    def _claim(self, words: str, holds: bool) -> bool:
        mark = "[green]ok[/green]" if holds else "[bold red]NOT SO[/bold red]"
        self._console.print(f"  {mark}  {escape(words)}")
        return holds

    def _title(self, words: str) -> None:
        self._console.print(f"\n[bold]{escape(words)}[/bold]")

    def _say(self, head: str, text: str) -> None:
        self._console.print(f"\n  [bold]{escape(head)}[/bold]")
        for line in text.strip().splitlines():
            self._console.print(escape(f"    {line}"))


def _bind(directory: StandInDirectory, person: Person) -> bool:
    """Whether the directory takes the person's password, asked over its own protocol."""
    import ldap3

    server = ldap3.Server(directory.url, get_info=ldap3.NONE, connect_timeout=5)
    connection = ldap3.Connection(server, directory.dn(person.uid), person.password, receive_timeout=5)
    try:
        return bool(connection.bind())
    finally:
        connection.unbind()
