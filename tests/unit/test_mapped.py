"""JSON lines read by a mapping: mistakes in it are told at once, and what strangers write accuses nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from reading import run_of
from records_kit import HUNDRED_KILOBYTES, accused, anything, found, payloads, silent
from typer.testing import CliRunner

from responder.bootstrap import build
from responder.cli.app import app
from responder.errors import BadInput, BadInputs
from responder.formats import format_named, formats
from responder.site.config import load_config

DOCS = Path(__file__).parents[2] / "docs/how-to"
FORMAT = format_named("mapped:postfix-ecs.yaml", DOCS)
GOOD = """\
time: {field: time}
logins:
  - {when: {kind: login}, account: user, success: {field: ok}}
"""
LOGIN = '{"time":"2025-11-24T08:00:01Z","kind":"login","user":"ann","ok":true}'


def client(account: str | None = "mallory", queue_id: str = "4A1B2C3D4E", **more: object) -> str:
    """Mallory hands in a message."""
    postfix = {"queue_id": queue_id, **({"sasl_username": account} if account else {})}
    return line_of("postfix/submission/smtpd", "client", postfix, **more)


def delivery(to: str = "one@example.com", status: str = "sent", **more: object) -> str:
    """A delivery of mallory's message."""
    postfix = {"queue_id": "4A1B2C3D4E", "to": to, "status": status, "dsn": "2.0.0"}
    return line_of("postfix/smtp", "delivery", postfix, **more)


def line_of(program: str, action: str, postfix: dict[str, str], **more: object) -> str:
    """A line as a shipper writes it."""
    named = {"host": {"name": "mx1"}, "process": {"name": program}, "event": {"action": action}}
    time = {"@timestamp": "2025-11-24T08:00:01Z"}
    return json.dumps(time | named | {"postfix": postfix} | more, ensure_ascii=False)


VICTIMS = client("victim@example.org", "5A1B2C3D4E")
PLACES = {
    "a field that is not mapped": lambda text: delivery(message=text),
    "a key that is not mapped": lambda text: delivery(**{text: "victim@example.org"}),
    "a key like the path of the account": lambda text: client(
        None, "5A1B2C3D4E", **{"postfix.sasl_username": text}
    ),
    "the recipient": lambda text: delivery(to=text),
    "the status": lambda text: delivery(status=text),
    "the program": lambda text: line_of(text, "client", {"queue_id": "5A1B2C3D4E"}),
    "the user of a failed login": lambda text: line_of(
        "dovecot", "login", {}, user={"name": text}, event={"action": "login", "outcome": "failure"}
    ),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_an_outsider_writes_accuses_nobody(place):
    """Whatever it imitates; only the mapped field of a line of the mapped kind names an account."""
    for text in payloads(VICTIMS).values():
        events = found(FORMAT, client(), place(text), client(queue_id="6A1B2C3D4E"))
        assert accused(events) == {"mallory"}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_hundred_kilobytes_are_passed_over(place):
    """Such a line is told of and says nothing; those around it are read."""
    silent(FORMAT, [client(), client(queue_id="6A1B2C3D4E")], [place(HUNDRED_KILOBYTES)])


@settings(max_examples=50, deadline=None)
@given(anything)
def test_any_line_at_all_stops_nothing(text):
    """Lines that are no object are passed over, and those around them are read."""
    lines = [
        text,
        "{" + text,
        "{" + text + "}",
        '{"postfix":' + text + "}",
        *(place(text) for place in PLACES.values()),
    ]
    events = found(FORMAT, client(), *lines, client(queue_id="6A1B2C3D4E"))
    assert accused(events) == {"mallory"}
    assert len(events.filter(kind="submission")) == 2


def test_a_condition_is_the_whole_value():
    """No part of it, no pattern, and letters as they are written."""
    for program in ("postfix/smtpd2", "xpostfix/smtpd", "Postfix/smtpd", "postfix.smtpd", ".*", ""):
        assert not len(found(FORMAT, line_of(program, "client", {"queue_id": "1", "sasl_username": "x"})))


@pytest.fixture
def refused(tmp_path):
    """What is told of a mapping, without the file's name."""

    def told(text: str) -> list[str]:
        file = tmp_path / "mapping.yaml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(BadInputs) as caught:
            format_named(f"mapped:{file}")
        return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]

    return told


