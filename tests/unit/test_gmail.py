"""Gmail's log of messages sent: what strangers write into it accuses nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, found, payloads, silent

from responder.formats.gmail import FORMAT, parse, recognises

MESSAGE = {
    "rfc2822_message_id": "<m1@mail.example.org>",
    "subject": "Lunch",
    "address": "mallory@example.org",
    "from_header_address": "mallory@example.org",
    "from_header_displayname": "Mallory",
    "service": "gmail-ui",
    "flattened_destinations": "smtp-outbound::one@example.com",
}
SOURCE = ("address", "service", "from_header_address", "from_header_displayname")
WRITTEN = ["rfc2822_message_id", "subject", "from_header_address", "from_header_displayname", "address"]
"""What a sender writes."""

RECEIVED = {"kind": 2, "service": "smtp-inbound", "email": "bob@example.org"}


def parameter(name: str, value: Any) -> dict[str, Any]:
    """A parameter as the Reports API has it."""
    if isinstance(value, dict):
        return {"name": name, "messageValue": {"parameter": [parameter(*each) for each in value.items()]}}
    return {"name": name, "intValue" if isinstance(value, int) else "value": value}


def records(kind: int, fields: dict[str, str]) -> dict[str, Any]:
    """The two records of a message of mallory's, with other fields than usual."""
    own = MESSAGE | fields
    source = {name: own.pop(name) for name in SOURCE}
    event = {"mail_event_type": kind, "timestamp_usec": 1763971201778000}
    return {"event_info": event, "message_info": {**own, "source": source}}


def as_activity(kind: int = 1, email: str | None = "mallory@example.org", **fields: str) -> str:
    """A record as the Reports API has it."""
    identity = {"time": "2025-11-24T08:00:01.778Z", "uniqueQualifier": "834", "applicationName": "gmail"}
    parameters = [parameter(*each) for each in records(kind, fields).items()]
    events = [{"type": "delivery_type", "name": "delivery", "parameters": parameters}]
    whole = {"id": identity, "actor": {"email": email}, "ipAddress": "203.0.113.5", "events": events}
    return json.dumps(whole, ensure_ascii=False)


def as_row(kind: int = 1, email: str | None = "mallory@example.org", **fields: str) -> str:
    """The same as BigQuery has it."""
    row = {"email": email, "record_type": "gmail", "gmail": records(kind, fields)}
    return json.dumps(row, ensure_ascii=False)


FORMS = {"activity": as_activity, "row": as_row}
EVERY_FIELD = [*WRITTEN, "flattened_destinations"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", EVERY_FIELD)
def test_what_an_outsider_writes_accuses_nobody(form, field):
    """Whatever the field of a message that was received, also where it imitates a record."""
    write = FORMS[form]
    for victims in FORMS.values():
        texts = payloads(victims(email="victim@example.org")).values()
        silent(FORMAT, [write(), write()], [write(**RECEIVED | {field: text}) for text in texts])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("service", ["smtp-inbound", "smtp-relay"])
def test_a_message_by_another_server_accuses_nobody(form, service):
    """Though it is called sent, and whoever is named."""
    line = FORMS[form](email="victim@example.org", service=service)
    silent(FORMAT, [FORMS[form](), FORMS[form]()], [line])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", EVERY_FIELD)
def test_a_sender_cannot_make_his_message_anothers(form, field):
    """What mallory writes in a message of his own stays his, and does not hide it."""
    texts = [*payloads(FORMS[form](email="victim@example.org")).values(), "\ud83d"]
    lines = [FORMS[form](**{"rfc2822_message_id": f"<{n}>", field: text}) for n, text in enumerate(texts)]
    lines[-1] = json.dumps(json.loads(lines[-1]))  # escaped, as half a letter cannot be written
    events = found(FORMAT, *lines)
    assert accused(events) == {"mallory"}
    assert len(events.filter(kind="submission")) == len(texts)


@pytest.mark.parametrize("form", FORMS)
def test_a_message_id_of_anothers_gives_him_no_recipients(form):
    """Whoever knows the id of a message may send one with it, from inside and from outside."""
    write = FORMS[form]
    theirs = write(email="victim@example.org")
    mine = write(flattened_destinations="smtp-outbound::two@example.com")
    events = found(FORMAT, theirs, mine, write(**RECEIVED), mine)
    assert events.select("kind", "account", "recipient").rows() == [
        ("submission", "victim", None),
        ("delivery", "victim", "one@example.com"),
        ("submission", "mallory", None),
        ("delivery", "mallory", "two@example.com"),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_kilobytes_are_passed_over(form):
    """Such a line is told of and says nothing; those around it are read."""
    write = FORMS[form]
    silent(FORMAT, [write(), write()], [write(**RECEIVED | {"subject": HUNDRED_KILOBYTES})])


@settings(max_examples=50, deadline=None)
@given(anything)
def test_any_text_of_an_outsider_accuses_nobody(text):
    """As above, with what nobody thought of."""
    for write in FORMS.values():
        lines = [write(**RECEIVED | {field: text}) for field in EVERY_FIELD]
        silent(FORMAT, [write(), write()], lines)


@settings(max_examples=50, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that are no record are passed over, and those around them are read."""
    lines = [text, "{" + text, "{" + text + "}", '{"events":' + text + "}", '{"gmail":"' + text + '"}']
    events = found(FORMAT, as_row(), *lines, as_activity(rfc2822_message_id="<m2>"))
    assert len(events) == 4
    assert accused(events) == {"mallory"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        as_activity().replace('"gmail"', '"login"'),
        json.dumps({"subject": as_row()}),
        '{"SenderAddress":"x","RecipientAddress":"x","Status":"Delivered","FromIP":null}',
        "Nov 24 08:00:01 mx1 postfix/smtp[1]: x",
    ],
)
def test_other_lines_are_not_recognised(line):
    """Those of other exports among them, and those that hold a record as text."""
    assert not recognises([line])


def test_records_are_recognised():
    """In both forms, and in a list with one of them a line."""
    assert recognises([as_activity()])
    assert recognises([as_row()])
    assert recognises(["[", as_row() + ","])


def test_text_is_kept_as_evidence():
    """The whole line."""
    line = as_activity()
    parsed = parse(run_of(line, keep_text=True))
    assert [frame["text"].to_list() for frame in (parsed.starts, parsed.deliveries)] == [[f"{line}\n"]] * 2
