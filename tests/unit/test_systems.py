"""What the adapters' settings accept, and what they make of numbers, addresses and texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError

from responder.systems import discover
from responder.systems.contact import e164, mail_address, mask_address, mask_number, scrub
from responder.systems.facts import SiteFacts
from responder.systems.http import retry_after
from responder.systems.ldap import escaped
from responder.systems.openldap import OpenLdapSettings, _language
from responder.systems.sms import reduced, segments

LDAP = {
    "kind": "openldap",
    "servers": ["ldaps://a.example.org"],
    "bind_dn": "cn=x",
    "password": {"env": "X"},
    "base": "dc=x",
}
SECRET = {"env": "X"}
SETTINGS: dict[str, dict[str, Any]] = {
    "openldap": LDAP,
    "request_tracker": {
        "kind": "request_tracker",
        "url": "https://rt.example.org/",
        "token": SECRET,
        "queue": "Q",
    },
    "smtp": {"kind": "smtp", "host": "mx.example.org", "from": "a@example.org"},
    "twilio": {
        "kind": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": SECRET,
        "from": "+33639980098",
    },
}


def test_every_adapter_is_found_with_its_port() -> None:
    """One file each, no list to edit."""
    found = {kind: each.port for kind, each in discover().items()}
    assert found == {
        "openldap": "directory",
        "request_tracker": "ticket_desk",
        "smtp": "mail",
        "twilio": "sms",
    }


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_an_adapter_is_made_of_its_settings(kind: str) -> None:
    """Nothing is connected to and no secret is read before it is needed."""
    adapter = discover()[kind]
    adapter(adapter.Settings.model_validate(SETTINGS[kind]), SiteFacts("n", "example.org", "h", "en"))


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("openldap", {"start_tls": True}, "has TLS from the start; use ldap:// or leave start_tls out"),
        ("openldap", {"servers": ["ldap://a.example.org"]}, "would send the password in clear"),
        (
            "openldap",
            {"servers": ["ldap://a.example.org"], "allow_clear_text": True},
            "is for a server on this machine",
        ),
        ("openldap", {"servers": ["a.example.org"]}, "is no ldap:// or ldaps:// URL"),
        ("openldap", {"servers": []}, "at least 1 item"),
        ("openldap", {"password": "plain"}, "a secret must not stand in this file"),
        ("openldap", {"ca_file": "/nowhere.pem"}, "does not point to a file"),
        ("openldap", {"aliases": ["jo@example.org"]}, "should match pattern"),
        ("openldap", {"timeout": 0}, "greater than or equal to 1"),
        ("request_tracker", {"url": "rt.example.org"}, "should match pattern"),
        ("request_tracker", {"url": "http://rt.example.org"}, "would send the secret in clear; use https://"),
        ("twilio", {"base_url": "http://sms.example.org"}, "would send the secret in clear; use https://"),
        ("request_tracker", {"reference_field": "a}'"}, "should match pattern"),
        ("smtp", {"from": "A <a@example.org>"}, "one bare address"),
        ("smtp", {"username": "u"}, "give both or neither"),
        ("smtp", {"username": "u", "password": SECRET, "security": "none"}, "password in clear"),
        ("twilio", {"from": "0639980098"}, "with a plus and the country's code"),
        ("twilio", {"account_sid": "x"}, "should match pattern"),
    ],
)
def test_wrong_settings_are_found_when_they_are_read(kind: str, change: dict[str, Any], problem: str) -> None:
    """Not in the middle of a response."""
    with pytest.raises(ValidationError, match=re.escape(problem)):
        discover()[kind].Settings.model_validate({**SETTINGS[kind], **change})


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_clear_text_is_possible_on_this_machine(host: str) -> None:
    """Where a test directory listens."""
    change = {"servers": [f"ldap://{host}:389"], "allow_clear_text": True}
    assert OpenLdapSettings.model_validate({**LDAP, **change}).allow_clear_text


@pytest.mark.parametrize("prefix", ["", "Uni", "a_b", "é", "a" * 21])
def test_a_prefix_that_would_need_quoting_is_not_taken(prefix: str) -> None:
    """It begins every reference."""
    with pytest.raises(ValueError, match="small letters, digits and hyphens"):
        SiteFacts("n", "example.org", "h", "en", prefix)


@pytest.mark.parametrize(
    "written",
    ["+33639980001", "+33 6 39 98 00 01", "+33 (0)6.39.98.00.01", "0033639980001", "+33\u202f6-39-98-00-01"],
)
def test_a_number_is_brought_into_one_form(written: str) -> None:
    """E.164, whatever stands between the digits."""
    assert e164(written) == "+33639980001"


@pytest.mark.parametrize(
    "written", ["", "0639980001", "+0639980001", "+12", "+1234567890123456", "+3363998000x", "+٣٣٦٣٩٩٨٠٠٠١"]
)
def test_a_number_without_its_country_is_no_use(written: str) -> None:
    """No country is guessed."""
    with pytest.raises(ValueError, match="country's code"):
        e164(written)


def test_masks_show_enough_to_recognise_and_no_more() -> None:
    """First letter and domain; country and the last two digits."""
    assert mask_address("jo.roe@example.net") == "j***@example.net"
    assert mask_number("+33639980001") == "+33*******01"


def test_scrubbing_reaches_every_text() -> None:
    """Whole words only, any case, in lists and mappings, and addresses that nobody announced."""
    value = {"a": ["JROE and jroes", 1], "b": "to x.y@example.net, +33639980001; Jo Roe"}
    assert scrub(value, {"jroe": "(account)", "Jo Roe": "(owner)"}) == {
        "a": ["(account) and jroes", 1],
        "b": "to x***@example.net, +33*******01; (owner)",
    }


@pytest.mark.parametrize(
    "address", ["a@example.net", "a+b@example.net", "hélène@exemple.example", "o'b@x.example"]
)
def test_a_bare_address_is_taken(address: str) -> None:
    """Blanks around it are not part of it."""
    assert mail_address(f" {address} ") == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("中" * 70, 1),
        ("中" * 71, 2),
        ("|" * 80, 1),
        ("|" * 81, 2),
        ("|" * 153, 3),
        ("a" * 80 + "\r\n" + "a" * 79, 2),
        ("a" * 80 + "\n" + "a" * 79, 1),
        ("é" * 70, 1),
        ("e\u0301" * 70, 3),
        ("this is a " + "]" * 74 + "😀", 2),
        ("", 1),
    ],
)
def test_segments_are_counted_as_they_are_billed(text: str, expected: int) -> None:
    """GSM-7 160 then 153, its extension two units and never split; else UCS-2 70 then 67."""
    assert segments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l’été «ça» — œuvre…", 'l\'été "ca" - oeuvre...'),
        ("e\u0301te\u0301", "été"),
        ("Šárka Çelik Lê", "Sarka Çelik Le"),
        ("李 😀", "李 😀"),
    ],
)
def test_texts_are_reduced_where_nothing_is_lost(text: str, expected: str) -> None:
    """Letters that GSM-7 has stay; other scripts stay as they are."""
    assert reduced(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a-b", "a\\2db"),
        ("*()\\\x00", "\\2a\\28\\29\\5c\\00"),
        ("\\5c28", "\\5c5c28"),
        ("é", "\\c3\\a9"),
        (" ", "\\20"),
        ("a@b", "a\\40b"),
    ],
)
def test_filter_values_are_escaped_once(value: str, expected: str) -> None:
    """Byte by byte, in one pass; what looks escaped already is escaped all the same."""
    assert escaped(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("fr", "fr"), ("en-GB, fr;q=0.8", "en"), ("FR_fr", "fr"), ("", None), (None, None), ("*", None)],
)
def test_the_first_language_of_an_entry_counts(value: str | None, expected: str | None) -> None:
    """Without its region."""
    assert _language(value) == expected


def test_retry_after_is_a_number_or_a_date() -> None:
    """An hour at most, never less than nothing, None for what cannot be read."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 <= (retry_after(date) or 0) <= 30
    assert [retry_after(each) for each in ("20", "999999", "-5", "soon", None)] == [20, 3600, 0, None, None]
