"""Microsoft 365's message traces: what strangers write into them accuses nobody."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, csv_line, found, payloads, silent

from responder.formats.m365_trace import FORMAT, parse, recognises

RECORD = {
    "MessageId": "<m1@example.org>",
    "Received": "2025-11-24T08:00:01.1234567",
    "SenderAddress": "mallory@example.org",
    "RecipientAddress": "one@example.com",
    "Subject": "Lunch",
    "Status": "Delivered",
    "FromIP": None,
    "MessageTraceId": "00000000-0000-4000-8000-00000000000a",
}
OTHER = "00000000-0000-4000-8000-00000000000b"
FROM_OUTSIDE = {
    "SenderAddress": "x@example.com",
    "RecipientAddress": "bob@example.org",
    "FromIP": "203.0.113.9",
    "MessageTraceId": OTHER,
}
COLUMNS = list(RECORD)
REPORT = {
    "origin_timestamp_utc": "2025-11-24T08:00:01.1234567Z",
    "sender_address": "mallory@example.org",
    "recipient_status": "one@example.com##Receive, Send",
    "message_subject": "Lunch",
    "network_message_id": RECORD["MessageTraceId"],
    "original_client_ip": "203.0.113.5",
    "directionality": "Originating",
    "connector_id": "",
}
INCOMING = {"sender_address": "x@example.com", "network_message_id": OTHER, "directionality": "Incoming"}


def as_json(**fields: str | None) -> str:
    """A record of mallory's message, with other fields than usual."""
    return json.dumps(RECORD | fields, ensure_ascii=False)


def as_csv(**fields: str | None) -> str:
    """The same as CSV."""
    return csv_line([value or "" for value in (RECORD | fields).values()])


def as_report(**fields: str | None) -> str:
    """The same as the enhanced summary report has it."""
    return csv_line([value or "" for value in (REPORT | fields).values()])


