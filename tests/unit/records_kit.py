"""What outsiders may try to write into fields of exports, for the formats that read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import polars as pl
from hypothesis import strategies as st
from reading import SITE, joined, run_of

from responder.events.account import canonical_name
from responder.formats.format import Format

HUNDRED_KILOBYTES = "victim@example.org," * 5300

anything = st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), max_size=60)


def payloads(line: str) -> dict[str, str]:
    """Texts for a field; ``line`` is one that says that victim@example.org did something."""
    return {
        "line": line,
        "line after a quotation mark": f'x"{line}',
        "line after a quotation mark and comma": f'x",{line},"',
        "line after quotation marks": f'""{line}""',
        "line after a carriage return": f"x\r{line}",
        "line after a line feed, escaped": f"x#012{line}",
        "line after a line feed, in words": f"x\\n{line}",
        "line after U+2028": f"x\u2028{line}",
        "line after U+2029": f"x\u2029{line}",
        "line after U+0085": f"x\u0085{line}",
        "line after a vertical tab": f"x\x0b{line}",
        "line after separators": f"x\x1c\x1d\x1e{line}",
        "name": "victim@example.org",
        "names": "victim@example.org;victim@example.org",
        "commas": ",,,,victim@example.org,victim@example.org,,,,",
        "semicolons": ";;;",
        "quotation mark": '"',
        "quotation marks": '"",""',
        "brackets": "]}]}[{[{",
        "end of an object": '"},{"SenderAddress":"victim@example.org',
        "end of a status": "};{LED=250 2.0.0 ok};{FQDN=};{IP=}];[{LRT=};{LED=250 2.0.0",
        "number sign": "#Fields: date-time,sender-address",
        "backslash": "\\",
        "backslash and quotation mark": '\\"',
        "terminal escapes": f"\x1b[2K\x1b]0;x\x07{line}",
        "format letters": "%s%n%d%(account)s%%",
        "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
        "wrong direction": "\u202evictim@example.org\u202c",
        "replacement character": "\ufffdvictim@example.org",
        "byte order mark": "\ufeffvictim@example.org",
        "nothing": "",
        "spaces": "   ",
        "null sender": "<>",
        "twenty kilobytes": line * 40,
    }


def csv_line(fields: list[str]) -> str:
    """A line of comma-separated values, as RFC 4180 wants it quoted."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()


def found(format_: Format, *lines: str) -> pl.DataFrame:
    """The joined events of lines."""
    return joined(format_.parse(run_of(*lines)))


def accused(events: pl.DataFrame) -> set[str]:
    """Whom the events say to have sent or to have logged in."""
    guilty = events.filter((pl.col("kind") != "login") | pl.col("success"))
    return {canonical_name(name, SITE) for name in guilty["account"].drop_nulls()}


@cache
def _alone(format_: Format, own: tuple[str, ...]) -> pl.DataFrame:
    return found(format_, *own)


def silent(format_: Format, own: list[str], lines: Iterable[str]) -> None:
    """Whatever the lines hold, mallory's own events are as they were, and nobody else is accused."""
    before = _alone(format_, tuple(own))
    after = found(format_, *own[:-1], *lines, own[-1])
    assert accused(before) == {"mallory"}
    assert accused(after) == {"mallory"}
    mine = pl.col("account") == "mallory"
    assert after.filter(mine).drop("line").equals(before.filter(mine).drop("line"))


def records_of(file: Path, name: str) -> list[dict[str, object]]:
    """The records of ``expected.jsonl`` or ``index.jsonl`` about one file."""
    with file.open(encoding="utf-8") as lines:
        return [record for line in lines if (record := json.loads(line))["file"] == name]