def test_every_mistake_is_told_at_once(refused):
    """With its place, and what would be right."""
    path = "a path of keys, such as source.ip"
    assert refused(
        """\
time:
  field: "a..b"
  form: "%Y"
  zone: Mars/X
host: [host, 5]
submissions:
  - when: {"x..y": 1, b: [1, {c: d}]}
    acount: user
    queue_id: q
deliveries:
  - when: {a: b}
    queue_id: q
    recipient: to
    outcome: {field: s, values: {ok: sent, no: lost}}
logins:
  - {when: {}, success: {field: s, values: {x: maybe}}}
"""
    ) == [
        f"2:3: time.field: {path}, not 'a..b'",
        "3:3: time.form: iso, seconds, milliseconds, microseconds, or a pattern of a whole time, such as "
        "%d/%m/%Y %H:%M:%S or with %z, not '%Y'",
        "4:3: time.zone: a time zone of the IANA list, such as Europe/Paris, not 'Mars/X'",
        f"5:1: host: {path}, or a list of them",
        f"7:12: submissions.0.when.x..y.[key]: {path}, not 'x..y'",
        "7:23: submissions.0.when.b: a text, a number, true or false, or a list of them",
        "7:5: submissions.0.account: is missing",
        "8:5: submissions.0.acount: unknown key; did you mean 'account'?",
        "14:44: deliveries.0.outcome.values.no: input should be 'sent', 'deferred', 'bounced', 'expired', "
        "'deliverable' or 'undeliverable', not 'lost'",
        "16:6: logins.0.when: dictionary should have at least 1 item after validation, not 0",
        "16:45: logins.0.success.values.x: input should be a valid boolean, unable to interpret input, "
        "not 'maybe'",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind:", "ok.x:", "1:1: file: ok cannot be a value and have ok.x in it; keep one of them"),
        (
            GOOD[20:],
            "",
            "1:1: file: has no submissions, deliveries, logins or ends; without them nothing is read",
        ),
        (
            "login}",
            "null}",
            "3:13: logins.0.when.kind: a text, a number, true or false, or a list of them, not None",
        ),
        ("time}", "[]}", "1:8: time.field: a path of keys, such as source.ip, or a list of them"),
        ("time: {field: time}\n", "", "1:1: time: is missing"),
    ],
)
def test_a_mistake_is_told(refused, old, new, told):
    """One by one, where others hide it."""
    assert old in GOOD
    assert refused(GOOD.replace(old, new)) == [told]


@pytest.mark.parametrize(
    "form", ["%s", "%Q", "%", "%%", "x", "%b %d %H:%M:%S", "%Y-%m-%d", "%H:%M:%S %Z", "ISO"]
)
def test_a_form_that_tells_no_whole_time_is_refused(refused, form):
    """What lacks the year or the day would be read as any."""
    [told] = refused(GOOD.replace("{field: time}", f'{{field: time, form: "{form}"}}'))
    assert "a pattern of a whole time" in told


def test_a_mapping_stands_alone_or_behind_others(tmp_path):
    """Its path is all that follows, with a plus sign too, and counts from the folder."""
    (tmp_path / "a+b.yaml").write_text(GOOD, encoding="utf-8")
    alone = format_named("mapped:a+b.yaml", tmp_path)
    assert (alone.name, alone.logins_only) == (f"mapped:{tmp_path / 'a+b.yaml'}", True)
    assert not alone.recognises([LOGIN])
    both = format_named("dovecot+mapped:a+b.yaml", tmp_path)
    assert both.name == f"dovecot+{alone.name}"
    assert both.parse(run_of(LOGIN)).logins["account"].to_list() == ["ann"]
    assert "mapped" not in formats()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("maped:x.yaml", r"no log format 'maped:x.yaml'"),
        (
            "dovecto+posfix+mapped:x.yaml",
            r"'dovecto'; did you mean 'dovecot'\?\n.*'posfix'; did you mean 'postfix'\?",
        ),
        ("mapped:x.yaml", r"x\.yaml: cannot be read: No such file or directory"),
        ("mapped:", r"cannot be read: Is a directory"),
        ("", r"no log format ''"),
    ],
)
def test_names_that_are_none_are_told(tmp_path, name, told):
    """Each of them."""
    with pytest.raises(BadInput, match=told):
        format_named(name, tmp_path)


def test_the_command_line_counts_from_the_working_directory(tmp_path, monkeypatch):
    """As every path there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "mail.json").write_text(f"{LOGIN}\n", encoding="utf-8")
    done = CliRunner().invoke(
        app, ["events", "mail.json", "--format", "mapped:mapping.yaml", "--zone", "UTC"]
    )
    assert done.exit_code == 0
    [event] = map(json.loads, done.stdout.splitlines())
    assert (event["account"], event["success"]) == ("ann", True)


def test_the_configuration_counts_from_its_folder(tmp_path):
    """And tells of a mistake in a mapping with those of its own, each with its place."""
    (tmp_path / "mapping.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(GOOD.replace("time: {field: time}\n", ""), encoding="utf-8")
    file = tmp_path / "responder.yaml"
    sources = "\n".join(
        f"  - {{follow: mail.json, format: {name}}}"
        for name in ("mapped:mapping.yaml", "mapped:bad.yaml", "x")
    )
    file.write_text(
        "site: {name: x, domain: example.org, time_zone: UTC, help_desk: help@example.org, key: {env: X}}\n"
        f"sources:\n{sources}\n",
        encoding="utf-8",
    )
    with pytest.raises(BadInputs) as caught:
        build(load_config(file))
    told = [str(problem) for problem in caught.value.problems]
    assert f"{tmp_path / 'bad.yaml'}:1:1: time: is missing" in "\n".join(told)
