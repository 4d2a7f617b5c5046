"""A short form of ``make chaos``."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.mail_log import write as write_log

from chaos.rotation import KINDS, Outcome, chaos, texts_of


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Two logs, each rotated once in each way, while their reader is killed."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    write_log(folder / "day", 20, seed=7, style="iso")
    return chaos(folder, texts_of(folder / "day", len(KINDS), seed=7), len(KINDS), seed=7)


def test_every_line_is_taken_in_once(outcome):
    """However a log is rotated, and wherever its reader dies: the store is that of one read in peace."""
    assert outcome.differences == []
    assert (outcome.lost, outcome.repeated) == (0, 0)


def test_the_reader_was_in_trouble(outcome):
    """Each way of rotating came up in both logs, readers died, and there was something to lose."""
    assert outcome.rotations == dict.fromkeys(KINDS, 2)
    assert outcome.kills["at random"] and outcome.kills["in a transaction"]
    assert outcome.events > 1000
    assert outcome.open_messages
