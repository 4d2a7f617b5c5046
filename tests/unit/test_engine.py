"""Runs from their start to their end, with a fake system that does as told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_kit import SITE, Kit, steps

from responder.errors import AccountNotFound, NotFound, SystemUnreachable
from responder.runs.engine import Engine
from responder.runs.run import Progress, RunState, StepState

TWO = steps("id: a, uses: test.note, with: {text: one}", "id: b, uses: test.note, with: {text: two}")


@pytest.fixture
def kit() -> Kit:
    """A fresh world."""
    return Kit()


def states(progress: Progress) -> dict[str, str]:
    """The state of each step."""
    return {step.step: str(step.state) for step in progress.steps}


def test_a_run_does_each_step_once_in_order(kit: Kit) -> None:
    """Both steps are done, read back, and the run is over."""
    progress = kit.engine.advance(kit.start(TWO))
    assert kit.world.effects == ["do uni-1-1-a", "do uni-1-1-b"]
    assert progress.state == RunState.DONE
    assert progress.steps[0].outputs == {"note": "uni-1-1-a", "verified": True}


def test_advancing_a_finished_run_changes_nothing(kit: Kit) -> None:
    """A second advance has no effect and no audit record."""
    run = kit.start(TWO)
    first = kit.engine.advance(run)
    before = kit.tags()
    assert first == kit.engine.advance(run)
    assert before == kit.tags()
    assert kit.engine.unfinished() == []


def test_every_write_has_its_audit_record(kit: Kit) -> None:
    """Intent comes before done, each step in turn, and the chain holds."""
    kit.engine.advance(kit.start(TWO))
    step = ["run:step:intent", "run:step:done"]
    assert ["run:playbook:start", *step, *step, "run:playbook:done"] == kit.tags()
    with kit.state.begin() as connection:
        assert kit.trail.broken_at(connection) is None


def test_an_unknown_run_is_said_so(kit: Kit) -> None:
    """Asking for a run that is not there raises NotFound."""
    with pytest.raises(NotFound, match="no run 7"):
        kit.engine.advance(7)


def test_a_step_with_nothing_to_do_is_skipped_with_its_reason(kit: Kit) -> None:
    """A plan without changes ends the step with the plan's own note."""
    progress = kit.engine.advance(kit.start(steps("id: a, uses: test.note, with: {text: nothing}")))
    assert (progress.steps[0].state, progress.steps[0].reason) == (
        StepState.SKIPPED,
        "there is nothing to do",
    )
    assert progress.state == RunState.DONE


def test_a_condition_that_does_not_hold_skips_the_step(kit: Kit) -> None:
    """The reason repeats the condition."""
    text = steps("id: a, uses: test.note, when: \"case.account == 'other'\"")
    step = kit.engine.advance(kit.start(text)).steps[0]
    assert (step.state, step.reason) == (StepState.SKIPPED, "not so: case.account == 'other'")


def test_a_later_step_reads_what_an_earlier_one_gave(kit: Kit) -> None:
    """Outputs, the owner and the run's reference are filled in."""
    text = steps(
        "id: a, uses: test.note",
        "id: b, uses: test.note, with: {text: '{{ steps.a.outputs.note }} {{ owner.name }} {{ run.id }}'}",
    )
    kit.engine.advance(kit.start(text))
    assert kit.world.texts["uni-1-1-b"] == "uni-1-1-a Jo Roe 1"


def test_data_is_never_a_template(kit: Kit) -> None:
    """What an attacker wrote comes out as it went in, braces and all."""
    text = steps("id: a, uses: test.note, with: {text: '{{ case.summary }}'}")
    kit.engine.advance(kit.start(text, summary="{{ 7*7 }} {% raw %} {{ run.reference }}"))
    assert kit.world.texts["uni-1-1-a"] == "{{ 7*7 }} {% raw %} {{ run.reference }}"


def test_refusal_stops_the_run_unless_told_otherwise(kit: Kit) -> None:
    """The default is to stop, and the next step is not begun."""
    kit.world.trouble = ["refused"]
    run = kit.start(TWO)
    progress = kit.engine.advance(run)
    assert states(progress) == {"a": "failed"}
    assert (progress.state, kit.world.effects, kit.engine.unfinished()) == (RunState.STOPPED, [], [])


