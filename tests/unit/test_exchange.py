"""Exchange's tracking logs: what strangers write into them accuses nobody, and what real ones say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, csv_line, found, payloads, records_of, silent

from responder.formats import exchange
from responder.formats.exchange import FORMAT, LAYOUTS, NEWEST, OLDEST, parse, recognises

OWN = "6a638d20-1e63-493a-80a2-08da9a4ff8da"
OTHER = "7b749e31-2f74-4a4b-91b3-19eb0b500a4b"
HEADER = f"#Fields: {NEWEST}"
DEFAULTS = {
    "date-time": "2025-11-24T08:00:01.450Z",
    "client-hostname": "EX1",
    "server-hostname": "EX1",
    "source": "STOREDRIVER",
    "event-id": "RECEIVE",
    "internal-message-id": "438",
    "message-id": "<aa@example.org>",
    "network-message-id": OWN,
    "recipient-address": "one@example.com",
    "recipient-status": "To",
    "message-subject": "Lunch",
    "sender-address": "mallory@example.org",
    "return-path": "mallory@example.org",
    "directionality": "Originating",
    "original-client-ip": "203.0.113.5",
}


def line(layout: str = NEWEST, **fields: str) -> str:
    """A line of mallory's message, with other fields than usual."""
    values = DEFAULTS | {name.replace("_", "-"): value for name, value in fields.items()}
    return csv_line([values.get(name, "") for name in layout.split(",")])


START = line()
SENT = line(
    source="SMTP",
    event_id="SEND",
    connector_id="To the Internet",
    recipient_status="250 2.1.5 ok",
    recipient_address="one@example.com",
)
VICTIMS = line(
    sender_address="victim@example.org", return_path="victim@example.org", network_message_id=OTHER
)
PAYLOADS = payloads(VICTIMS)

