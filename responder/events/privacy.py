"""What is done to recipients before anything is kept or shown."""

from __future__ import annotations

import hashlib

import polars as pl

ADDRESS = r"[^\s<>@,;:()\"]+@"
QUOTED = r'"(?:[^"\\]|\\.)*"@'
FIELD = r'((?:orig_)?to=<)(?:(?:"(?:[^"\\]|\\.)*"|[^@>"])*@|[^>]*@)'
NO_DOMAIN = r"((?:orig_)?to=<)[^@>]+>"
"""The local parts of mail addresses, for taking them out of a log line."""

PASSWORD = r"(?i)((?:given password|password given|passwd|password)s?(?: was)?[:=] ?).*"
"""A password that a daemon was told to log, whatever stands in it: all that follows in the line goes."""

NAMES = (r'\sto=<"((?:[^"\\]|\\.){3,})"@', r'\sto=<"?([^@">]{3,})')
"""The recipient's local part, which a server's reply may name without its domain; not if shorter, as any
word of the reply may hold it."""


def hashed(recipients: pl.Series, key: bytes) -> pl.Series:
    """Recipients as 64-bit keyed hashes (BLAKE2b), null where there is none."""
    if recipients.null_count() == len(recipients):
        return pl.Series(recipients.name, [None] * len(recipients), pl.UInt64)
    each = recipients.drop_nulls().unique()
    codes = [
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key[:64]).digest(), "big")
        for text in each.to_list()
    ]
    return recipients.replace_strict(
        each, pl.Series(codes, dtype=pl.UInt64), default=None, return_dtype=pl.UInt64
    )


def without_recipients(text: pl.Series, kind: pl.Series) -> pl.Series:
    """Log lines of deliveries with the local part of every address, and that name in the reply, left out."""
    masked = pl.col("text").str.replace_all(FIELD, "${1}***@").str.replace_all(NO_DOMAIN, "${1}***>")
    masked = masked.str.replace_all(QUOTED, "***@").str.replace_all(ADDRESS, "***@")
    lines = pl.DataFrame({"text": text, "kind": kind}).select(
        "text",
        "kind",
        name=pl.coalesce(pl.col("text").str.extract(name) for name in NAMES),
        parts=masked.str.splitn(", status=", 2),
    )
    before, reply = pl.col("parts").struct[0], pl.col("parts").struct[1]
    status = reply.str.extract("^([a-z-]*)", 1)  # the agent's own word, whatever the name
    reply = reply.str.slice(status.str.len_chars())
    reply = (
        pl.when(pl.col("name").is_null())
        .then(reply)
        .otherwise(reply.str.split(pl.col("name")).list.join("***"))
    )
    return lines.select(
        pl.when(pl.col("kind") == "delivery")
        .then(pl.when(reply.is_null()).then(before).otherwise(before + ", status=" + status + reply))
        .otherwise("text")
        .str.strip_chars_end("\r\n")
        .alias("text")
    ).to_series()


def without_secrets(text: pl.Series) -> pl.Series:
    """Log lines with passwords that were logged, and what follows them, left out."""
    return text.str.replace(PASSWORD, "${1}***")


def shown(text: pl.Series) -> pl.Series:
    """Log lines fit for showing to an operator: without passwords and without the local part of any address."""
    return without_secrets(text).str.replace_all(QUOTED, "***@").str.replace_all(ADDRESS, "***@")