def test_refusal_lets_the_run_go_on_where_it_says_so(kit: Kit) -> None:
    """With on_failure: continue the other steps run and the run is incomplete."""
    kit.world.trouble = ["refused"]
    progress = kit.engine.advance(
        kit.start(steps("id: a, uses: test.note, on_failure: continue", "id: b, uses: test.note"))
    )
    assert states(progress) == {"a": "failed", "b": "done"}
    assert (progress.state, progress.steps[0].reason) == (RunState.INCOMPLETE, "fake: no")
    assert kit.engine.unfinished() == []


def test_unreachable_is_tried_again_after_the_pause(kit: Kit) -> None:
    """Nothing was done, so the step is begun again, once the pause is over and not before."""
    kit.world.trouble = ["unreachable"]
    run = kit.start(TWO)
    progress = kit.engine.advance(run)
    assert (progress.state, states(progress)) == (RunState.INCOMPLETE, {"a": "failed"})
    assert [run] == kit.engine.unfinished()
    assert states(kit.engine.advance(run)) == {"a": "failed"}
    kit.clock.move(minutes=1)
    assert states(kit.engine.advance(run)) == {"a": "done", "b": "done"}
    assert len(kit.world.effects) == 2


def test_unreachable_is_given_up_after_so_many_tries(kit: Kit) -> None:
    """The reason says how often it was tried, and nothing is left to do by itself."""
    kit.world.down = True
    run = kit.start(TWO)
    for _ in range(5):
        progress = kit.engine.advance(run)
        kit.clock.move(minutes=2)
    assert progress.steps[0].reason == "fake: not there; given up after 3 tries"
    assert (progress.state, kit.engine.unfinished()) == (RunState.STOPPED, [])


def test_an_outage_of_hours_is_sat_out_with_longer_and_longer_pauses(kit: Kit) -> None:
    """Twice as long each time, up to ten times the first, and one effect in the end."""
    kit.engine = Engine(
        kit.state, kit.actions, None, kit.trail, kit.clock, kit.switch, SITE, pause=timedelta(minutes=1)
    )
    run = kit.start(TWO)
    kit.world.down = True
    pauses = []
    for _ in range(29):
        again = kit.engine.advance(run).retry_at
        assert again is not None
        pauses.append((again - kit.clock.now()).total_seconds() / 60)
        kit.clock.time = again
    assert (pauses[:6], set(pauses[5:])) == ([1, 2, 4, 8, 10, 10], {10})
    assert sum(pauses) > 4 * 60
    kit.world.down = False
    assert kit.engine.advance(run).state == RunState.DONE
    assert len(kit.world.effects) == 2


def test_a_person_can_have_failed_steps_tried_again(kit: Kit) -> None:
    """After a refusal was mended, the run goes on from there; the audit says who asked."""
    kit.world.trouble = ["refused"]
    run = kit.start(TWO)
    kit.engine.advance(run)
    assert states(kit.engine.retry(run, "ann")) == {"a": "done", "b": "done"}
    assert [each.actor for each in kit.audit("run:playbook:running")] == ["ann"]
    assert kit.engine.retry(run, "ann").state == RunState.DONE
    assert len(kit.world.effects) == 2


def test_a_lost_answer_is_looked_up_at_once(kit: Kit) -> None:
    """What turns out to be done is done, once."""
    kit.world.trouble = ["lost after"]
    progress = kit.engine.advance(kit.start(TWO))
    assert (progress.state, len(kit.world.effects)) == (RunState.DONE, 2)


def test_a_lost_answer_that_was_not_done_is_repeated_at_the_next_advance(kit: Kit) -> None:
    """The look says that nothing was done, so it is done then."""
    kit.world.trouble = ["lost before"]
    run = kit.start(TWO)
    assert states(kit.engine.advance(run)) == {"a": "intent"}
    assert states(kit.engine.advance(run)) == {"a": "done", "b": "done"}
    assert len(kit.world.effects) == 2


