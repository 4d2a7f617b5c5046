"""What README and documentation say is true: examples load, commands and options exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from responder.actions import discover
from responder.bootstrap import build
from responder.cli.app import app
from responder.decisions.policy import load_policy
from responder.detections.detection import load_detections
from responder.errors import BadInput
from responder.playbooks.playbook import load as load_playbook
from responder.site.config import load_config
from responder.site.shipped import shipped

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "README.md"
DOCUMENTS = [
    README,
    PROJECT / "CHANGELOG.md",
    *sorted(PROJECT.glob("docs/**/*.md")),
    *sorted(PROJECT.glob("deploy/**/*.md")),
]
SECRETS = (
    "RESPONDER_LDAP_PASSWORD",
    "RESPONDER_RT_TOKEN",
    "RESPONDER_SMTP_PASSWORD",
    "RESPONDER_TWILIO_TOKEN",
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def fences(document: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    found = FENCE.findall(document.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def examples(tag: str) -> list[Any]:
    """The YAML examples with this tag in their first line, each with where it stands."""
    return [
        pytest.param(text, id=f"{document.relative_to(PROJECT)}-{number}")
        for document in DOCUMENTS
        for number, text in enumerate(fences(document, "yaml"))
        if text.split("\n", 1)[0] == f"# {tag}"
    ]


def commands_in(document: Path) -> list[list[str]]:
    """Every ``responder ...`` of code spans and shell blocks, as words."""
    text = document.read_text(encoding="utf-8")
    lines = [line for block in fences(document, "sh") for line in block.splitlines()]
    spans = re.findall(r"`(responder [^`\n]+)`", FENCE.sub("", text))
    return [shlex.split(each, comments=True) for each in [*lines, *spans] if each.startswith("responder ")]


def problem(words: list[str]) -> str | None:
    """What is wrong with a command line, None when nothing is."""
    group: Any = typer.main.get_command(app)
    rest = [word for word in words[1:] if word != "[options]"]
    while rest and rest[0].startswith("-"):
        if not (option := _option(group, rest[0])):
            return f"no option {rest[0]}"
        rest = rest[1 if option.is_flag else 2 :]
    if not rest:
        return None
    if (command := group.commands.get(rest[0])) is None:
        return f"no command {rest[0]}"
    given = 0
    rest = rest[1:]
    while rest:
        if not rest[0].startswith("-"):
            given, rest = given + 1, rest[1:]
        elif option := _option(command, rest[0]):
            rest = rest[1 if option.is_flag else 2 :]
        else:
            return f"{command.name} has no option {rest[0]}"
    taken = [each.nargs for each in command.params if each.param_type_name == "argument"]
    return f"{command.name} takes fewer arguments" if given > len(taken) and -1 not in taken else None


def _option(command: Any, flag: str) -> Any:
    return next((each for each in command.params if flag in [*each.opts, *each.secondary_opts]), None)


@pytest.mark.parametrize("text", examples("detection"))
def test_detections_load(text, tmp_path):
    """As a file of a site's own folder."""
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    assert len(load_detections([tmp_path]).rules) == 1


@pytest.mark.parametrize("text", examples("policy"))
def test_policies_load(text, tmp_path):
    """With playbooks that are shipped or stand in an example."""
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    wanted = load_policy(tmp_path / "policy.yaml").keys.playbooks.contain
    shown = re.findall(r"^playbook: (\S+)", "\n".join(each.values[0] for each in examples("playbook")), re.M)
    assert wanted in [*shown, "contain-hijacked-account"]


@pytest.mark.parametrize("text", examples("playbook"))
def test_playbooks_load(text, tmp_path):
    """Checked wholly, with every action there."""
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    messages = shipped("playbooks") / "messages"
    assert load_playbook(tmp_path / "example.yaml", discover(), language="en", messages=messages).steps


@pytest.mark.parametrize("text", examples("responder.yaml, a part"))
def test_parts_of_the_configuration_load(text, tmp_path, monkeypatch):
    """Put into the shipped configuration, with the folders that they name filled from the examples."""
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(shipped("responder.yaml").read_text(encoding="utf-8"))
    data = {**data, **yaml.load(text), "policy": None}
    with (tmp_path / "responder.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(data, file)
    (tmp_path / "site.key").write_text("0" * 64, encoding="utf-8")
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / "one.yaml").write_text(examples("detection")[0].values[0], encoding="utf-8")
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    house = build(load_config(tmp_path / "responder.yaml"))
    house.records.state.dispose()
    assert house.playbooks


def test_there_are_examples_of_each_kind():
    """A tag that is misspelt would leave an example untried."""
    tags = {"detection", "policy", "playbook", "responder.yaml, a part"}
    generated = PROJECT / "docs" / "reference"
    untagged = [
        f"{document.relative_to(PROJECT)}: {text.splitlines()[0]}"
        for document in DOCUMENTS
        if document.parent != generated
        for text in fences(document, "yaml")
        if text.splitlines()[0].removeprefix("# ") not in tags
    ]
    assert untagged == []
    assert all(examples(tag) for tag in tags)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_commands_exist_with_their_options(document):
    """In code spans and shell blocks alike."""
    wrong = {" ".join(words): problem(words) for words in commands_in(document)}
    assert {words: found for words, found in wrong.items() if found} == {}


def test_a_wrong_command_is_found():
    """The check itself can tell."""
    assert problem(["responder", "contain", "1"]) == "no command contain"
    assert problem(["responder", "cases", "--every"]) == "cases has no option --every"
    assert (
        problem(["responder", "--config", "responder.yaml", "case", "1", "2"]) == "case takes fewer arguments"
    )


def test_the_table_has_every_command():
    """And none that is not there."""
    rows = re.findall(r"^\| `responder (\w+)[^`]*` \| (.*) \|$", README.read_text(encoding="utf-8"), re.M)
    group: Any = typer.main.get_command(app)
    assert sorted(group.commands) == sorted(name for name, _ in rows)
    wrong = [
        (name, flag)
        for name, text in rows
        for flag in re.findall(r"`(--[\w-]+)`", text)
        if not _option(group.commands[name], flag)
    ]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_to_files(document):
    """Relative ones, from where they stand."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_make_targets_exist():
    """Those that the README names."""
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"\bmake ([a-z]+)\b`", README.read_text(encoding="utf-8"))) <= set(targets)


def test_a_wrong_example_is_found(tmp_path):
    """The loaders are those of the project."""
    (tmp_path / "example.yaml").write_text("detection: wrong\n", encoding="utf-8")
    with pytest.raises(BadInput, match="family: is missing"):
        load_detections([tmp_path])
