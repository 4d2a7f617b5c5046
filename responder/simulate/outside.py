"""The rest of the world that people write to: domains, addresses, and the servers that take their mail."""

from __future__ import annotations

from itertools import accumulate
from random import Random

from responder.simulate.act import To
from responder.simulate.chance import words
from responder.simulate.network import Place

FREEMAIL = ("freemail.example", "mailbox.example", "postbox.example", "webmail.example")
WORDS = words("acorn birch cedar delta ember fjord grove heron iris jade knoll lotus maple north opal pine")
NAMES = words(
    "ana ben cleo dirk ella finn gina henk ivan june kurt lena milo nina otto pia rolf sara timo ulla"
)
DOMAINS = 3000


class Outside:
    """Domains by popularity, and a pool of people who exist."""

    def __init__(self, mailboxes: int, random: Random) -> None:
        self.domains = [
            *FREEMAIL,
            *(f"{WORDS[n % 16]}{n}.example" for n in range(DOMAINS)),
        ]
        self._weights = list(
            accumulate([2500, 900, 500, 300, *(700 / (rank + 5) for rank in range(DOMAINS))])
        )
        self.people = [self.stranger(random) for _ in range(2000 + 2 * mailboxes)]
        self._servers: dict[str, Place] = {}

    def stranger(self, random: Random, domain: str = "") -> str:
        """Somebody whom nobody knows yet."""
        domain = domain or random.choices(self.domains, cum_weights=self._weights)[0]
        one, other = NAMES[int(random.random() * 20)], NAMES[int(random.random() * 20)]
        return f"{one}.{other}{int(random.random() * 10000)}@{domain}"

    def strangers(
        self, random: Random, count: int, dead: float, spam: float = 0.02, popular: bool = True
    ) -> list[To]:
        """``count`` recipients, of which shares are ``dead``, or take the mail for ``spam`` and refuse or slow it."""
        found = dict[str, str]()
        while len(found) < count:
            domain = "" if popular else random.choice(self.domains[len(FREEMAIL) :])
            chance = random.random()
            if chance < dead:
                fate = random.choices(("unknown", "nohost", "full"), (85, 8, 7))[0]
            elif chance < dead + spam:
                fate = random.choice(("spam", "spam", "limited"))
            else:
                fate = ordinary(random)
            found.setdefault(self.stranger(random, domain), fate)
        return list(found.items())

    def server(self, domain: str) -> Place:
        """The server that takes a domain's mail, always the same."""
        found = self._servers.get(domain)
        if found is None:
            value = sum(place * ord(letter) for place, letter in enumerate(domain, start=7))
            ip = f"198.19.{value % 251}.{value // 251 % 251 + 1}"
            found = self._servers[domain] = Place(f"mx1.{domain}", ip)
        return found


def ordinary(random: Random) -> str:
    """What becomes of mail to somebody who exists."""
    chance = random.random()
    if chance > 0.03:
        return "sent"
    return "greylisted" if chance < 0.02 else "timeout" if chance < 0.027 else "spam"