WRITTEN = {"json": as_json, "csv": as_csv}
HEAD = {"json": [], "csv": [csv_line(COLUMNS)]}
VICTIMS = {
    name: write(SenderAddress="victim@example.org", MessageTraceId=OTHER) for name, write in WRITTEN.items()
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("field", ["SenderAddress", "RecipientAddress", "Subject", "MessageId"])
def test_what_an_outsider_writes_accuses_nobody(form, field):
    """In JSON and in CSV, whatever the field, also where it imitates a record of either."""
    for victims in VICTIMS.values():
        texts = payloads(victims).values()
        lines = [WRITTEN[form](**FROM_OUTSIDE | {field: text}) for text in texts]
        silent(
            FORMAT, [*HEAD[form], WRITTEN[form](), WRITTEN[form](RecipientAddress="two@example.com")], lines
        )


@pytest.mark.parametrize("form", WRITTEN)
def test_what_an_outsider_writes_does_not_stand_for_a_column_that_is_not_there(form):
    """Without FromIP nobody can tell whose a message is, though its subject has an empty one."""
    for text in (
        '"FromIP":null',
        '\\"FromIP":null',
        '"FromIP"',
        "FromIP",
        '","FromIP":null,"x":"',
        "FromIP: null",
    ):
        fields = {name: value for name, value in RECORD.items() if name != "FromIP"} | {"Subject": text}
        head = [csv_line(list(fields))] if form == "csv" else []
        line = csv_line(list(map(str, fields.values()))) if form == "csv" else json.dumps(fields)
        parsed = parse(run_of(*head, line))
        assert len(parsed.starts) == 0
        assert len(parsed.deliveries) == 1
        assert "has no FromIP" in str(parsed.problems[0])


@pytest.mark.parametrize("field", ["sender_address", "recipient_status", "message_subject"])
def test_what_an_outsider_writes_into_the_report_accuses_nobody(field):
    """What is incoming is nobody's."""
    texts = payloads(as_report(sender_address="victim@example.org", network_message_id=OTHER)).values()
    lines = [as_report(**INCOMING | {field: text}) for text in texts]
    silent(FORMAT, [csv_line(list(REPORT)), as_report(), as_report(network_message_id="c" * 36)], lines)


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("field", ["RecipientAddress", "Subject", "MessageId"])
def test_a_sender_cannot_make_his_message_anothers(form, field):
    """What mallory writes in a message of his own stays his, and does not hide it."""
    for text in [*payloads(VICTIMS[form]).values(), "\ud83d", "\udca9"]:
        line = WRITTEN[form](**{field: text})
        if "\ud83d" in text or "\udca9" in text:
            line = json.dumps(RECORD | {field: text})  # escaped, as half a letter cannot be written
        if form == "csv" and line.startswith("{"):
            continue
        assert accused(found(FORMAT, *HEAD[form], line)) == {"mallory"}


def test_a_hundred_kilobytes_are_passed_over():
    """Such a line is told of and says nothing; those around it are read."""
    silent(
        FORMAT,
        [as_json(), as_json(RecipientAddress="two@example.com")],
        [as_json(**FROM_OUTSIDE | {"Subject": HUNDRED_KILOBYTES})],
    )


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_text_of_an_outsider_accuses_nobody(text):
    """As above, with what nobody thought of."""
    for form, write in WRITTEN.items():
        lines = [
            write(**FROM_OUTSIDE | {field: text})
            for field in ("SenderAddress", "RecipientAddress", "Subject", "MessageId")
        ]
        silent(FORMAT, [*HEAD[form], write(), write(RecipientAddress="two@example.com")], lines)


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that are no record are passed over, and those around them are read."""
    lines = [text, "{" + text, "{" + text + "}", '{"SenderAddress":' + text + "}", "[" + text + "]"]
    events = found(FORMAT, as_json(), *lines, as_json(RecipientAddress="two@example.com"))
    assert len(events) == 3
    assert accused(events) == {"mallory"}


def test_two_halves_of_an_object_are_none():
    """Nor do two objects in a line make up for a line that has none."""
    whole = as_json()
    for lines in ([whole[:50], whole[50:]], [f"{whole},{whole}", "{"], ['{"SenderAddress":[', "]}", whole]):
        parsed = parse(run_of(as_json(), as_json(), *lines))
        assert len(parsed.deliveries) == 2 + lines.count(whole)
        assert parsed.problems


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        '{"SenderAddress":1}',
        '{"id":"1","userPrincipalName":"x","status":{"errorCode":0},"senderAddress":"x"}',
        "Nov 24 08:00:01 mx1 postfix/smtp[1]: x",
        "#Fields: date-time,sender-address,recipient-status,network-message-id",
        '{"kind":"admin#reports#activity","id":{"time":"x"}}',
    ],
)
def test_other_lines_are_not_recognised(line):
    """Those of other exports among them."""
    assert not recognises([line])


def test_records_and_headers_are_recognised():
    """In each of the forms."""
    assert recognises([as_json()])
    assert recognises(["[", as_json() + ","])
    assert recognises([csv_line(COLUMNS), as_csv()])
    assert recognises(["#TYPE x", csv_line(COLUMNS)])
    assert recognises(["\ufeff" + csv_line(list(REPORT))])


def test_the_extended_report_is_not_read_and_told_of_once():
    """It tells of each stage, and would be counted as often."""
    lines = [csv_line([*REPORT, "event_id"]), *(csv_line([*REPORT.values(), "SEND"]) for _ in range(3))]
    parsed = parse(run_of(*lines))
    assert parsed.starts.is_empty()
    assert parsed.deliveries.is_empty()
    assert [str(problem).partition(";")[0] for problem in parsed.problems] == [
        "mail.log:2: is of an extended report, with a record for each stage"
    ]


def test_a_report_in_utf_16_is_read_but_for_its_mark():
    """Sources drop the NUL bytes and tell of them; what is left is the text."""
    data = "\n".join([csv_line(list(REPORT)), as_report()]).encode("utf-16")
    parsed = parse(run_of(data))
    assert parsed.starts["account"].to_list() == ["mallory@example.org"]
    assert len(parsed.problems) == 2


@pytest.mark.shared
def test_the_null_sender_is_no_account(shared):
    """Case 37, in which ``Received`` has no zone and seven digits of a second."""
    case = (shared / "cases" / "37-exchange-null-sender.md").read_text(encoding="utf-8")
    match = re.search(r"```\n(.*)\n```", case)
    assert match
    assert recognises([match[1]])
    parsed = parse(run_of(match[1]))
    assert parsed.problems == ()
    assert parsed.starts.is_empty()
    assert parsed.deliveries.select("time", "recipient", "outcome").rows() == [
        (datetime(2025, 1, 9, 10, 0, 0, 123456), "user@example.org", "sent")  # noqa: DTZ001
    ]
