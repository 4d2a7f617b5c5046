"""Reading playbooks: what is right, and everything that is wrong with its place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Kit

from responder.actions import build
from responder.errors import BadInputs
from responder.playbooks.playbook import load

PROJECT = Path(__file__).resolve().parents[2]
HEAD = "playbook: p\ndescription: d\nsteps:\n"
EVERY: dict[str, Any] = {"directory": object(), "ticket_desk": object(), "mail": object(), "sms": object()}
MESSAGE = {"en": {"subject.txt": "Hello {{ owner.name }}", "body.txt": "Text\n{{ case.account }}"}}


def problems(text: str, messages: dict[str, Any] | None = None) -> list[str]:
    """What is said about a playbook of the fake and the shipped actions."""
    kit = Kit()
    kit.actions |= build(EVERY)
    with pytest.raises(BadInputs) as caught:
        kit.playbook(text, messages)
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_playbook_is_right() -> None:
    """It loads with every system configured, and its messages are there in French and English."""
    file = PROJECT / "playbooks" / "contain-hijacked-account.yaml"
    playbook = load(file, build(EVERY), language="fr")
    assert [step.id for step in playbook.steps] == ["disable", "ticket", "tell_by_mail", "tell_by_sms"]
    assert set(playbook.messages["account-contained"]) == {"en", "fr"}
    assert playbook.hash == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_action_without_its_system_names_the_missing_entry() -> None:
    """The configuration, not the playbook, is what lacks something."""
    systems = {name: each for name, each in EVERY.items() if name != "sms"}
    file = PROJECT / "playbooks" / "contain-hijacked-account.yaml"
    with pytest.raises(BadInputs) as caught:
        load(file, build(systems), language="en")
    assert str(caught.value).startswith(f"{file}:")
    assert str(caught.value).endswith(
        "'notify.sms' needs 'sms:' under 'systems:' in the configuration; add it"
    )


def test_everything_wrong_is_said_at_once_with_its_place() -> None:
    """Shape, actions, parameters and names, in the order of the file."""
    text = (
        "playbook: Not A Name\n"
        "steps:\n"
        "  - id: one\n"
        "    uses: disable_account\n"
        "  - id: two\n"
        "    uses: test.note\n"
        "    with: {txt: a, number: many}\n"
        "  - id: two\n"
        "    uses: test.note\n"
        "    with: {text: '{{ onwer.name }} {{ owner.nam }}'}\n"
        "  - id: Four\n"
        "    uses: test.note\n"
        "    wen: x\n"
        "  - id: five\n"
        "    uses: notify.email\n"
        "    with: {to: '{{ owner.backup_address }}', subject: s}\n"
    )
    found = problems(text)
    assert [int(problem.split(":")[1]) for problem in found] == [1, 1, 4, 7, 7, 8, 10, 10, 11, 13, 16]
    assert "p.yaml:4:5: no action 'disable_account'; did you mean 'directory.disable_account'?" in found
    assert "p.yaml:7:12: steps.1.with.txt: unknown key; did you mean 'text'?" in found
    assert "p.yaml:8:5: step id 'two' is used twice; each step needs its own" in found
    assert "p.yaml:10:12: with.text: no name 'onwer'; did you mean 'owner'?" in found
    assert "p.yaml:10:12: with.text: owner has no 'nam'; did you mean 'name'?" in found
    assert "p.yaml:16:5: steps.4.with.text: is missing" in found


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            "uses: test.note, with: {text: '{{ steps.b.outputs.note }}'}",
            "with.text: step 'b' comes later; only earlier steps have outputs",
        ),
        (
            "uses: test.note, with: {text: '{{ steps.a.state }}'}",
            "with.text: step 'a' comes later;",
        ),
        (
            "uses: test.note, with: {text: '{{ case.account '}",
            "with.text: cannot be read: unexpected end of template",
        ),
        (
            "uses: test.note, with: {text: '{{ case.account | shuffle }}'}",
            "with.text: cannot be read: No filter named 'shuffle'",
        ),
        (
            "uses: test.note, with: {text: '{{ case.account.upper() }}'}",
            "with.text: call is not possible",
        ),
        (
            "uses: test.note, with: {text: '{% include \"x\" %}'}",
            "with.text: include is not possible",
        ),
        ("uses: test.note, with: {text: '{{ range(9) }}'}", "with.text: call is not possible"),
        ("uses: test.note, with: {text: '{{ 9 * 9 }}'}", "with.text: mul is not possible"),
        ("uses: test.note, when: 'case.account =='", "when: "),
        ("uses: test.note, when: 'not false'", "when: uses no name, so it is always the same; leave it out"),
        ("uses: test.note, when: 'case.accont'", "when: case has no 'accont'; did you mean 'account'?"),
        ("uses: test.note, on_failure: ignore", "steps.0.on_failure: input should be 'stop' or 'continue'"),
        ("uses: notify.email, with: {to: x@example.org, message: none}", "there is no message 'none'"),
    ],
)
def test_a_wrong_step_is_said_what_is_wrong(step: str, problem: str) -> None:
    """One problem, at the step's own line."""

    found = problems(f"{HEAD}  - {{id: a, {step}}}\n  - {{id: b, uses: test.note}}\n")
    assert any(each.split(": ", 1)[1].startswith(problem) for each in found), found
    assert {each.split(":")[1] for each in found} == {"4"}


def test_an_output_that_an_action_does_not_give_is_said_so() -> None:
    """The outputs of each action are known beforehand."""
    text = (
        f"{HEAD}  - {{id: a, uses: test.note}}\n  - {{id: b, uses: test.note, when: steps.a.outputs.nota}}\n"
    )
    assert problems(text) == ["p.yaml:5:30: when: steps.a.outputs has no 'nota'; did you mean 'note'?"]


def test_a_message_is_checked_in_every_language() -> None:
    """A wrong name is found at its line, a missing file and a missing language at the step."""
    text = f"{HEAD}  - {{id: a, uses: notify.email, with: {{to: a@example.org, message: m}}}}\n"
    wrong = {"fr": {"subject.txt": "s", "body.txt": "one\n{{ owner.nom }}"}, "de": {"subject.txt": "s"}}
    assert problems(text, {"m": wrong}) == [
        "messages/m/fr/body.txt:2: owner has no 'nom'; known: backup_address, language, mobile, name",
        "p.yaml:4:59: message 'm' has no folder 'en', the site's language",
        "p.yaml:4:59: message 'm' lacks de/body.txt",
    ]


def test_a_message_and_the_parameter_that_it_fills_in_exclude_each_other() -> None:
    """One of the two would be ignored."""
    text = f"{HEAD}  - {{id: a, uses: notify.email, with: {{to: a@example.org, message: m, subject: s}}}}\n"
    assert problems(text, {"m": MESSAGE}) == ["p.yaml:4:71: with.subject: 'message' fills it in; keep one"]


def test_a_file_that_is_no_playbook_is_said_so(tmp_path: Path) -> None:
    """A list, a missing file: one message with the file's name."""
    file = tmp_path / "list.yaml"
    file.write_text("- a\n")
    with pytest.raises(BadInputs, match=r"list\.yaml"):
        load(file, {}, language="en")
