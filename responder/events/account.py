"""One name for each account, however the login was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

ALIASES = {"name": pl.String, "account": pl.String}


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What is known of a site's names: its own ``domain``, and the account of every other name.

    ``aliases`` has the columns ``name`` and ``account``, both canonical but for this, in order of the names.
    """

    domain: str | None = None
    aliases: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ALIASES))

    @staticmethod
    def of(domain: str | None, aliases: Mapping[str, str]) -> Names:
        """The same from a mapping of names to accounts."""
        frame = pl.DataFrame({"name": aliases.keys(), "account": aliases.values()}, schema=ALIASES)
        return Names(domain, frame.sort("name"))

    def resolved(self, names: pl.Series) -> pl.Series:
        """The account where a name is another one's; each different name is looked for once, by bisection.

        A hash of all aliases would have to be made for every batch, and live ones are small.
        """
        known, asked = self.aliases["name"], names.drop_nulls().unique().sort()
        at = known.search_sorted(asked).clip(upper_bound=len(known) - 1)
        found = known.gather(at) == asked
        return names.replace(asked.filter(found), self.aliases["account"].gather(at.filter(found)))


def canonical(account: pl.Expr, names: Names | str | None) -> pl.Expr:
    """Lower case, without ``+tag``, without the site's own domain (``uid@example.org`` is ``uid``), and no alias.

    ``names`` may be the site's own domain alone.
    """
    known = names if isinstance(names, Names) else Names(names)
    name = account.str.to_lowercase().str.replace(r"\+[^@]*", "")
    if known.domain:
        name = name.str.strip_suffix(f"@{known.domain.lower()}")
    return name.map_batches(known.resolved, return_dtype=pl.String) if len(known.aliases) else name


def canonical_name(account: str, names: Names | str | None) -> str:
    """The same for one name."""
    return str(pl.select(canonical(pl.lit(account), names)).item())
