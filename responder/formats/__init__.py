"""Log formats: each file here that has a ``FORMAT`` is one, found without a list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import polars as pl

from responder.errors import BadInput, BadInputs
from responder.formats.format import Format, Parsed
from responder.site.suggest import did_you_mean
from responder.sources.lines import Lines


@cache
def formats() -> dict[str, Format]:
    """Every format by its name."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if format_ := getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None):
            found[format_.name] = format_
    return found


def together(several: Sequence[Format]) -> Format:
    """One format for lines of several, such as those of a whole mail system in one file."""
    if len(several) == 1:
        return several[0]

    def parse(lines: Lines) -> Parsed:
        each = [format_.parse(lines) for format_ in several]
        problems = tuple(dict.fromkeys(problem for one in each for problem in one.problems))
        return Parsed(
            pl.concat([one.starts for one in each]).sort("line"),
            pl.concat([one.ends for one in each]).sort("line"),
            pl.concat([one.deliveries for one in each]).sort("line"),
            pl.concat([one.logins for one in each]).sort("line"),
            pl.concat([one.links for one in each]).sort("line"),
            problems,
            next((one.noted for one in each if one.noted is not None), None),
        )

    return Format(
        "+".join(format_.name for format_ in several),
        " and ".join(format_.title for format_ in several),
        lambda sample: any(format_.recognises(sample) for format_ in several),
        parse,
        before="|".join(f"(?:{format_.before})" for format_ in several if format_.before),
    )


MAPPED = "mapped:"
"""What stands before the path of a mapping for JSON lines."""


def format_named(name: str, folder: Path = Path()) -> Format:
    """The format of that name, or of several with ``+`` between them; raises BadInputs with what is known.

    ``mapped:PATH``, alone or as the last one, is a mapping; its path counts from ``folder``.
    """
    named, mapped, path = name.partition(MAPPED)
    names = named.removesuffix("+").split("+") if named or not mapped else []
    known = [*formats(), MAPPED]
    wrong = [
        BadInput(f"no log format '{one}'{did_you_mean(one, known)}") for one in names if one not in formats()
    ]
    if wrong:
        raise BadInputs(wrong)
    several = [formats()[one] for one in names]
    if mapped:
        from responder.formats.mapped.reader import read_mapping

        several.append(read_mapping(folder / path))
    return together(several)
