"""The people of a world: students for the most part, staff, shared mailboxes, and services that write mail."""

from __future__ import annotations

import unicodedata
from random import Random

from responder.simulate.chance import words
from responder.simulate.network import Internet, Place
from responder.simulate.person import Person
from responder.simulate.plan import DOMAIN, Plan

GIVEN = words(
    "Ada Adam Aïcha Alba Amir Anna Bao Bilal Björn Carla Chloé Dana Daniel Elif Emil Eva Farid Félix "
    "Gaël Greta Hana Hugo Ilse Inès Ivo Jana Jonas Joséphine Kai Karim Lara Léon Lina Luc Maïa Marek "
    "Mina Nils Noé Nora Olga Omar Paula Pavel Quentin Rania René Rosa Samir Sofia Tara Théo Uma Ute "
    "Vera Viktor Wanda Yann Yuki Zoé"
)
FIRST, LAST = (
    words("Al Bar Cor Dal Er Fal Gar Hol Is Jar Kel Lan Mar Nor Or Pel Quin Ros Sal Tor Ul Ver Wel Zan"),
    words("ander berg cia dier es feld gier hart ier kov let man nard ois per rin sson tier uzel vald"),
)
PLACES = {"service": 0.004, "shared": 0.01, "staff": 0.12}
"""The share of each kind of mailbox; the others are students'."""
SENDS = {"student": 0.3, "staff": 3.5, "shared": 5.0, "service": 12.0}
READS = {"student": 1.6, "staff": 4.0, "shared": 4.0, "service": 0.0}
DEPARTMENTS = 24


class People:
    """Everybody, and what their addresses stand for."""

    def __init__(self, plan: Plan, internet: Internet, random: Random) -> None:
        self.everybody: list[Person] = []
        self.of_kind: dict[str, list[Person]] = {kind: [] for kind in SENDS}
        self._names: dict[str, int] = {}
        self._by_address: dict[str, Person] = {}
        self._departments: dict[int, list[Person]] = {number: [] for number in range(DEPARTMENTS)}
        counts = {kind: max(6, int(plan.mailboxes * share)) for kind, share in PLACES.items()}
        for number in range(plan.mailboxes):
            kind = next((kind for kind, left in counts.items() if left), "student")
            if kind in counts:
                counts[kind] -= 1
            self._add(self._person(number, kind, internet, random))
        for person in self.everybody:
            if random.random() < 0.02:
                person.since = plan.midnights[random.randrange(plan.days)]

    def colleagues(self, department: int) -> list[Person]:
        """The people of a department."""
        return self._departments[department]

    def final(self, address: str) -> tuple[tuple[str, str], ...]:
        """Where mail to an address of the site goes: addresses, each with the original one where it differs."""
        local = address.partition("@")[0]
        if local.startswith("department-"):
            members = self._departments[int(local[11:]) % DEPARTMENTS]
            staff = [person for person in members if person.kind != "student"][:40]
            return tuple((f"{person.uid}@{DOMAIN}", address) for person in staff or members[:1])
        person = self._by_address[address]
        if person.forwards:
            return ((person.backup, f"{person.uid}@{DOMAIN}"),)
        final = f"{person.uid}@{DOMAIN}"
        return ((final, address if address != final else ""),)

    def _add(self, person: Person) -> None:
        self.everybody.append(person)
        self.of_kind[person.kind].append(person)
        self._departments[person.department].append(person)
        for address in (f"{person.uid}@{DOMAIN}", person.mail, person.alias):
            self._by_address[address] = person

    def _person(self, number: int, kind: str, internet: Internet, random: Random) -> Person:
        given, surname = random.choice(GIVEN), random.choice(FIRST) + random.choice(LAST)
        if kind in ("service", "shared"):
            word = random.choice(
                ("scanner", "helpdesk", "library", "tickets")
                if kind == "service"
                else ("office", "admissions", "sports", "events")
            )
            given, surname = "", f"{word.title()} {random.choice(FIRST)}"
        plain = _plain(f"{given}.{surname}") if given else _plain(surname)
        uid = self._free(_plain(f"{given[:1]}{surname}")[:14])
        long = self._free(plain) + f"@{DOMAIN}"
        short = f"{uid}@{DOMAIN}"
        mail, alias = (short, long) if kind == "student" else (long, short)
        backup = f"{plain}{number}@freemail.example" if random.random() < 0.85 and given else ""
        return Person(
            number,
            uid,
            given or "-",
            surname,
            mail,
            alias,
            kind,
            random.randrange(DEPARTMENTS),
            f"+447700900{random.randrange(1000):03d}" if random.random() < 0.8 and given else "",
            backup,
            _spelling(uid, random),
            random.choice(internet.residential),
            random.choice(internet.mobile),
            _desk(number, kind),
            SENDS[kind] * random.lognormvariate(-0.4, 0.9),
            READS[kind] * random.lognormvariate(-0.3, 0.8),
            random.choice((0.0, 0.5, 1.0) if kind == "student" else (0.0, 0.0, 0.2, 1.0)) if given else 0.0,
            random.choice((0.0, 0.0, 0.0, 0.02, 0.15)),
            forwards=kind == "student" and backup != "" and random.random() < 0.02,
            protected=kind == "staff" and random.random() < 0.03,
        )

    def _free(self, wanted: str) -> str:
        count = self._names[wanted] = self._names.get(wanted, 0) + 1
        return wanted if count == 1 else self._free(f"{wanted}{count}")


def _desk(number: int, kind: str) -> Place:
    """A fixed address on the campus; students' are those of its wireless network."""
    block = 64 if kind == "student" else 16
    host = number % (48 * 250)
    ip = f"198.18.{block + host // 250}.{host % 250 + 2}"
    return Place(f"pc-{ip.replace('.', '-')}.{DOMAIN}", ip)


def _spelling(uid: str, random: Random) -> str:
    """How the owner's programs give the login, any of the ways that the server takes."""
    return random.choices(
        (uid, f"{uid}@{DOMAIN}", uid.upper(), f"{uid.capitalize()}@{DOMAIN}"), (70, 22, 3, 5)
    )[0]


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return letters.replace(" ", "-")
