"""Secrets: named in the configuration and kept elsewhere, and never shown."""

from __future__ import annotations

import pytest

from responder.errors import BadInputs, MissingSecret
from responder.site.secret import Secret
from responder.site.yaml import Written, load

PLAIN = "hunter2-is-the-password"


class System(Written):
    name: str = ""
    password: Secret


def read(text: str, tmp_path) -> System:
    return load(tmp_path / "site.yaml", text).read(System)


def test_a_secret_of_the_environment(monkeypatch, tmp_path):
    """Read when it is needed, not when it is named."""
    secret = read("password: {env: LDAP_PASSWORD}", tmp_path).password
    monkeypatch.setenv("LDAP_PASSWORD", PLAIN)
    assert secret.reveal().get_secret_value() == PLAIN


def test_a_secret_of_a_file_without_its_line_s_end(tmp_path):
    """Editors add one."""
    file = tmp_path / "ldap-password"
    file.write_text(f"{PLAIN}\n", encoding="utf-8")
    found = read(f"password: {{file: {file}}}", tmp_path).password.reveal()
    assert found.get_secret_value() == PLAIN
    assert PLAIN not in f"{found} {found!r}"


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (
            f"password: {PLAIN}",
            "1:1",
            "a secret must not stand in this file; say {env: NAME} or {file: PATH}",
        ),
        (
            f"password: [{PLAIN}]",
            "1:1",
            "a secret must not stand in this file; say {env: NAME} or {file: PATH}",
        ),
        (
            "password: 12345678",
            "1:1",
            "a secret must not stand in this file; say {env: NAME} or {file: PATH}",
        ),
        ("password: null", "1:1", "a secret must not stand in this file; say {env: NAME} or {file: PATH}"),
        (f"password: {{value: {PLAIN}}}", "1:1", "say where the secret is, {env: NAME} or {file: PATH}"),
        (
            f"password: {{env: A, file: {PLAIN}}}",
            "1:1",
            "say where the secret is, {env: NAME} or {file: PATH}",
        ),
        ("password: {}", "1:1", "say where the secret is, {env: NAME} or {file: PATH}"),
    ],
)
def test_a_secret_in_plain_text_is_refused_and_never_repeated(tmp_path, text, place, told):
    """An error ends in logs and tickets; what was written there must not."""
    with pytest.raises(BadInputs) as caught:
        read(text, tmp_path)
    assert str(caught.value) == f"{tmp_path}/site.yaml:{place}: password: {told}"
    assert PLAIN not in repr(caught.value)
    assert "12345678" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"password: {{env: A, value: {PLAIN}}}",
        f"password: {{env: A}}\npasword: {PLAIN}",
        f"password: {{env: [{PLAIN}]}}",
        f"password: {{file: {{x: {PLAIN}}}}}",
        f"name: [{PLAIN}]\npassword: {{env: A}}",
    ],
)
def test_a_secret_in_a_wrong_place_is_not_repeated_either(tmp_path, text):
    """A password under a word that is misspelt, or a level too deep."""
    with pytest.raises(BadInputs) as caught:
        read(text, tmp_path)
    assert PLAIN not in f"{caught.value} {caught.value!r}"


def test_a_secret_that_is_missing_is_told_with_what_to_do(monkeypatch, tmp_path):
    """Not set, set to nothing, no file, no text."""
    monkeypatch.delenv("LDAP_PASSWORD", raising=False)
    told = "the environment variable LDAP_PASSWORD is not set; set it for this service"
    for value in (None, ""):
        if value is not None:
            monkeypatch.setenv("LDAP_PASSWORD", value)
        with pytest.raises(MissingSecret) as caught:
            Secret(env="LDAP_PASSWORD").reveal()
        assert str(caught.value) == told
    file = tmp_path / "key"
    with pytest.raises(
        MissingSecret, match=r"the secret file .*key cannot be read: No such file or directory"
    ):
        Secret(file=file).reveal()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(MissingSecret, match=r"the secret file .*key cannot be read: it is not UTF-8"):
        Secret(file=file).reveal()


def test_an_empty_secret_file_is_a_missing_secret(tmp_path):
    """A key of no letters would protect nothing."""
    file = tmp_path / "key"
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(MissingSecret, match="is empty"):
        Secret(file=file).reveal()
