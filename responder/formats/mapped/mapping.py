"""A mapping: where the JSON lines of a log shipper have what we read, written in YAML."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import polars as pl
from polars.exceptions import PolarsError
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from responder.site.config import Zone
from responder.site.yaml import Written

Keys = tuple[str, ...]
"""The keys that lead to a value."""

PART = r'(?:"[^"]+"|[^".\s]+)'
PATH = re.compile(rf"{PART}(?:\.{PART})*")
EPOCHS = {"seconds": 1_000_000, "milliseconds": 1000, "microseconds": 1}
"""Units of times that count from 1970, in microseconds."""

Fate = Literal["sent", "deferred", "bounced", "expired", "deliverable", "undeliverable"]
"""What can have become of a recipient."""


def keys(path: str) -> Keys:
    """The keys of a path such as ``source.ip``; one with dots in it stands in quotation marks: ``"source.ip"``."""
    if not PATH.fullmatch(path):
        raise ValueError("a path of keys, such as source.ip")
    return tuple(part.strip('"') for part in re.findall(PART, path))


def _paths(value: Any) -> tuple[Keys, ...]:
    """The paths of a field: one, or a list of those that are tried in turn."""
    several = value if isinstance(value, list) and value else [value]
    if not all(isinstance(each, str) for each in several):
        raise ValueError("a path of keys, such as source.ip, or a list of them")
    return tuple(keys(each) for each in several)


def _texts(value: Any) -> tuple[str, ...]:
    """The values of a condition as texts: ``true`` and 25 are as JSON writes them."""
    several = value if isinstance(value, list) and value else [value]
    if not all(isinstance(each, str | int | float) for each in several):
        raise ValueError("a text, a number, true or false, or a list of them")
    return tuple(
        str(each).lower()
        if isinstance(each, bool)
        else repr(each).removesuffix(".0")
        if isinstance(each, float)
        else str(each)
        for each in several
    )


def _path(value: str) -> str:
    keys(value)
    return value


def _form(value: str) -> str:
    if value == "iso" or value in EPOCHS:
        return value
    moment = pl.Series([datetime(2025, 11, 24, 8, 0, 1)])  # noqa: DTZ001  # as Polars has them
    try:
        again = moment.dt.replace_time_zone("UTC").dt.strftime(value).str.to_datetime(value, time_unit="us")
    except PolarsError:
        again = None
    if again is None or "%s" in value or not again.dt.replace_time_zone(None).equals(moment):
        raise ValueError(
            f"iso, {', '.join(EPOCHS)}, or a pattern of a whole time, such as %d/%m/%Y %H:%M:%S or with %z"
        )
    return value


Paths = Annotated[tuple[Keys, ...], BeforeValidator(_paths)]
Path_ = Annotated[str, AfterValidator(_path)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
When = Annotated[dict[Path_, Texts], Field(min_length=1)]
"""What a line must say, all of it: paths, and the value or the values that may stand there."""


class Time(Written):
    """Where the time stands, and how it is written; ``zone`` is that of times without one."""

    field: Paths
    form: Annotated[str, AfterValidator(_form)] = "iso"
    zone: Zone | None = None


class Outcome(Written):
    """What became of a recipient: a field, and what each of its values means."""

    field: Paths
    values: dict[str, Fate] = Field(default={each: each for each in typing.get_args(Fate)}, min_length=1)


class Success(Written):
    """Whether a login succeeded: a field, and what each of its values means."""

    field: Paths
    values: dict[str, bool] = Field(default={"true": True, "false": False}, min_length=1)


class Submission(Written):
    """An account hands in a message."""

    when: When
    account: Paths
    queue_id: Paths
    client_ip: Paths = ()


class Delivery(Written):
    """What became of one recipient of a message."""

    when: When
    queue_id: Paths
    recipient: Paths
    original: Paths = ()
    outcome: Outcome
    dsn: Paths = ()


class Login(Written):
    """Somebody tried to log in."""

    when: When
    success: Success
    account: Paths = ()
    client_ip: Paths = ()


class End(Written):
    """A message leaves the queue."""

    when: When
    queue_id: Paths


class Mapping(Written):
    """Where the JSON lines of a log shipper have what we read."""

    time: Time
    host: Paths = ()
    submissions: list[Submission] = []
    deliveries: list[Delivery] = []
    logins: list[Login] = []
    ends: list[End] = []

    @property
    def rules(self) -> list[Submission | Delivery | Login | End]:
        """The rules of every kind."""
        return [*self.submissions, *self.deliveries, *self.logins, *self.ends]

    @property
    def paths(self) -> list[Keys]:
        """Every path that is read, once."""
        found = [*self.time.field, *self.host]
        for rule in self.rules:
            found += [*_read_by(rule), *map(keys, rule.when)]
        return list(dict.fromkeys(found))

    @model_validator(mode="after")
    def _consistent(self) -> Mapping:
        if not self.rules:
            raise ValueError("has no submissions, deliveries, logins or ends; without them nothing is read")
        for path in self.paths:
            for other in self.paths:
                if path != other and other[: len(path)] == path:
                    raise ValueError(
                        f"{'.'.join(path)} cannot be a value and have {'.'.join(other)} in it; keep one of them"
                    )
        return self


def _read_by(rule: Written) -> Iterator[Keys]:
    """The paths of a rule's fields."""
    for name in type(rule).model_fields:
        value = getattr(rule, name)
        if isinstance(value, Outcome | Success):
            yield from value.field
        elif isinstance(value, tuple):
            yield from value