FROM_OUTSIDE = {
    "source": "SMTP",
    "connector_id": "EX1\\Default EX1",
    "directionality": "Incoming",
    "network_message_id": OTHER,
    "sender_address": "x@example.com",
    "return_path": "x@example.com",
}
PLACES = {
    "sender of a message from outside": lambda text: line(**FROM_OUTSIDE | {"sender_address": text}),
    "return path of a message from outside": lambda text: line(**FROM_OUTSIDE | {"return_path": text}),
    "both": lambda text: line(**FROM_OUTSIDE | {"sender_address": text, "return_path": text}),
    "recipient from outside": lambda text: line(**FROM_OUTSIDE | {"recipient_address": text}),
    "message id from outside": lambda text: line(**FROM_OUTSIDE | {"message_id": text}),
    "subject from outside": lambda text: line(**FROM_OUTSIDE | {"message_subject": text}),
    "host name from outside": lambda text: line(**FROM_OUTSIDE | {"client_hostname": text}),
    "message id of one that is handed on": lambda text: line(
        **FROM_OUTSIDE | {"event_id": "SEND", "connector_id": "x", "message_id": text}
    ),
    "subject of one that is delivered": lambda text: line(
        **FROM_OUTSIDE | {"event_id": "DELIVER", "source": "STOREDRIVER", "message_subject": text}
    ),
    "reply to one from outside": lambda text: line(
        **FROM_OUTSIDE | {"event_id": "FAIL", "recipient_status": text, "source_context": text}
    ),
    "agent's line": lambda text: line(source="AGENT", event_id="AGENTINFO", custom_data=text),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("head", [[HEADER], []], ids=["header", "no header"])
def test_what_an_outsider_writes_accuses_nobody(place, head):
    """With and without the header among the lines."""
    silent(FORMAT, [*head, START, SENT], map(place, PAYLOADS.values()))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_hundred_kilobytes_are_passed_over(place):
    """Such a line is told of and says nothing; those around it are read."""
    silent(FORMAT, [START, SENT], [place(HUNDRED_KILOBYTES)])


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_text_of_an_outsider_accuses_nobody(text):
    """As above, with what nobody thought of."""
    silent(FORMAT, [START, SENT], [place(text) for place in PLACES.values()])


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that no Exchange wrote are passed over."""
    events = found(FORMAT, START, text, f"2025-11-24T08:00:01.450Z,{text},RECEIVE,{text}", SENT)
    assert accused(events) <= {"mallory"}
    if '"' not in text:
        assert len(events) == 2


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("field", ["message_subject", "message_id", "recipient_address"])
def test_a_sender_cannot_make_his_message_anothers(field, payload):
    """What mallory writes in a message of his own stays his."""
    assert accused(found(FORMAT, line(**{field: payload}), SENT)) == {"mallory"}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_remote_server_cannot_make_a_failure_anything_else(payload):
    """Its text stands after the code; the message stays mallory's and the recipients stay those that were."""
    failed = line(
        source="SMTP",
        event_id="FAIL",
        recipient_address="one@example.com",
        recipient_status=f"[{{LRT=}};{{LED=550 5.1.1 {payload}}};{{FQDN=}};{{IP=}}]",
    )
    events = found(FORMAT, START, failed)
    assert events.select("kind", "account", "recipient", "outcome", "dsn").rows()[1:] == [
        ("delivery", "mallory", "one@example.com", "bounced", "5.1.1")
    ]


def test_text_in_a_field_with_line_breaks_is_no_line():
    """If a line break ever came into a subject, what follows it would be somebody's own text."""
    broken = line(message_subject=f"x\n{VICTIMS}\n{VICTIMS}\ny", network_message_id=OTHER)
    assert accused(found(FORMAT, START, *broken.split("\n"), SENT)) == {"mallory"}


def test_one_bad_line_loses_no_other():
    """Cut short in a field without quotation marks, or in one with them."""
    for bad in (START[:60] + ",RECEIVE,", START + ',"RECEIVE,', START + ',"a"b,RECEIVE,', '"'):
        lines = run_of(START, bad, SENT)
        assert (len(parse(lines).starts), len(parse(lines).deliveries)) == (1, 1)
        assert [problem.line for problem in parse(lines).problems] == [2]


def test_each_layout_is_known_by_its_number_of_columns():
    """The names are as many as they are told to be in Microsoft's files."""
    assert [len(layout) for layout in LAYOUTS] == [21, 26, 27, 30]
    assert recognises([line(OLDEST)])


@pytest.mark.parametrize(
    "log", ["ECP Activity Context Log", "SMTP Receive Protocol Log", "OWA HttpProxy Logs"]
)
def test_another_log_of_exchange_is_not_recognised(log):
    """They begin alike."""
    assert not recognises(
        ["#Software: Microsoft Exchange Server", f"#Log-type: {log}", "#Fields: DateTime,x"]
    )


def test_no_line_of_another_format_is_recognised():
    """Nor an empty one."""
    assert not recognises(
        ["", "Nov 24 08:00:01 mx1 postfix/smtp[1]: ,STOREDRIVER,RECEIVE,", "2025,a,b", "{}"]
    )


@pytest.mark.shared
def test_real_lines_say_what_was_expected_of_them(shared):
    """AGENTINFO and HAREDIRECT are stages, and count for nothing."""
    file = shared / "corpora" / "exchange-tracking.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    expected = records_of(shared / "corpora" / "expected.jsonl", file.name)
    assert {record["expected"]["event_id"] for record in expected} == {"AGENTINFO", "HAREDIRECT"}
    assert recognises(lines)
    assert found(FORMAT, *lines).is_empty()
    assert parse(run_of(*lines)).problems == ()
    for record in expected:  # the fields, which no event is made of, are read all the same
        said = lines[record["line"] - 1]
        fields = dict(zip(NEWEST.split(",")[:27], exchange.header_of(said), strict=True))
        wanted = record["expected"]
        assert fields["date-time"] == wanted["timestamp"]
        assert fields["sender-address"] == wanted["sender"]
        assert fields["recipient-address"].split(";") == wanted["recipients"]
        assert fields["message-id"] == wanted["message_id"]


@pytest.mark.shared
def test_another_log_of_exchange_in_the_corpora_is_not_recognised(shared):
    """It is a log of web calls."""
    for name in ("exchange-ews-not-tracking", "exchange-smtp-protocol", "exchange-imap4", "exchange-pop3"):
        file = shared / "corpora" / f"{name}.csv"
        assert not recognises(file.read_text(encoding="utf-8").splitlines())


@pytest.mark.shared
def test_a_zone_in_an_address_loses_no_line(shared):
    """NOTIFYMAPI is no submission; the same address in a line that is one loses the zone only."""
    case = (shared / "cases" / "39-exchange-ipv6-zone-id-in-client-ip.md").read_text(encoding="utf-8")
    match = re.search(r"```\n(.*)\n```", case)
    assert match
    parsed = parse(run_of(match[1]))
    assert parsed.starts.is_empty()
    assert parsed.problems == ()
    start = found(FORMAT, line(original_client_ip="fe80::1234:5678:4321:1010%3"))
    assert start["client_ip"].to_list() == ["fe80::1234:5678:4321:1010"]
