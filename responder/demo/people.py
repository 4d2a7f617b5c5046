"""The sixty people of the demonstration: nobody real, with addresses and numbers that are nobody's."""

from __future__ import annotations

import unicodedata

from responder.demo.person import Person

SITE = "example.org"
VICTIM, BYSTANDER = "lmoreau", "pbernard"

STAFF = """
Paul Bernard, Alice Fournier, Hugo Lambert, Inès Garnier, Karim Haddad, Sophie Renard, Tomasz Nowak,
Claire Vidal, Marc Olivier, Nadia Benali, Jean Caron, Lucie Perrin, Pedro Alves, Anne Giraud, Yves
Lemoine, Fatou Diop, Emma Schmidt, Rémi Colin, Zoé Marchand, Gilles Noël
"""
STUDENTS = """
Léa Moreau, Louis Martin, Chloé Dubois, Adam Petit, Jade Robert, Noah Richard, Manon Durand, Ethan
Leroy, Sarah Simon, Lucas Laurent, Camille Michel, Gabriel Garcia, Yasmine David, Arthur Bertrand,
Lina Roux, Jules Vincent, Ambre Morel, Nathan Fontaine, Eva Chevalier, Théo Robin, Mila Masson, Tom
Sanchez, Rose Muller, Enzo Blanc, Alix Guerin, Sacha Boyer, Iris Faure, Malo Rousseau, Anna Henry,
Ibrahim Traoré, Nina Kovacs, Axel Dupuis, Romane Barbier, Mehdi Aziz, Elsa Huet, Oscar Leclerc, Maya
Cohen, Victor Brun, Olivia Rossi, Wei Zhang
"""
ENGLISH = frozenset(
    {"Tomasz Nowak", "Emma Schmidt", "Pedro Alves", "Nina Kovacs", "Wei Zhang", "Olivia Rossi"}
)
WITHOUT_MOBILE = 9  # every ninth person never gave a number
WITHOUT_BACKUP = 14  # every fourteenth no second address


def _person(number: int, name: str, employee_type: str) -> Person:
    first, last = name.split()
    uid = unicodedata.normalize("NFKD", first[0] + last).encode("ascii", "ignore").decode().lower()
    return Person(
        uid=uid,
        name=name,
        mail=f"{uid}@{SITE}",
        backup_address="" if number % WITHOUT_BACKUP == 0 else f"{uid}.perso@example.net",
        mobile="" if number % WITHOUT_MOBILE == 0 else f"+3363998{number:04d}",
        language="en" if name in ENGLISH else "fr",
        password=f"demo-{uid}-{number}",
        employee_type=employee_type,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


PEOPLE: tuple[Person, ...] = tuple(
    _person(number, name, kind)
    for number, (name, kind) in enumerate(
        [*((name, "staff") for name in _names(STAFF)), *((name, "student") for name in _names(STUDENTS))],
        start=1,
    )
)
