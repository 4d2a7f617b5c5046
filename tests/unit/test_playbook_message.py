"""Messages are read from their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from responder.errors import BadInput
from responder.playbooks.message import pick, read

PROJECT = Path(__file__).resolve().parents[2]
MESSAGES = PROJECT / "playbooks" / "messages"


def _folder(tmp_path: Path) -> Path:
    for language, text in (("en", "Hello\n"), ("fr", "Bonjour\n")):
        (tmp_path / "m" / language).mkdir(parents=True)
        (tmp_path / "m" / language / "body.txt").write_text(text, encoding="utf-8")
    (tmp_path / "m" / "README.md").write_text("not a language")
    return tmp_path


def test_a_message_has_its_texts_by_language_and_file(tmp_path: Path) -> None:
    """Other files are no languages; the last line break is not part of the text."""
    assert read(_folder(tmp_path), "m") == {"en": {"body.txt": "Hello"}, "fr": {"body.txt": "Bonjour"}}


def test_the_owners_language_is_picked_where_it_is_there(tmp_path: Path) -> None:
    """Else the site's."""
    message = read(_folder(tmp_path), "m")
    assert [pick(message, each, "en")["body.txt"] for each in ("fr", "de")] == ["Bonjour", "Hello"]


@pytest.mark.parametrize("name", ["n", "../m", "", "M", "m/fr", "."])
def test_a_message_that_is_not_there_is_said_so(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    with pytest.raises(BadInput, match="there: m"):
        read(_folder(tmp_path), name)


def test_a_text_that_is_not_utf_8_is_said_so_with_its_file(tmp_path: Path) -> None:
    """As a playbook would be."""
    (_folder(tmp_path) / "m" / "fr" / "body.txt").write_bytes(b"\xe9t\xe9")
    with pytest.raises(BadInput, match=r"fr/body\.txt: is not UTF-8"):
        read(tmp_path, "m")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_shipped_message_asks_for_nothing_and_links_nowhere(language: str) -> None:
    """What a thief would write: a link, or "enter your password"."""
    for text in read(MESSAGES, "account-contained")[language].values():
        assert "http" not in text
        assert "www." not in text