def test_a_lost_answer_waits_until_it_can_no_longer_turn_up(kit: Kit) -> None:
    """Where a look may miss what was just done, nothing is repeated before that time is over."""
    kit.world.trouble = ["lost before"]
    run = kit.start(steps("id: a, uses: test.slow_note"))
    kit.engine.advance(run)
    kit.clock.move(seconds=29)
    assert states(kit.engine.advance(run)) == {"a": "intent"}
    kit.clock.move(seconds=1)
    assert states(kit.engine.advance(run)) == {"a": "done"}
    assert kit.world.effects == ["do uni-1-1-a"]


def test_what_cannot_be_looked_up_is_uncertain_and_never_repeated(kit: Kit) -> None:
    """A person is told by the state of the run and the audit; advancing again does nothing."""
    kit.world.trouble, kit.world.blind = ["lost after"], True
    run = kit.start(steps("id: a, uses: test.note, on_failure: continue", "id: b, uses: test.note"))
    progress = kit.engine.advance(run)
    assert states(progress) == {"a": "uncertain", "b": "done"}
    assert (progress.state, progress.steps[0].reason) == (
        RunState.INCOMPLETE,
        "fake: no answer; the fake tells nothing",
    )
    assert "run:step:uncertain" in kit.tags()
    kit.clock.move(days=1)
    kit.engine.advance(run)
    assert kit.world.effects == ["do uni-1-1-a", "do uni-1-1-b"]


def test_an_uncertain_step_is_done_once_a_look_says_so(kit: Kit) -> None:
    """A later look that can tell settles it."""
    kit.world.trouble, kit.world.blind = ["lost after"], True
    run = kit.start(steps("id: a, uses: test.note, on_failure: continue"))
    kit.engine.advance(run)
    kit.world.blind = False
    assert ((progress := kit.engine.advance(run)).state, states(progress)) == (RunState.DONE, {"a": "done"})


def test_a_world_that_moved_is_planned_anew(kit: Kit) -> None:
    """ChangedMeanwhile while doing leads to a new plan after the pause."""
    kit.world.trouble = ["changed"]
    run = kit.start(TWO)
    assert states(kit.engine.advance(run)) == {"a": "failed"}
    kit.clock.move(minutes=1)
    assert states(kit.engine.advance(run)) == {"a": "done", "b": "done"}


def test_a_bug_in_an_action_does_not_hold_up_the_others(kit: Kit) -> None:
    """An unexpected exception counts as a lost answer, and is looked up."""
    kit.world.trouble = ["bug after"]
    progress = kit.engine.advance(kit.start(TWO))
    assert (states(progress), len(kit.world.effects)) == ({"a": "done", "b": "done"}, 2)


def test_a_step_waits_for_the_one_that_its_condition_asks_about(kit: Kit) -> None:
    """While the first is still to be tried again the second has not ended, and the third goes on."""
    text = steps(
        "id: a, uses: test.note, on_failure: continue",
        "id: b, uses: test.note, when: steps.a.state == 'done', on_failure: continue",
        "id: c, uses: test.note, with: {text: 'a is {{ steps.a.state }}: {{ steps.a.reason }}'}",
    )
    kit.world.trouble = ["unreachable"]
    run = kit.start(text)
    assert states(kit.engine.advance(run)) == {"a": "failed", "c": "done"}
    assert kit.world.texts["uni-1-1-c"] == "a is failed: fake: not there"
    kit.clock.move(minutes=1)
    progress = kit.engine.advance(run)
    assert (progress.state, states(progress)) == (RunState.DONE, {"a": "done", "b": "done", "c": "done"})


def test_owner_facts_are_read_once_and_kept(kit: Kit) -> None:
    """A restart uses what was read at the start, though the directory says otherwise now."""
    text = steps("id: a, uses: test.note, with: {text: '{{ owner.name }}'}")
    kit.world.trouble = ["unreachable"]
    run = kit.start(text)
    kit.engine.advance(run)
    kit.people.fault = AccountNotFound("jroe", "directory")
    kit.clock.move(minutes=1)
    kit.restart().advance(run)
    assert (kit.world.texts["uni-1-1-a"], kit.people.asked) == ("Jo Roe", 1)


