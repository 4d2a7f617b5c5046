"""A playbook: what is in the file, and reading it with everything that is wrong said at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from responder.actions.action import Action
from responder.errors import BadInput, BadInputs
from responder.playbooks.check import Checker
from responder.playbooks.message import Message, ReadMessage, folder_reader
from responder.playbooks.step import Step
from responder.site.yaml import Document, Written
from responder.site.yaml import load as load_yaml


class Head(Written):
    """The file as a whole."""

    playbook: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")
    description: str = Field(min_length=1)
    steps: list[Any] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook that was read and found right; a run keeps ``text`` and ``messages`` and ends with them."""

    name: str
    description: str
    steps: tuple[Step, ...]
    text: str
    messages: Mapping[str, Message]

    @property
    def hash(self) -> str:
        """SHA-256 of the file's text, as ``sha256sum`` shows it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(
    file: Path, actions: Mapping[str, Action[Any]], *, language: str, messages: Path | None = None
) -> Playbook:
    """Reads a playbook for the actions that can be carried out here.

    ``language`` is the site's own, in which every message must be there; ``messages`` is the folder
    ``messages`` beside the file unless told otherwise. Raises BadInputs with every problem and its place.
    """
    reader = folder_reader(messages if messages is not None else file.parent / "messages")
    return parse(load_yaml(file), actions, reader, language)


def parse(
    document: Document, actions: Mapping[str, Action[Any]], read_message: ReadMessage, language: str
) -> Playbook:
    """As ``load``, of a document that is read already."""
    problems: list[BadInput] = []
    try:
        head = document.read(Head)
    except BadInputs as error:
        problems += error.problems
        head = None
    checker = Checker(document, actions, read_message, language)
    checked = checker.steps()
    problems += checker.problems
    if problems or head is None:
        raise BadInputs(sorted(problems, key=_where))
    return Playbook(
        name=head.playbook,
        description=head.description,
        steps=tuple(step for step in checked if step is not None),
        text=document.text,
        messages=checker.messages,
    )


def _where(problem: BadInput) -> tuple[str, int]:
    place = problem.place
    return (str(place.file), place.line) if place else ("", 0)
