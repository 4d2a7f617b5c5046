"""Taking a run back."""

from __future__ import annotations

import pytest
from engine_kit import Crash, Kit, steps

from responder.errors import WritingPaused
from responder.runs.run import RunState, StepResult

TWO = steps("id: a, uses: test.note, with: {text: one}", "id: b, uses: test.note, with: {text: two}")


@pytest.fixture
def kit() -> Kit:
    """A fresh world."""
    return Kit()


def told(results: list[StepResult]) -> list[tuple[str, str, str | None]]:
    """What came of each step."""
    return [(each.step, str(each.state), each.reason) for each in results]


def test_steps_are_taken_back_in_reverse(kit: Kit) -> None:
    """The last done is the first undone, and the audit says by whom."""
    run = kit.start(TWO)
    kit.engine.advance(run)
    assert told(kit.engine.undo(run, "ann")) == [("b", "done", None), ("a", "done", None)]
    assert kit.world.effects[2:] == ["undo uni-1-1-b", "undo uni-1-1-a"]
    assert {"ann"} == {each.actor for each in kit.audit("run:step") if each.detail["direction"] == "undo"}
    assert kit.engine.advance(run).state == RunState.UNDONE


def test_taking_back_twice_changes_nothing_more(kit: Kit) -> None:
    """The second time gives the same answer, no effect and no audit record."""
    run = kit.start(TWO)
    kit.engine.advance(run)
    first = kit.engine.undo(run, "ann")
    tags, effects = kit.tags(), list(kit.world.effects)
    assert first == kit.engine.undo(run, "ben")
    assert (tags, effects) == (kit.tags(), kit.world.effects)


def test_what_somebody_changed_is_kept(kit: Kit) -> None:
    """The reason says what was found, and the run counts as undone."""
    run = kit.start(TWO)
    kit.engine.advance(run)
    kit.world.changed = True
    reason = "fake: the note was rewritten; it is left as it is"
    assert [("b", "kept", reason), ("a", "kept", reason)] == told(kit.engine.undo(run, "ann"))
    assert kit.engine.advance(run).state == RunState.UNDONE


def test_what_cannot_be_taken_back_is_skipped(kit: Kit) -> None:
    """A step without an undo says so."""
    run = kit.start(steps("id: a, uses: test.note, with: {text: for good}"))
    kit.engine.advance(run)
    assert told(kit.engine.undo(run, "ann")) == [("a", "skipped", "cannot be taken back")]


def test_a_step_that_did_nothing_has_nothing_to_take_back(kit: Kit) -> None:
    """Skipped and failed steps are left alone."""
    run = kit.start(steps("id: a, uses: test.note, with: {text: nothing}", "id: b, uses: test.note"))
    kit.world.trouble = ["refused"]
    kit.engine.advance(run)
    reason = "nothing was done, so there is nothing to take back"
    assert [("b", "skipped", reason), ("a", "skipped", reason)] == told(kit.engine.undo(run, "ann"))


def test_taking_back_goes_on_when_the_system_is_back(kit: Kit) -> None:
    """A step that could not be reached is tried again by advance; the others are taken back meanwhile."""
    run = kit.start(TWO)
    kit.engine.advance(run)
    kit.world.trouble = ["unreachable"]
    assert told(kit.engine.undo(run, "ann")) == [("b", "failed", "fake: not there"), ("a", "done", None)]
    assert [run] == kit.engine.unfinished()
    kit.clock.move(minutes=1)
    assert kit.restart().advance(run).state == RunState.UNDONE
    assert kit.world.effects[2:] == ["undo uni-1-1-a", "undo uni-1-1-b"]


def test_a_refused_step_is_tried_again_when_a_person_asks(kit: Kit) -> None:
    """Advance leaves it; a second undo does not."""
    run = kit.start(steps("id: a, uses: test.note"))
    kit.engine.advance(run)
    kit.world.trouble = ["refused"]
    assert told(kit.engine.undo(run, "ann")) == [("a", "failed", "fake: no")]
    assert (kit.engine.advance(run).state, kit.engine.unfinished()) == (RunState.INCOMPLETE, [])
    assert told(kit.engine.undo(run, "ben")) == [("a", "done", None)]


def test_nothing_is_taken_back_while_writing_is_paused(kit: Kit) -> None:
    """The kill switch holds here too."""
    run = kit.start(TWO)
    kit.engine.advance(run)
    kit.switch.pause("ann", "stop")
    with pytest.raises(WritingPaused):
        kit.engine.undo(run, "ann")
    assert (len(kit.world.effects), kit.engine.advance(run).state) == (2, RunState.DONE)


def test_a_run_in_the_middle_is_taken_back_and_not_gone_on_with(kit: Kit) -> None:
    """What was begun is looked up; what was not begun never is."""
    run = kit.start(TWO)
    kit.world.trouble = ["crash after"]
    with pytest.raises(Crash):
        kit.engine.advance(run)
    assert told(kit.restart().undo(run, "ann")) == [("a", "done", None)]
    kit.engine.advance(run)
    assert kit.world.effects == ["do uni-1-1-a", "undo uni-1-1-a"]


def test_what_may_have_been_done_is_left_to_a_person(kit: Kit) -> None:
    """An uncertain step is neither taken back nor forgotten."""
    run = kit.start(steps("id: a, uses: test.note"))
    kit.world.trouble, kit.world.blind = ["lost after"], True
    kit.engine.advance(run)
    [result] = kit.engine.undo(run, "ann")
    assert result.state == "uncertain"
    assert (result.reason or "").startswith("it is not known whether this was done")
    assert kit.engine.advance(run).state == RunState.INCOMPLETE


def test_an_undo_that_cannot_be_looked_up_is_uncertain(kit: Kit) -> None:
    """Its answer was lost and nothing can tell; it is not repeated."""
    run = kit.start(steps("id: a, uses: test.note"))
    kit.engine.advance(run)
    kit.world.trouble, kit.world.blind = ["lost after"], True
    assert kit.engine.undo(run, "ann")[0].state == "uncertain"
    kit.engine.undo(run, "ann")
    assert kit.world.effects[1:] == ["undo uni-1-1-a"]
