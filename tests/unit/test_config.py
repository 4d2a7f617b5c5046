"""The site's configuration: what is read, what is assumed, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from responder.errors import BadInput, BadInputs
from responder.site.config import Config, load_config

TEXT = """\
site:
  name: Example University
  domain: example.org
  time_zone: Europe/Paris
  help_desk: help@example.org
  key: {env: RESPONDER_KEY}
sources:
  - {follow: /var/log/mail.log, format: postfix}
"""


@pytest.fixture
def config(tmp_path: Path):
    """Loads a configuration, the usual one with words replaced."""

    def made(*changes: tuple[str, str], more: str = "") -> Config:
        text = TEXT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "responder.yaml"
        file.write_text(text + more, encoding="utf-8")
        return load_config(file)

    return made


def mistakes(config, *changes: tuple[str, str], more: str = "") -> list[str]:
    with pytest.raises(BadInputs) as caught:
        config(*changes, more=more)
    return [str(problem).partition("responder.yaml:")[2] for problem in caught.value.problems]


def test_what_is_not_written_is_assumed(config):
    """The fewest keys that make a site."""
    keys = config().keys
    assert (keys.site.language, keys.storage.keep_days, keys.detection.interval) == ("en", 30, 15)
    assert (keys.storage.events, keys.storage.state) == (Path("var/events.duckdb"), Path("var/state.sqlite"))
    assert (keys.sources[0].follow, keys.sources[0].silence) == (Path("/var/log/mail.log"), 15)
    assert (keys.policy, keys.playbooks, keys.systems) == (None, [], {})


def test_paths_count_from_the_configuration_s_folder(config, tmp_path):
    """Wherever the command is called; whole paths stay."""
    found = config()
    assert found.path(found.keys.storage.events) == tmp_path / "var/events.duckdb"
    assert found.path(Path("/srv/x")) == Path("/srv/x")
    assert found.zone == ZoneInfo("Europe/Paris")


def test_a_secret_s_file_counts_from_the_configuration_s_folder_too(config, tmp_path):
    """In the site and in its systems."""
    more = "systems:\n  desk: {kind: x, token: {file: secrets/token}, ca_file: ca.pem, password: {env: A}}\n"
    found = config(("{env: RESPONDER_KEY}", "{file: secrets/key}"), more=more)
    assert found.keys.site.key.file == tmp_path / "secrets/key"
    assert found.keys.systems["desk"] == {
        "kind": "x",
        "token": {"file": str(tmp_path / "secrets/token")},
        "ca_file": str(tmp_path / "ca.pem"),
        "password": {"env": "A"},
    }


def test_a_configuration_that_is_not_there_says_how_to_get_one(tmp_path):
    """The first thing that anybody meets."""
    with pytest.raises(BadInput) as caught:
        load_config(tmp_path / "responder.yaml")
    assert (
        str(caught.value)
        == f"{tmp_path}/responder.yaml: there is no configuration here; 'responder init' writes one"
    )


def test_every_mistake_is_told_at_once(config):
    """In words, with the place and what would be right."""
    found = mistakes(
        config,
        ("Europe/Paris", "Europe/Pariss"),
        ("  domain:", "  domian:"),
        ("follow: /var", "folow: /var"),
        more="storage: {keep_days: 0}\ndetection: {interval: 15s}\npolcy: x\n",
    )
    assert found == [
        "1:1: site.domain: is missing",
        "4:3: site.time_zone: a time zone of the IANA list, such as Europe/Paris, not 'Europe/Pariss'",
        "3:3: site.domian: unknown key; did you mean 'domain'?",
        "9:11: storage.keep_days: input should be greater than or equal to 1, not 0",
        "8:5: sources.0.follow: is missing",
        "8:6: sources.0.folow: unknown key; did you mean 'follow'?",
        "10:13: detection.interval: input should be a valid integer, unable to parse string as an integer, not '15s'",
        "11:1: polcy: unknown key; did you mean 'policy'?",
    ]


@pytest.mark.parametrize("silence", ["0", "10081", "2h"])
def test_a_silence_is_minutes_of_a_week_at_most(config, silence):
    """Of a followed and of a received source alike."""
    for keys in ("follow: /var/log/mail.log", "listen: '127.0.0.1:6514'"):
        source = ("follow: /var/log/mail.log", f"{keys}, silence: {silence}")
        (told,) = mistakes(config, source)
        assert "silence" in told
        assert config((source[0], f"{keys}, silence: 90")).keys.sources[0].silence == 90


@pytest.mark.parametrize("zone", ["", "CEST+2", "../../etc/passwd", "/etc/localtime", "Europe", "\\0"])
def test_a_time_zone_must_be_one_of_the_list(config, zone):
    """A path is none."""
    (told,) = mistakes(config, ("Europe/Paris", f'"{zone}"'))
    assert told.startswith("4:3: site.time_zone: a time zone of the IANA list, such as Europe/Paris")


def test_a_key_in_plain_text_is_refused_and_not_repeated(config):
    """It makes the pseudonyms and the hashes of recipients."""
    (told,) = mistakes(config, ("{env: RESPONDER_KEY}", "correct-horse"))
    assert told == "6:3: site.key: a secret must not stand in this file; say {env: NAME} or {file: PATH}"


@pytest.mark.parametrize("language", ["de", "EN", "english"])
def test_a_language_that_is_not_spoken_is_told(config, language):
    """Messages to owners come in two."""
    (told,) = mistakes(config, ("  key:", f"  language: {language}\n  key:"))
    assert told.startswith("6:3: site.language: ")


def test_an_empty_configuration_says_what_is_missing(tmp_path):
    """A file of comments, too."""
    file = tmp_path / "responder.yaml"
    for text in ("", "# nothing yet\n"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(BadInputs) as caught:
            load_config(file)
        assert str(caught.value) == f"{file}: site: is missing"
