"""A process that dies anywhere in a run, and what the next one makes of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Crash, Kit, steps

from responder.errors import ResponderError
from responder.runs.journal import Journal
from responder.runs.run import RunState, StepState

THREE = steps(
    "id: a, uses: test.note, with: {text: '{{ owner.name }}'}",
    "id: b, uses: test.slow_note, on_failure: continue",
    "id: c, uses: test.note, with: {text: '{{ steps.a.outputs.note }}'}",
)
EFFECTS = ["do uni-1-1-a", "do uni-1-1-b", "do uni-1-1-c"]


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> Iterator[list[int]]:
    """The journal's write number ``at`` kills the process, just before it is made or just after."""
    count = [0]
    with monkeypatch.context() as patch:
        for name in ("put", "learn", "turn"):
            original = getattr(Journal, name)

            def write(self: Journal, *arguments: Any, original: Any = original, **more: Any) -> Any:
                count[0] += 1
                if count[0] == at and not after:
                    raise Crash
                done = original(self, *arguments, **more)
                if count[0] == at:
                    raise Crash
                return done

            patch.setattr(Journal, name, write)
        yield count


def to_the_end(kit: Kit, run: int) -> None:
    """New processes go on with the run until there is nothing left to do."""
    for _ in range(10):
        if kit.restart().unfinished() != [run]:
            return
        kit.engine.advance(run)
        kit.clock.move(minutes=1)
    raise AssertionError("the run never ends")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_dying_at_a_write_of_the_journal_loses_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    """Whichever write the process dies at, every effect is there once."""
    kit = Kit()
    run = kit.start(THREE)
    with dying(monkeypatch, at, after=after), pytest.raises(Crash):
        kit.engine.advance(run)
    to_the_end(kit, run)
    assert sorted(kit.world.effects) == EFFECTS
    assert kit.engine.advance(run).state == RunState.DONE
    with kit.state.begin() as connection:
        assert kit.trail.broken_at(connection) is None


def test_the_crash_test_covers_every_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers above go as far as a run of these steps writes."""
    kit = Kit()
    run = kit.start(THREE)
    with dying(monkeypatch, 0, after=False) as count:
        kit.engine.advance(run)
    assert count[0] == 8


@pytest.mark.parametrize("trouble", ["crash before", "crash after"])
def test_dying_in_the_act_loses_and_repeats_nothing(trouble: str) -> None:
    """A process that dies while it acts leaves an intent, which is looked up."""
    kit = Kit()
    run = kit.start(THREE)
    kit.world.trouble = [trouble]
    with pytest.raises(Crash):
        kit.engine.advance(run)
    to_the_end(kit, run)
    assert kit.world.effects == EFFECTS


def test_dying_in_an_act_that_cannot_be_looked_up_leaves_it_uncertain() -> None:
    """It is not repeated; the other steps go on."""
    kit = Kit()
    run = kit.start(steps("id: a, uses: test.note, on_failure: continue", "id: b, uses: test.note"))
    kit.world.trouble, kit.world.blind = ["crash after"], True
    with pytest.raises(Crash):
        kit.engine.advance(run)
    progress = kit.restart().advance(run)
    assert [step.state for step in progress.steps] == [StepState.UNCERTAIN, StepState.DONE]
    assert [*EFFECTS[:1], "do uni-1-1-b"] == kit.world.effects


def test_a_system_that_cannot_be_asked_after_a_crash_is_asked_again() -> None:
    """The step stays begun until the system answers."""
    kit = Kit()
    run = kit.start(steps("id: a, uses: test.note"))
    kit.world.trouble = ["crash after"]
    with pytest.raises(Crash):
        kit.engine.advance(run)
    kit.world.down = True
    assert kit.restart().advance(run).steps[0].state == StepState.INTENT
    kit.world.down = False
    kit.clock.move(minutes=1)
    assert kit.engine.advance(run).state == RunState.DONE
    assert kit.world.effects == ["do uni-1-1-a"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_dying_while_taking_back_loses_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    """The undoing is journalled like the doing: each step is taken back once."""
    kit = Kit()
    run = kit.start(THREE)
    kit.engine.advance(run)
    with dying(monkeypatch, at, after=after), pytest.raises(Crash):
        kit.engine.undo(run, "ann")
    to_the_end(kit, run)
    if at == 1 and not after:
        kit.engine.undo(run, "ann")
    assert [f"un{effect}" for effect in reversed(EFFECTS)] == kit.world.effects[3:]
    assert kit.engine.advance(run).state == RunState.UNDONE


CLAIMING = """
import pathlib, sys, time
from responder.runs.claim import Claims
from responder.state.database import open_state
with Claims(open_state(pathlib.Path(sys.argv[1]))).claim(int(sys.argv[2])) as ours:
    print(ours, flush=True)
    time.sleep(float(sys.argv[3]))
"""


def _claiming(path: Path, run: int, seconds: float) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CLAIMING, str(path), str(run), str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_two_processes_do_not_work_on_one_run(tmp_path: Path) -> None:
    """Whoever comes second is told that the run is busy; another run is free."""
    path = tmp_path / "state.db"
    kit = Kit(path)
    run = kit.start(steps("id: a, uses: test.note"))
    with kit.engine._claims.claim(run) as ours:
        assert ours
        assert kit.engine.advance(run).busy
        with pytest.raises(ResponderError, match="is being worked on"):
            kit.engine.undo(run, "ann")
        assert [_claiming(path, each, 0).communicate()[0] for each in (run, 99)] == ["False\n", "True\n"]
    assert kit.engine.advance(run).state == RunState.DONE
    kit.state.dispose()


def test_a_person_waits_for_the_tick_that_works_on_the_run(tmp_path: Path) -> None:
    """An undo in the middle of a tick is done after it, not refused."""
    path = tmp_path / "state.db"
    kit = Kit(path)
    run = kit.start(steps("id: a, uses: test.note"))
    kit.engine.advance(run)
    engine = kit.restart(patience=30)
    with _claiming(path, run, 1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert kit.engine.advance(run).busy
        assert [each.state for each in engine.undo(run, "ann")] == ["done"]
    kit.state.dispose()


def test_a_claim_dies_with_its_process(tmp_path: Path) -> None:
    """A restart after a crash goes on at once."""
    path = tmp_path / "state.db"
    kit = Kit(path)
    run = kit.start(steps("id: a, uses: test.note"))
    with _claiming(path, run, 60) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert kit.engine.advance(run).busy
        other.kill()
    assert kit.engine.advance(run).state == RunState.DONE
    kit.state.dispose()
