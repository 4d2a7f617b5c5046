"""Google Workspace's login events: what strangers write into them accuses nobody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, found, payloads, silent

from responder.formats.google_workspace import FORMAT, parse, recognises


def activity(
    event: str = "login_success",
    email: str = "mallory@example.org",
    parameter: str = "google_password",
    application: str = "login",
) -> str:
    """A record of mallory's, with other fields than usual."""
    return json.dumps(
        {
            "kind": "admin#reports#activity",
            "id": {
                "time": "2025-11-24T08:00:01.778Z",
                "uniqueQualifier": "834",
                "applicationName": application,
            },
            "actor": {"email": email, "profileId": "42"},
            "ipAddress": "203.0.113.5",
            "events": [{"type": "login", "name": event, "parameters": [{"name": "x", "value": parameter}]}],
        },
        ensure_ascii=False,
    )


TEXTS = payloads(activity(email="victim@example.org")).values()
PLACES = {
    "name in a failure": lambda text: activity("login_failure", email=text),
    "parameter of a failure": lambda text: activity("login_failure", "x@example.org", text),
    "name in a challenge": lambda text: activity("login_challenge", email=text),
    "name of an event": lambda text: activity(text, "x@example.org"),
    "name in another application": lambda text: activity(email=text, application="gmail"),
    "parameter in another application": lambda text: activity("x", "x@example.org", text, "gmail"),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_somebody_writes_accuses_nobody(place):
    """Whoever is named, only mallory has logged in."""
    silent(FORMAT, [activity(), activity()], map(place, TEXTS))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_hundred_kilobytes_are_passed_over(place):
    """Such a line is told of and says nothing; those around it are read."""
    silent(FORMAT, [activity(), activity()], [place(HUNDRED_KILOBYTES)])


def test_who_logs_in_stays_himself():
    """Whatever a parameter says."""
    for text in TEXTS:
        events = found(FORMAT, activity(parameter=text))
        assert accused(events) == {"mallory"}
        assert len(events) == 1


def test_a_victim_is_told_of_without_success():
    """And what is no name is not kept."""
    logins = parse(
        run_of(*(activity("login_failure", name) for name in ("victim@example.org", "my secret")))
    ).logins
    assert logins.select("account", "success").rows() == [("victim@example.org", False), (None, False)]


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_text_accuses_nobody(text):
    """As above, with what nobody thought of."""
    silent(FORMAT, [activity(), activity()], [place(text) for place in PLACES.values()])


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that are no record are passed over, and those around them are read."""
    lines = [text, "{" + text, "{" + text + "}", '{"events":' + text + "}", '{"id":"' + text + '"}']
    events = found(FORMAT, activity(), *lines, activity())
    assert len(events) == 2
    assert accused(events) == {"mallory"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        activity(application="gmail"),
        '{"createdDateTime":"x","userPrincipalName":"x","ipAddress":"x","status":{"errorCode":0}}',
        '{"SenderAddress":"x","RecipientAddress":"x","Status":"Delivered","FromIP":null}',
        "Nov 24 08:00:01 mx1 postfix/smtp[1]: x",
    ],
)
def test_other_lines_are_not_recognised(line):
    """Those of other exports among them."""
    assert not recognises([line])


def test_login_activities_are_recognised():
    """Also in a list with one of them a line."""
    assert recognises([activity()])
    assert recognises(["[", activity() + ","])
