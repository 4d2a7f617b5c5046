"""The domain that somebody registered, of each mail domain: what ``mail.dept.example.co.uk`` belongs to."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def registrable(domains: pl.Series) -> pl.Series:
    """The registrable domain (public suffix list, its private part too), null where there is none.

    A name that is itself a public suffix, or no domain, stays as it is.
    """
    names = domains.str.to_lowercase().str.strip_chars_end(".")
    deep = names.str.count_matches(".", literal=True) > 1  # the others are their own, or a suffix themselves
    each = names.filter(deep).unique()
    if not len(each):
        return names
    found = pl.Series([_registrable(name) for name in each.to_list()], dtype=pl.String)
    return names.replace(each, found)


def ready() -> None:
    """Loads the list now, a twentieth of a second's work, in place of when it is first needed."""
    _suffixes()


@lru_cache(200_000)
def _registrable(name: str) -> str:
    if name.startswith("["):  # an address, not a name
        return name
    return _suffixes().privatesuffix(name) or name


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
