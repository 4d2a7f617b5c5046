"""The other names of accounts, from what people's entries hold: none that could be somebody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Aliases:
    """``accounts``: the account of every other name; ``refused``: names that several of the ``entries`` claim.

    All are canonical: small letters, without ``+tag`` and without the site's own domain.
    """

    accounts: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    entries: int = 0


Claims = Iterable[tuple[list[str], list[str]]]
"""Of each entry its logins and its addresses, as they stand there."""

LONGEST = 254
"""Characters of an address (RFC 5321, 4.5.3.1.3, without the brackets)."""


def settled(claims: Claims, domain: str) -> Aliases:
    """Whose each name is. People may write some of these themselves, so no claim takes a name from anybody.

    A login is of the entry that has it, whoever else claims it; what two entries claim is of neither, and an
    account that two entries have gets no other names. What is no login or no address is passed over.
    """
    import polars as pl

    from responder.events.account import canonical

    rows: list[tuple[int, str, str, bool]] = []
    entry = 0
    for entry, (logins, addresses) in enumerate(claims, 1):
        if good := [each for each in logins if _is_login(each)]:
            rows += [(entry, good[0], each, True) for each in good]
            rows += [(entry, good[0], each, False) for each in addresses if _is_address(each)]
    columns = {"entry": pl.Int64, "account": pl.String, "name": pl.String, "is_login": pl.Boolean}
    col, name = pl.col, pl.col("name")  # an expression has a name of its own
    claimed = (
        pl.DataFrame(rows, schema=columns, orient="row")
        .with_columns(canonical(col("account", "name"), domain))
        .filter(col.account != "", name != "")
        .group_by("entry", "name")
        .agg(col.account.first(), col.is_login.any())
        .with_columns(rightful=col.is_login | ~col.is_login.any().over("name"))
        .with_columns(its=col.rightful & (col.rightful.sum().over("name") == 1))
    )
    own = claimed.filter(col.its & col.is_login)["name"].implode()
    given = claimed.filter(col.its, name != col.account, col.account.is_in(own))
    refused = claimed.filter(~col.its)["name"].unique().sort()
    return Aliases(dict(given.select("name", "account").iter_rows()), tuple(refused), entry)


def _is_plain(value: str) -> bool:
    """Whether it has no control character, space or byte that is no text, and is not too long."""
    return value.isprintable() and " " not in value and "\ufffd" not in value and 0 < len(value) <= LONGEST


def _is_login(value: str) -> bool:
    """Whether something is left of it without domain and tag."""
    return _is_plain(value) and value[0] not in "@+"


def _is_address(value: str) -> bool:
    _, _, domain = value.partition("@")
    return _is_login(value) and bool(domain) and not set("@+") & set(domain)
