"""Runs ``responder serve`` as it is, but for a death at a chosen moment and shorter pauses.

``python serve_and_die.py [--journal N | --act NAME | --start | --statement N] [--when before|after] -- ARGUMENTS``
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

from responder.actions import discover
from responder.cli.app import main
from responder.events.store import DuckDBStore
from responder.runs.engine import Engine
from responder.runs.journal import Journal

WRITES = ("put", "learn", "turn")
"""The methods of the journal that commit a transaction of their own."""


def die(*_: Any) -> NoReturn:
    """As a loss of power: nothing is closed and nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit  # not reached


def dying(original: Callable[..., Any], now: Callable[[], bool], when: str) -> Callable[..., Any]:
    """``original``, at whose call that ``now`` picks the process dies just before or just after it."""

    def call(*arguments: Any, **more: Any) -> Any:
        chosen = now()
        if chosen and when == "before":
            die()
        answer = original(*arguments, **more)
        if chosen:
            die()
        return answer

    return call


def die_at_write(number: int, when: str) -> None:
    """Dies at the journal's commit of that number, counted over all runs."""
    count = 0

    def now() -> bool:
        nonlocal count
        count += 1
        return count == number

    for name in WRITES:
        setattr(Journal, name, dying(getattr(Journal, name), now, when))


def die_in_act(name: str, when: str) -> None:
    """Dies where an action makes its change."""
    action: Any = discover()[name]
    action.apply = dying(action.apply, lambda: True, when)


def die_at_statement(number: int) -> None:
    """Dies before that statement, of those by which the store takes in what was read."""
    count, adding = 0, False
    add, do = DuckDBStore.add, DuckDBStore._do

    def counted_do(self: DuckDBStore, *arguments: Any) -> Any:
        nonlocal count
        count += adding and not str(arguments[0]).lstrip().upper().startswith("SELECT")
        if adding and count == number:
            die()
        return do(self, *arguments)

    def counted_add(self: DuckDBStore, *arguments: Any) -> int:
        nonlocal adding
        with self._lock:  # nobody else's statements are counted
            adding = True
            try:
                return add(self, *arguments)
            finally:
                adding = False

    store: Any = DuckDBStore
    store._do, store.add = counted_do, counted_add


def shorten(settles: float, pause: float) -> None:
    """Shortens what the engine waits for, so that a test need not.

    ``settles``: how long after an act whose answer was lost a look may still miss what it did; shipped are
    30 s for a ticket and 60 s for a text. ``pause``: the time before the second try; shipped is a minute.
    """
    for action in discover().values():
        if action.settles:
            action.settles = timedelta(seconds=settles)
    defaults = Engine.__init__.__kwdefaults__
    assert defaults is not None
    defaults["pause"] = timedelta(seconds=pause)


def run() -> None:
    """Reads the command line up to ``--``, arranges the death, and hands the rest to responder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=int)
    parser.add_argument("--act")
    parser.add_argument("--start", action="store_true", help="in the transaction that begins a run")
    parser.add_argument("--statement", type=int)
    parser.add_argument("--when", choices=("before", "after"), default="after")
    parser.add_argument("--settles", type=float, default=1.0)
    parser.add_argument("--pause", type=float, default=1.0)
    end = sys.argv.index("--")
    options = parser.parse_args(sys.argv[1:end])
    shorten(options.settles, options.pause)
    if options.journal is not None:
        die_at_write(options.journal, options.when)
    if options.act is not None:
        die_in_act(options.act, options.when)
    if options.statement is not None:
        die_at_statement(options.statement)
    if options.start:
        method: Any = dying(Journal.start, lambda: True, options.when)
        Journal.start = method  # type: ignore[method-assign]
    sys.argv[1:] = sys.argv[end + 1 :]
    main()


if __name__ == "__main__":
    run()
