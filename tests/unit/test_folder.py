"""Folders: the log files in them, oldest first, and what is passed over is told of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from responder.sources.folder import in_order
from responder.sources.lines import Problem


def order(folder: Path, *names: str) -> tuple[list[str], list[str]]:
    """The names in their order, and the problems."""
    for name in names:
        (folder / name).write_text("one\n")
    problems: list[Problem] = []
    found = in_order([folder], problems)
    return [path.name for path in found], [str(each).removeprefix(f"{folder}/") for each in problems]


@pytest.mark.parametrize(
    "names",
    [
        ["mail.log.10.gz", "mail.log.3.gz", "mail.log.2.gz", "mail.log.1", "mail.log"],
        ["maillog-20251109.zst", "maillog-20251116.zst", "maillog-20251123", "maillog"],
        ["maillog-20251116.1.xz", "maillog-20251123.xz", "maillog"][1:],
        ["mail.log.2.xz", "mail.log.1.xz", "mail.log"],
        ["mail-2025-11-22.log.gz", "mail-2025-11-23.log.gz", "mail-2025-11-24.log", "mail.log"],
        ["mail.log-20251123-1763856000.gz", "mail.log-20251124-1763942400.gz", "mail.log"],
        ["REST2025111011-1.LOG", "REST2025111012-1.LOG"],
        ["a.log.2", "a.log.1", "a.log", "b.log.2.gz", "b.log.1", "b.log"],
    ],
)
def test_the_oldest_comes_first(tmp_path, names):
    """By the number or the date in the name, whatever the names' own order."""
    assert order(tmp_path, *sorted(names)) == (names, [])


def test_the_same_file_twice_is_read_once(tmp_path):
    """The plain one, which is whole, while the other is being written."""
    assert order(tmp_path, "mail.log", "mail.log.1", "mail.log.1.gz", "mail.log.2.gz", "mail.log.2.xz") == (
        ["mail.log.2.gz", "mail.log.1", "mail.log"],
        [
            "mail.log.1.gz: is mail.log.1 once more; passed over",
            "mail.log.2.xz: is mail.log.2.gz once more; passed over",
        ],
    )


def test_what_is_no_log_file_is_told_of(tmp_path, monkeypatch):
    """And stops nothing."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mail.log").write_text("one\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    locked = tmp_path / "locked.log"
    monkeypatch.setattr(os, "access", lambda path, mode: path != locked)
    assert order(tmp_path, "mail.log", ".mail.log.swp", "locked.log", "truth.jsonl") == (
        ["mail.log"],
        [
            ".mail.log.swp: is hidden; passed over",
            "broken: is no regular file; passed over",
            "locked.log: cannot be read: Permission denied",
            "pipe: is no regular file; passed over",
            "sub: is a folder in a folder; passed over",
            "truth.jsonl: is the truth of a simulated world; passed over",
        ],
    )


def test_a_folder_without_files_is_told_of(tmp_path):
    """Rather than nothing being found in silence."""
    assert order(tmp_path) == ([], [f"{tmp_path}: is a folder without log files"])


def test_files_and_standard_input_stay_where_they_were_named(tmp_path):
    """Only folders stand for something else; what is missing is told of when it is read."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "b.log").write_text("")
    paths = [Path("-"), tmp_path / "none.log", folder, tmp_path / "a.log"]
    assert in_order(paths, []) == [Path("-"), tmp_path / "none.log", folder / "b.log", tmp_path / "a.log"]


def test_a_folder_that_may_not_be_listed_is_told_of(tmp_path, monkeypatch):
    """The others go on."""
    problems: list[Problem] = []

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert in_order([tmp_path], problems) == []
    assert [str(each) for each in problems] == [f"{tmp_path}: cannot be read: Permission denied"]