def test_an_owner_who_is_not_known_fails_only_the_steps_that_need_one(kit: Kit) -> None:
    """The others go on, and the reason says what is wrong."""
    kit.people.fault = AccountNotFound("jroe", "directory")
    text = steps(
        "id: a, uses: test.note, with: {text: '{{ owner.name }}'}, on_failure: continue",
        "id: b, uses: test.note",
    )
    progress = kit.engine.advance(kit.start(text))
    assert states(progress) == {"a": "failed", "b": "done"}
    assert (progress.steps[0].reason or "").startswith(
        "the owner is not known: directory: no entry for account"
    )


def test_an_owner_is_asked_for_again_once_the_directory_is_back(kit: Kit) -> None:
    """While it cannot be reached the step waits to be tried again."""
    kit.people.fault = SystemUnreachable("directory", "not there")
    run = kit.start(steps("id: a, uses: test.note, with: {text: '{{ owner.name }}'}"))
    assert kit.engine.advance(run).steps[0].reason == "directory: the owner is not known: not there"
    kit.people.fault = None
    kit.clock.move(minutes=1)
    assert states(kit.engine.advance(run)) == {"a": "done"}


def test_a_value_that_is_empty_fails_the_step_clearly(kit: Kit) -> None:
    """Nothing is ever written with None or a blank in the place of a name."""
    step = kit.engine.advance(
        kit.start(steps("id: a, uses: test.note, with: {text: '{{ case.summary }}'}"), summary=None)
    ).steps[0]
    assert (step.state, step.reason) == (StepState.FAILED, "text: a value is empty")


def test_the_kill_switch_leaves_the_run_as_it_is(kit: Kit) -> None:
    """Nothing is written while it is on; afterwards the run goes on."""
    run = kit.start(TWO)
    kit.switch.pause("ann", "looking into it")
    progress = kit.engine.advance(run)
    assert ([], RunState.RUNNING, [run]) == (kit.world.effects, progress.state, kit.engine.unfinished())
    assert "by ann (looking into it)" in (progress.paused or "")
    assert kit.switch.resume("ann")
    assert kit.engine.advance(run).state == RunState.DONE
    assert len(kit.world.effects) == 2


def test_the_kill_switch_holds_between_two_steps(kit: Kit) -> None:
    """It is asked before every write, not once for each run."""
    run = kit.start(steps("id: a, uses: test.note, with: {text: pause}", "id: b, uses: test.note"))
    apply = kit.actions["test.note"].apply

    def pausing(*arguments: object) -> object:
        kit.switch.pause("ann", "stop")
        return apply(*arguments)  # type: ignore[arg-type]  # handed on as they came

    kit.actions["test.note"].apply = pausing  # type: ignore[method-assign, assignment]  # for this test
    assert states(kit.engine.advance(run)) == {"a": "done"}
    assert kit.world.effects == ["do uni-1-1-a"]


def test_pausing_and_resuming_twice_is_as_once(kit: Kit) -> None:
    """The first pause stays; the second resume says that there was nothing to resume."""
    first = kit.switch.pause("ann", "a")
    assert first == kit.switch.pause("ben", "b")
    assert [kit.switch.resume("ann"), kit.switch.resume("ann")] == [True, False]
    assert kit.tags() == ["switch:writing:pause", "switch:writing:resume"]


def test_the_audit_names_nobody(kit: Kit) -> None:
    """Account, owner, addresses and numbers are masked in every detail, reasons included."""
    private = "{{ case.account }} {{ owner.name }} {{ owner.backup_address }} {{ owner.mobile }}"
    text = steps(f"id: a, uses: test.note, with: {{text: '{private}'}}")
    kit.engine.advance(kit.start(text))
    shown = str([record.detail for record in kit.audit()])
    for name in ("jroe", "Jo Roe", "jo@example.net", "+33639980001"):
        assert name not in shown
    assert "(account) (owner) j***@example.net +33*******01" in shown
