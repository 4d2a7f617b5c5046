"""Damaged lines by the million: no parser falls over, and no event names an account that its line does not.

``python -m tests.fuzz.fuzz --lines 1000000`` takes the lines of all cases (and of the shared corpora, where they
are), damages them and has each format read them; the seed that it prints makes the same run again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from responder.events.lives import join, nothing_open, with_open
from responder.formats import format_named, formats, together
from responder.formats.format import Format
from responder.sources.lines import Lines, cut, located

TESTS = Path(__file__).resolve().parents[1]
RUN = 2000
"""Lines that are read at once."""

PIECES = (
    b"sasl_username=victim", b"A=plain:victim", b"user=<victim>", b"authid=victim", b"[203.0.113.9]", b": ", b", ",
    b'"', b"<", b">", b"(", b")", b"]: ", b"[", b"\\", b"\r", b"\0", b"\xff\xfe", b"\xc3", b"\xe2\x80\xa8", b"#012",
    b"\x1b[2J", b"%s", b"{{ 7 }}", b"{", b"}", b"status=sent", b"Completed", b"removed", b"9" * 30, b"-1", b"x" * 9000,
)  # fmt: skip
"""What is put into lines: marks of every format, and what parsers trip over."""


TOLD_BEFORE = {"opensmtpd", "sendmail"}
"""Formats whose message line does not name the account: a line of the same session before it does."""


@dataclass(frozen=True)
class Found:
    """A line that was read wrongly, and how."""

    format_: str
    seed: int
    what: str


def seeds() -> list[bytes]:
    """The lines of all cases, and of the corpora where they are."""
    lines: list[str] = []
    for file in sorted((TESTS / "cases/formats").glob("*/*.yaml")):
        lines += [line for case in YAML(typ="safe").load(file) for line in case["lines"]]
    shared = Path(os.environ.get("RESPONDER_SHARED") or TESTS.parents[1] / "shared")
    for file in sorted((shared / "corpora").glob("*.log")) + sorted((shared / "corpora").glob("*.csv")):
        lines += file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [line.encode("utf-8", "surrogateescape") for line in dict.fromkeys(lines) if len(line) < 4000]


def damaged(line: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The line with up to four wounds."""
    for _ in range(chance.randrange(5)):
        at, to = sorted((chance.randrange(len(line) + 1), chance.randrange(len(line) + 1)))
        match chance.randrange(6):
            case 0:
                line = line[:at] + chance.choice(PIECES) + line[at:]
            case 1:
                line = line[:at] + line[to:]
            case 2:
                line = line[:at]
            case 3:
                line = line[:at] + line[at:to] * 2 + line[to:]
            case 4:
                line = line[:at] + bytes([chance.randrange(256)]) + line[at + 1 :]
            case _:
                other = chance.choice(others)
                line = line[:at] + other[chance.randrange(len(other) + 1) :]
    return line.replace(b"\n", b" ")


def wrong(format_: Format, lines: list[bytes]) -> Iterator[str]:
    """What is wrong with how a format reads some lines."""
    data = b"".join(line + b"\n" for line in lines)
    text, troubles = cut(data, len(data))
    found = located(troubles, "fuzz", 1)
    now = datetime(2025, 11, 24, 12, tzinfo=UTC)
    run = Lines("fuzz", 1, text, now, ZoneInfo("Europe/Paris"), keep_text=True, problems=found)
    try:
        parsed = format_.parse(run)
        part, _ = with_open(join(parsed, "fuzz", None), nothing_open())
        part.flat()
    except Exception as error:
        yield f"{type(error).__name__}: {str(error)[:300]}"
        return
    everything = text.str.join("").item().lower()
    for kind, frame in (("start", parsed.starts), ("login", parsed.logins)):
        for account, said in frame.select("account", "text").iter_rows():
            where = everything if TOLD_BEFORE & set(format_.name.split("+")) else said.lower()
            if account is not None and not _names(account, where):
                yield f"a {kind} of {account!r}, who is not in the line {said!r}"


def _names(account: str, where: str) -> bool:
    """Whether the account stands in the text, as it is or as JSON writes it."""
    return any(form.lower() in where for form in (account, json.dumps(account, ensure_ascii=False)[1:-1]))


def fuzz(count: int, seed: int, progress: bool = False) -> Iterator[Found]:
    """Reads ``count`` damaged lines, with each format in turn and with all of them together."""
    chance, sound = random.Random(seed), seeds()
    mapped = format_named("mapped:how-to/postfix-ecs.yaml", TESTS.parent / "docs")
    every = [*formats().values(), mapped, together(list(formats().values()))]
    for number in range(-(-count // RUN)):
        lines = [damaged(chance.choice(sound), sound, chance) for _ in range(RUN)]
        for format_ in every if number % 10 == 0 else [every[number % len(every)]]:
            yield from (Found(format_.name, seed, what) for what in wrong(format_, lines))
        if progress and number % 50 == 49:
            print(f"{(number + 1) * RUN} lines", file=sys.stderr, flush=True)


def main() -> int:
    """Runs as the command line says; 1 when something was read wrongly."""
    parser = argparse.ArgumentParser(description="Read damaged log lines.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    count = 0
    for found in fuzz(options.lines, options.seed, progress=True):
        print(f"{found.format_}: {found.what}")
        count += 1
    print(f"{options.lines} lines, {count} read wrongly")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
