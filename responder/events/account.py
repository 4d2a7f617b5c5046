"""One name for each account, however the login was typed."""

from __future__ import annotations

import polars as pl


def canonical(account: pl.Expr, domain: str | None) -> pl.Expr:
    """Lower case, without ``+tag``, and without the site's own domain (``uid@example.org`` is ``uid``)."""
    name = account.str.to_lowercase().str.replace(r"\+[^@]*", "")
    return name.str.strip_suffix(f"@{domain.lower()}") if domain else name


def canonical_name(account: str, domain: str | None) -> str:
    """The same for one name."""
    return str(pl.select(canonical(pl.lit(account), domain)).item())
