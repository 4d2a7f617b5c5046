"""Messages to people: a folder each, in it a folder for each language, in that one file for each part."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from responder.errors import BadInput, Place

Message = dict[str, dict[str, str]]
"""The texts of a message by language and file name, as a run keeps them."""
ReadMessage = Callable[[str], Message]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)


def folder_reader(folder: Path) -> ReadMessage:
    """Reads messages from the folders below ``folder``."""
    return lambda name: read(folder, name)


def read(folder: Path, name: str) -> Message:
    """A message's texts; raises BadInput when there is no such folder or a file cannot be read."""
    if not _NAME.fullmatch(name) or not (folder / name).is_dir():
        there = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
        raise BadInput(f"no message '{name}' in {folder}; there: {', '.join(there) or 'none'}")
    languages = [each for each in sorted((folder / name).iterdir()) if _LANGUAGE.fullmatch(each.name)]
    return {each.name: _texts(each) for each in languages if each.is_dir()}


def pick(message: Message, wanted: str, otherwise: str) -> dict[str, str]:
    """The texts in the wanted language, else in the site's own."""
    return message[wanted if wanted in message else otherwise]


def _texts(folder: Path) -> dict[str, str]:
    texts = {}
    for file in sorted(folder.glob("*.txt")):
        try:
            texts[file.name] = file.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError as error:
            raise BadInput(f"is not UTF-8 (byte {error.start}); save it as UTF-8", Place(file)) from None
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", Place(file)) from error
    return texts
