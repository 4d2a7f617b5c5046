"""The text of playbooks is filled in with data that can do nothing."""

from __future__ import annotations

from typing import Any

import pytest

from responder.errors import BadInput
from responder.playbooks.template import holds, paths, render

NAMES: dict[str, Any] = {
    "case": {"account": "jroe", "items": "mine", "hits": ["a", "b"], "none": None, "keys": "k"},
    "text": "plain",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ case.account }}", "jroe"),
        ("{{ case.hits }}", "a, b"),
        ("{{ case.hits | join('-') | upper }}", "A-B"),
        ("{% for hit in case.hits %}{{ loop.index }}{{ hit }} {% endfor %}", "1a 2b "),
        ("{{ case.none is none }}", "True"),
        ("{{ case.items }} {{ case.keys }}", "mine k"),
        ("{{ case.hits[0] }}", "a"),
    ],
)
def test_names_are_filled_in(text: str, expected: str) -> None:
    """Mappings by key, lists with commas; a key that is also a method's name is the key."""
    assert expected == render(text, NAMES)


@pytest.mark.parametrize(
    "evil", ["{{ 7*7 }}", "{% for x in y %}", "{# a #}", "{{ ''.__class__ }}", "\\N{{", "$&\\1"]
)
def test_data_is_not_compiled(evil: str) -> None:
    """Braces in a fact come out as they went in, also inside a list and through a filter."""
    assert f"{evil}|{evil}|{evil}" == render("{{ a }}|{{ b }}|{{ a | trim }}", {"a": evil, "b": [evil]})


@pytest.mark.parametrize(
    "text",
    [
        "{{ text.__class__ }}",
        "{{ text.upper }}",
        "{{ text['upper'] }}",
        "{{ text.__class__.__mro__ }}",
        "{{ case.__class__ }}",
        "{{ case.values }}",
        "{{ case.pop }}",
        "{{ case.hits.append }}",
        "{{ missing }}",
        "{{ case.missing }}",
        "{{ case.missing.deeper }}",
        "{{ case.none }}",
        "{{ case }}",
        "{{ range }}",
        "{{ self }}",
        "{{ case | attr('pop') }}",
        "{{ text | format('x') }}",
        "{{ text.format('x') }}",
        "{{ range(3) }}",
        "{{ lipsum() }}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    """Attributes, methods, globals and names without a value are errors."""
    with pytest.raises(BadInput):
        render(text, NAMES)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("case.account == 'jroe'", True),
        ("case.none", False),
        ("case.none is none or case.missing", True),
        ("'a' in case.hits", True),
        ("not case.hits", False),
    ],
)
def test_a_condition_is_an_expression(expression: str, expected: bool) -> None:
    """It holds when its value is one that counts as true."""
    assert expected is holds(expression, NAMES)


@pytest.mark.parametrize("expression", ["case.missing", "missing", "case.missing == 1", "text.upper()"])
def test_a_condition_about_nothing_is_an_error(expression: str) -> None:
    """A name without a value is not simply false."""
    with pytest.raises(BadInput):
        holds(expression, NAMES)


@pytest.mark.parametrize("text", ["a }} b {{ c", "a %} b", "x }}{{ case.account"])
def test_a_condition_cannot_end_early(text: str) -> None:
    """Closing braces in it are an error, not the start of a template."""
    with pytest.raises(BadInput):
        paths(text, expression=True)


def test_the_names_of_a_template_are_found_with_their_lines() -> None:
    """Loop variables are not among them."""
    text = "{{ a.b.c }}\n{% for x in d.e %}{{ x.y }}{% if loop.last %}{{ f['g'] }}{% endif %}{% endfor %}"
    assert paths(text) == [(1, ("a", "b", "c")), (2, ("d", "e")), (2, ("f", "g"))]
