"""Entra's sign-in logs: what strangers write into them accuses nobody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, csv_line, found, payloads, silent

from responder.formats.entra_signin import FORMAT, parse, recognises

RECORD = {
    "createdDateTime": "2025-11-24T08:00:01Z",
    "userPrincipalName": "mallory@example.org",
    "userDisplayName": "Mallory",
    "userAgent": "x",
    "appDisplayName": "Office",
    "ipAddress": "203.0.113.5",
    "status": {"errorCode": 0, "failureReason": "Other."},
}
STRANGER = {"userPrincipalName": "x@example.org"}
HEAD = csv_line(
    [
        "Date (UTC)",
        "User agent",
        "User",
        "Username",
        "Application",
        "IP address",
        "Status",
        "Sign-in error code",
    ]
)


def as_json(code: int = 0, **fields: str) -> str:
    """A record of mallory's, with other fields than usual."""
    return json.dumps(RECORD | fields | {"status": {"errorCode": code}}, ensure_ascii=False)


def as_properties(code: int = 0, **fields: str) -> str:
    """The same as diagnostic settings write it."""
    inner = RECORD | fields | {"status": {"errorCode": code}}
    return json.dumps(
        {"category": "SignInLogs", "resultType": str(code), "properties": inner}, ensure_ascii=False
    )


def as_csv(code: int = 0, **fields: str) -> str:
    """The same as the portal writes it."""
    own = RECORD | fields
    names = (
        "createdDateTime",
        "userAgent",
        "userDisplayName",
        "userPrincipalName",
        "appDisplayName",
        "ipAddress",
    )
    return csv_line([*(own[name] for name in names), "Failure" if code else "Success", str(code)])


WRITTEN = {"json": as_json, "properties": as_properties, "csv": as_csv}
HEADS = {"json": [], "properties": [], "csv": [HEAD]}
FIELDS = ["userPrincipalName", "userDisplayName", "userAgent", "appDisplayName"]
TEXTS = {
    text
    for write in WRITTEN.values()
    for text in payloads(write(userPrincipalName="victim@example.org")).values()
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("field", FIELDS)
def test_what_somebody_writes_in_a_failure_accuses_nobody(form, field):
    """Whoever is named in it, it is a login without success, of whichever form the imitation is."""
    write = WRITTEN[form]
    lines = [write(50126, **STRANGER | {field: text}) for text in sorted(TEXTS)]
    silent(FORMAT, [*HEADS[form], write(), write()], lines)


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("field", FIELDS[1:])
def test_who_signs_in_stays_himself(form, field):
    """Display names are the users' own to choose, and user agents those of whoever calls."""
    write = WRITTEN[form]
    for text in sorted(TEXTS):
        if form == "csv" and write(**{field: text}).startswith("{"):
            continue
        events = found(FORMAT, *HEADS[form], write(**{field: text}))
        assert accused(events) == {"mallory"}
        assert len(events) == 1


@pytest.mark.parametrize("form", WRITTEN)
def test_a_victim_is_told_of_without_success(form):
    """And what is no name is not kept."""
    lines = [WRITTEN[form](50126, userPrincipalName=name) for name in ("Victim@example.org", "my secret")]
    logins = parse(run_of(*HEADS[form], *lines)).logins
    assert logins.select("account", "success").rows() == [("Victim@example.org", False), (None, False)]


def test_a_hundred_kilobytes_are_passed_over():
    """Such a line is told of and says nothing; those around it are read."""
    silent(FORMAT, [as_json(), as_json()], [as_json(50126, **STRANGER, userAgent=HUNDRED_KILOBYTES)])


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_text_in_a_failure_accuses_nobody(text):
    """As above, with what nobody thought of."""
    for form, write in WRITTEN.items():
        silent(
            FORMAT,
            [*HEADS[form], write(), write()],
            [write(50126, **STRANGER | {field: text}) for field in FIELDS],
        )


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that are no record are passed over, and those around them are read."""
    lines = [
        text,
        "{" + text,
        "{" + text + "}",
        '{"status":' + text + "}",
        '{"properties":"' + text + '"}',
    ]
    events = found(FORMAT, as_json(), *lines, as_json())
    assert len(events) == 2
    assert accused(events) == {"mallory"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        '{"createdDateTime":"x","userPrincipalName":"x"}',
        '{"SenderAddress":"x","RecipientAddress":"x","Status":"Delivered","FromIP":null}',
        '{"kind":"admin#reports#activity","id":{"time":"x"},"ipAddress":"x"}',
        "Nov 24 08:00:01 mx1 postfix/smtp[1]: x",
        "date-time,username,ip",
    ],
)
def test_other_lines_are_not_recognised(line):
    """Those of other exports among them."""
    assert not recognises([line])


def test_records_and_headers_are_recognised():
    """In each of the forms."""
    assert recognises([as_json()])
    assert recognises(["[", as_properties() + ","])
    assert recognises(["\ufeff" + HEAD, as_csv()])
    assert recognises(["CreatedDateTime,UserPrincipalName,IPAddress,Status"])
