"""Entries from LDIF, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from responder.errors import BadInput
from responder.site.ldif import entries

GOOD = """\
version: 1
# of a directory
dn: uid=ann,dc=example,dc=org
uid: ann
MAIL: ann@example.org
mail;lang-fr: anne@exam
 ple.org
# a comment that
  goes on
cn:: QW5uIMOJLg==
description:

dn: uid=ben,dc=example,dc=org
uid:ben
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory.ldif"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_entries_are_read_as_they_stand(path, end):
    """Lines that go on, base64, options, comments, and a last entry without an empty line after it."""
    path.write_bytes(GOOD.replace("\n", end).encode())
    ann, ben = entries(path)
    assert ann == {
        "dn": ["uid=ann,dc=example,dc=org"],
        "uid": ["ann"],
        "mail": ["ann@example.org", "anne@example.org"],
        "cn": ["Ann É."],
        "description": [""],
    }
    assert ben == {"dn": ["uid=ben,dc=example,dc=org"], "uid": ["ben"]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing", "no 'attribute: value'"),
        (": x", "no 'attribute: value'"),
        ("cn:: ***", "what should be base64 is none"),
        ("jpegPhoto:< file:///etc/passwd", "a value in another file, which is not read"),
        ("changetype: delete", "has a change; entries are read, as a directory exports them"),
    ],
)
def test_what_is_no_entry_is_told_of_by_its_line(path, line, said):
    """Nothing is guessed at."""
    path.write_text(f"dn: uid=ann,dc=example,dc=org\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        list(entries(path))
    assert str(caught.value) == f"{path}:2: {said}"


def test_a_file_that_is_not_there_is_told_of(path):
    """By its name."""
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        list(entries(path))
