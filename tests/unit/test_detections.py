"""Detections as they stand in their files: read whole, with every mistake told of at once."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from responder.detections.detection import Bounds, Family, Severity, load_detections
from responder.errors import BadInputs
from responder.measures import figures, measures
from responder.site.shipped import shipped

GOOD = """\
detection: many-recipients
title: Mail to very many recipients
family: volume
severity: high
window: 10m
when:
  recipients: {at_least: 100}
because: a number
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "detections"
    made.mkdir()
    return made


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a file of that text, with its name instead of its path."""
    (folder / "d.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(BadInputs) as caught:
        load_detections([folder])
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_detection_is_read_as_it_stands(folder):
    """Its window in seconds, its bounds by measure."""
    (folder / "d.yaml").write_text(GOOD, encoding="utf-8")
    (rule,) = load_detections([folder]).rules
    assert (rule.name, rule.family, rule.severity, rule.window) == (
        "many-recipients",
        Family.VOLUME,
        Severity.HIGH,
        600,
    )
    assert rule.when == {"recipients": Bounds(at_least=100)}
    assert not rule.confirms


def test_the_shipped_detections_are_whole():
    """Each says where its numbers come from, and at least one opens cases."""
    found = load_detections([shipped("detections")])
    assert len(found.rules) == len(list(shipped("detections").glob("*.yaml")))
    assert found.opening
    assert len(found.opening) + len(found.confirming) == len(found.rules)
    assert all(rule.because.strip() for rule in found.rules)


def test_a_site_s_detection_replaces_the_shipped_one_of_its_name(folder, tmp_path):
    """So that a number can be changed without touching what was shipped."""
    own = tmp_path / "own"
    own.mkdir()
    (folder / "a.yaml").write_text(GOOD, encoding="utf-8")
    (own / "b.yaml").write_text(GOOD.replace("100", "7"), encoding="utf-8")
    (rule,) = load_detections([folder, own]).rules
    assert rule.when["recipients"].at_least == 7


def test_two_of_one_name_in_one_folder_are_a_mistake(folder):
    """One of them would be forgotten in silence."""
    (folder / "a.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadInputs) as caught:
        load_detections([folder])
    assert str(caught.value) == f"{folder}/b.yaml: detection 'many-recipients' is in {folder}/a.yaml too"


def test_a_folder_without_detections_is_a_mistake(folder):
    """A wrong path must not mean that nothing is detected."""
    with pytest.raises(BadInputs) as caught:
        load_detections([folder, folder / "none"])
    assert [str(problem) for problem in caught.value.problems] == [
        f"{folder}: no detections (*.yaml) in this folder",
        f"{folder}/none: no detections (*.yaml) in this folder",
    ]


def test_a_measure_that_is_not_known_is_told_with_the_nearest(folder):
    """At the place of the word."""
    assert problems(folder, GOOD.replace("recipients: {", "recipient: {")) == [
        "d.yaml:7:3: no measure 'recipient'; did you mean 'recipients'?"
    ]


def test_every_mistake_of_a_file_is_told_at_once(folder):
    """Each with its place and with what would be right."""
    text = """\
        detection: Many Recipients
        titel: Mail to very many recipients
        family: volumes
        severity: extreme
        window: ten minutes
        when:
          recipients: {}
        because: a number
        """
    assert problems(folder, text) == [
        "d.yaml:1:1: detection: string should match pattern '^[a-z][a-z0-9-]*$', not 'Many Recipients'",
        "d.yaml:3:1: family: input should be 'volume', 'spread', 'quality', 'origin', 'content' or 'external', "
        "not 'volumes'",
        "d.yaml:4:1: severity: input should be 'low', 'medium' or 'high', not 'extreme'",
        "d.yaml:5:1: window: a length of time such as 10m, 1h or 1d, not 'ten minutes'",
        "d.yaml:7:3: when.recipients: say at_least, at_most or both",
        "d.yaml:1:1: title: is missing",
        "d.yaml:2:1: titel: unknown key; did you mean 'title'?",
    ]


def test_the_mistakes_of_all_files_are_told_at_once(folder):
    """In the order of the files, those that are no YAML included."""
    (folder / "a.yaml").write_text(GOOD.replace("volume", "x"), encoding="utf-8")
    (folder / "b.yaml").write_text("detection: [\n", encoding="utf-8")
    (folder / "c.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "e.yaml").write_text("", encoding="utf-8")
    with pytest.raises(BadInputs) as caught:
        load_detections([folder])
    names = [Path(str(problem.place.file)).name for problem in caught.value.problems]
    assert names[:2] == ["a.yaml", "b.yaml"]
    assert set(names[2:]) == {"e.yaml"}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("60s", 60), ("1m", 60), ("10m", 600), ("1h", 3600), ("24h", 86400), ("7 d", 604800)],
)
def test_windows_of_every_form(folder, written, seconds):
    """Seconds, minutes, hours, days."""
    (folder / "d.yaml").write_text(GOOD.replace("10m", written), encoding="utf-8")
    assert load_detections([folder]).rules[0].window == seconds


@pytest.mark.parametrize("written", ["30s", "8d", "0m", "1w", "-1h", "1.5h", "600", "1h30m", "''"])
def test_windows_that_are_none(folder, written):
    """Too short, too long, or in no unit."""
    (told,) = problems(folder, GOOD.replace("10m", written))
    assert told.startswith("d.yaml:5:1: window: a ")


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        (Bounds(at_least=2), [False, True, True, True]),
        (Bounds(at_most=3), [True, True, True, False]),
        (Bounds(at_least=2, at_most=3), [False, True, True, False]),
        (Bounds(at_least=0), [True, True, True, True]),
    ],
)
def test_bounds_hold_their_own_numbers_too(bounds, holds):
    """At least and at most are meant as they are said."""
    assert [bounds.hold(value) for value in (1, 2, 3, 4)] == holds


def test_a_measure_is_found_by_its_file_and_says_what_it_is():
    """Without a list anywhere."""
    found = measures()
    assert {"recipients", "recipient_domains", "messages", "unknown_user_bounces", "client_networks"} <= set(
        found
    )
    assert all(measure.about and measure.unit for measure in found.values())
    assert all(name == measure.name for name, measure in found.items())


def test_what_a_measure_is_made_of_is_asked_for_too():
    """A share needs both its numbers."""
    asked = figures(["unknown_user_share"])
    assert set(asked.aggregates) == {"unknown_user_bounces", "recipients"}
    assert set(asked.made_of) == {"unknown_user_share"}
