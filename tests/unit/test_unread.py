"""Lines that gave no event, by class."""

from __future__ import annotations

from reading import run_of

from responder.events.unread import MOST, OTHERS, Unread, classes
from responder.formats.losses import losses
from responder.formats.postfix import parse

LOGIN = "Nov 24 08:00:01 mx1 postfix/smtpd[11]: 4A1B2C3D4E: client=pc[192.0.2.5], sasl_method=PLAIN, sasl_username=ann"


def unread(*lines: str, first: int = 1) -> Unread:
    """The classes of Postfix's and other lines."""
    found = Unread()
    run = run_of(*lines, first=first)
    found.add(classes(run, parse(run), losses(run)))
    return found


def rows(found: Unread) -> list[tuple[str, str, int, str]]:
    return found.frame().select("program", "form", "count", "place").rows()


def test_lines_of_one_form_are_one_class():
    """Whatever names and numbers stand in them; the most frequent class first, with its first line's place."""
    found = unread(
        LOGIN,
        "Nov 24 08:00:01 mx1 cron[77]: (root) CMD (true)",
        "Nov 24 08:00:01 mx1 postfix/smtpd[11]: connect from pc.example.org[192.0.2.5]",
        "2025-11-24T08:00:02.5+00:00 mx1 postfix/smtpd[12]: connect from unknown[2001:db8::5]",
        "no log line at all",
        first=10,
    )
    assert rows(found) == [
        ("postfix/smtpd", "connect from *", 2, "mail.log:12"),
        ("cron", "* CMD *", 1, "mail.log:11"),
        ("?", "no log line at all", 1, "mail.log:14"),
    ]


def test_a_line_that_gave_an_event_or_a_problem_is_in_no_class():
    """It is told of elsewhere."""
    cut_short = "Nov 24 08:00:01 mx1 postfix/smtp[11]: 4A1B2C3D4E: to=<a@example.com>, status=sent"
    assert rows(unread(LOGIN, cut_short, "")) == []


def test_an_example_shows_no_password_and_no_local_part():
    """Examples are for operators' screens and tickets."""
    (example,) = unread(
        "Nov 24 08:00:01 mx1 dovecot: auth: sql(ann@example.org,192.0.2.5): unknown user (given password: a)b c)"
    ).frame()["example"]
    assert example.endswith("sql(***@example.org,192.0.2.5): unknown user (given password: ***")


def test_ever_new_classes_do_not_fill_the_memory():
    """Strangers write lines too."""
    found = Unread()
    for run in range(4):
        names = ["".join(chr(97 + int(c)) for c in f"{run}{n:04d}") for n in range(MOST)]
        lines = run_of(*(f"Nov 24 08:00:01 mx1 cron[1]: {name}" for name in names))
        found.add(classes(lines, parse(lines), losses(lines)))
    frame = found.frame()
    assert len(frame) == MOST
    assert (frame["form"][-1], frame["count"].sum()) == (OTHERS, 4 * MOST)


def test_classes_of_several_runs_are_added_up():
    """With the place of the first."""
    found = Unread()
    for first in (1, 5):
        lines = run_of("Nov 24 08:00:01 mx1 cron[1]: hello", first=first)
        found.add(classes(lines, parse(lines), losses(lines)))
    assert rows(found) == [("cron", "hello", 2, "mail.log:1")]


def test_a_notice_of_lost_lines_is_no_line_without_an_event():
    """It is an event; what only looks like one is not."""
    notice = "imjournal: 5 messages lost due to rate-limiting"
    found = unread(f"Nov 24 08:00:01 mx1 rsyslogd[7]: {notice}", f"Nov 24 08:00:01 mx1 cron[7]: {notice}")
    assert rows(found) == [("cron", "imjournal: * messages lost due to rate-limiting", 1, "mail.log:2")]
