"""YAML that people wrote: read as plain data, with the place of every mistake, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.errors import BadInput, BadInputs, Place
from responder.site.suggest import did_you_mean
from responder.site.yaml import Document, Written, load

FILE = Path("site.yaml")


class Inner(Written):
    word: str
    number: int = 0


class Outer(Written):
    name: str
    inner: Inner | None = None
    several: list[Inner] = []
    by_name: dict[str, Inner] = {}


def document(text: str) -> Document:
    return load(FILE, text)


def refused(text: str) -> str:
    """The one reason for which a text is not read."""
    with pytest.raises(BadInput) as caught:
        document(text)
    assert not isinstance(caught.value, BadInputs)
    return str(caught.value)


def mistakes(text: str) -> list[str]:
    """All mistakes of a text."""
    with pytest.raises(BadInputs) as caught:
        document(text).read(Outer)
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_values_are_those_of_yaml_1_2():
    """``no`` and ``on`` are words; times and sexagesimals are not read into."""
    data = document(
        "a: no\nb: on\nc: 12\nd: 1.5\ne: true\nf: null\ng: 10:30\nh: 2025-11-24\ni: '7'\nj: 0o17\n"
    ).data
    assert data["a"] == "no"
    assert data["b"] == "on"
    assert [data[key] for key in "cdefi"] == [12, 1.5, True, None, "7"]
    assert (data["g"], data["h"]) == ("10:30", "2025-11-24")


def test_an_empty_file_is_an_empty_mapping():
    """Whatever is missing is then told of."""
    assert document("").data == {}
    assert document("# only a comment\n").data == {}
    assert mistakes("") == ["site.yaml: name: is missing"]


def test_every_value_knows_its_place():
    """Of keys, positions, and of what is not there, the nearest thing above."""
    found = document("name: x\ninner:\n  word: y\nseveral:\n  - word: a\n  - {word: b, number: 2}\n")
    assert str(found.place("inner", "word")) == "site.yaml:3:3"
    assert str(found.place("several", 1, "number")) == "site.yaml:6:15"
    assert str(found.place("several", 1, "none")) == "site.yaml:6:5"
    assert str(found.place("none")) == "site.yaml:1:1"
    assert str(found.error("a reason", "inner")) == "site.yaml:2:1: a reason"


def test_a_part_is_read_with_its_whole_name():
    """So that a mistake in a part names the path to it."""
    with pytest.raises(BadInputs) as caught:
        document("name: x\ninner: {word: 1}\n").read(Inner, "inner")
    assert str(caught.value) == "site.yaml:2:9: inner.word: input should be a valid string, not 1"


def test_every_mistake_is_told_at_once():
    """With place, what is wrong, and what would be right."""
    text = "nam: x\ninner:\n  wrod: y\n  number: many\nseveral: [{word: 3}, {}]\nby_name:\n  a: {word: x, numbr: 1}\n"
    assert mistakes(text) == [
        "site.yaml:1:1: name: is missing",
        "site.yaml:2:1: inner.word: is missing",
        "site.yaml:4:3: inner.number: input should be a valid integer, unable to parse string as an integer, "
        "not 'many'",
        "site.yaml:3:3: inner.wrod: unknown key; did you mean 'word'?",
        "site.yaml:5:12: several.0.word: input should be a valid string, not 3",
        "site.yaml:5:22: several.1.word: is missing",
        "site.yaml:7:16: by_name.a.numbr: unknown key; did you mean 'number'?",
        "site.yaml:1:1: nam: unknown key; did you mean 'name'?",
    ]


def test_an_unknown_key_unlike_any_is_told_with_all_that_are_known():
    """There is nothing near."""
    assert mistakes("name: x\ninner: {word: y, zzz: 1}\n") == [
        "site.yaml:2:18: inner.zzz: unknown key; known: number, word"
    ]


def test_a_key_that_is_given_twice_is_refused():
    """One of them would win in silence."""
    assert (
        refused("name: x\ninner: {word: y}\nname: z\n")
        == "site.yaml:3:1: key 'name' is given twice; keep one"
    )
    assert refused("a:\n  b: 1\n  'b': 2\n") == "site.yaml:3:3: key 'b' is given twice; keep one"


@pytest.mark.parametrize(
    "text", ["a: &x {b: 1}\nc: *x\n", "a: &x 1\n", "- &x\n  - 1\n- *x\n", "a: &x [1]\nb: {<<: *x}\n"]
)
def test_anchors_and_aliases_are_refused(text):
    """What is written in one place must not change another, nor a small file grow to fill the memory."""
    assert refused(text).endswith("anchors and aliases are not read; write the value out")


def test_a_billion_laughs_are_refused_at_once():
    """Aliases of aliases."""
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    assert "anchors and aliases are not read" in refused(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\n", "site.yaml:2:1"),
        ("a: b: c\n", "site.yaml:1:5"),
        ("a:\n\t- 1\n", "site.yaml:2:1"),
        ("a: 'x\n", "site.yaml:2:1"),
        ("a: 1\n---\nb: 2\n", "site.yaml:2:1"),
        ("a: @x\n", "site.yaml:1:4"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text, place):
    """Line and column, from one."""
    assert refused(text).startswith(f"{place}: is not YAML: ")


@pytest.mark.parametrize("text", ["? [a, b]\n: c\n", "{{a: b}: c}\n"])
def test_a_key_must_be_a_word(text):
    """Lists and mappings are none."""
    assert "a key must be a word" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [true]\n",
        "a: !secret x\n",
        "a: !x {b: c}\n",
        "a: !!binary aGk=\n",
        "a: !!set {b}\n",
    ],
)
def test_tags_are_refused(text):
    """Whatever they ask for."""
    assert refused(text) == "site.yaml:1:4: tags are not read; write the plain value"


@pytest.mark.parametrize(
    ("text", "kind"), [("a: !!int x\n", "int"), ("a: !!bool x\n", "bool"), ("a: !!float x\n", "float")]
)
def test_a_value_that_is_none_of_its_kind_is_refused(text, kind):
    """With its place."""
    assert refused(text) == f"site.yaml:1:4: is no {kind}"


def test_an_impossible_date_is_the_text_that_it_is():
    """Whoever wanted a date says so."""
    assert document("a: 2025-13-45\n").data == {"a": "2025-13-45"}


def test_a_list_or_word_in_a_mapping_s_place_is_told():
    """The whole file may be the wrong thing."""
    assert mistakes("- a\n") == [
        "site.yaml:1:1: file: input should be a valid dictionary or instance of Outer"
    ]
    assert mistakes("name: x\ninner: y\n") == [
        "site.yaml:2:1: inner: input should be a valid dictionary or instance of Inner, not 'y'"
    ]


def test_files_that_cannot_be_read_are_told(tmp_path):
    """Not there, or not UTF-8."""
    file = tmp_path / "x.yaml"
    with pytest.raises(BadInput, match=r"x\.yaml: cannot be read: No such file or directory"):
        load(file)
    file.write_bytes(b"name: Universit\xe9\n")
    with pytest.raises(BadInput, match=r"x\.yaml: is not UTF-8 \(byte 15\); save it as UTF-8"):
        load(file)


def test_what_was_read_does_not_change():
    """Frozen, all of it."""
    found = document("name: x\n").read(Outer)
    with pytest.raises(ValueError, match="frozen"):
        found.name = "y"


def test_a_word_that_is_near_is_asked_for_and_else_all_are_named():
    """Nothing, where nothing is known."""
    assert did_you_mean("recipient", ["recipients", "messages"]) == "; did you mean 'recipients'?"
    assert did_you_mean("zzz", ["b", "a"]) == "; known: a, b"
    assert did_you_mean("zzz", []) == ""


def test_places_that_are_not_known_are_left_out():
    """A file alone, a line without column."""
    assert [str(Place("f", *at)) for at in ((), (3,), (3, 4), (0, 4))] == ["f", "f:3", "f:3:4", "f"]


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab012exo.:-{}[],&*!|>'\"%@`#? \n\t\x00\ufeff\u2028é"), max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text):
    """Never anything else."""
    try:
        document(text)
    except BadInput as error:
        assert str(error).startswith("site.yaml")
