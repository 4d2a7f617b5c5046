"""The demonstration's morning: what is shipped is what the generator makes, and tells its story."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from responder.demo.morning import HIJACK_AT, PEOPLE, SHIPPED, START, morning
from responder.demo.people import BYSTANDER, VICTIM
from responder.demo.postfix import stamp

LINES = SHIPPED.read_text(encoding="utf-8").splitlines()
HANDED_IN = re.compile(
    r".{15} (\S+) \S+smtpd\[\d+\]: (\w+): client=(\S+\[(.+)\])(?:, sasl_method=\w+, sasl_username=(\S+))?"
)
DELIVERED = re.compile(
    r".{15} (\S+) postfix/(?:smtp|lmtp)\[\d+\]: (\w+): to=<(\S+)>, .* dsn=(\S+), status=(\w+) "
)
ALLOWED = re.compile(r".*(\.|^)(example|example\.org|example\.net)$")


def matches(pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for line in LINES if (match := pattern.match(line))]


def hijacked() -> set[tuple[str, str]]:
    """The messages of the victim that came from abroad, by host and queue id."""
    foreign = ("203.0.113.", "198.51.100.", "192.0.2.")
    return {(m[1], m[2]) for m in matches(HANDED_IN) if m[5] == VICTIM and m[4].startswith(foreign)}


def test_the_shipped_log_is_what_the_generator_makes():
    """Run ``python -m responder.demo.morning`` after changing the generator."""
    assert [line for _, line in morning()] == LINES


def test_the_same_seed_gives_the_same_morning_on_any_day():
    """Another seed gives another morning; another day changes only what depends on the time."""
    assert [line for _, line in morning(seed=1)] != LINES
    later = [line for _, line in morning(START + timedelta(days=3))]
    assert [line[7:15] for line in later] == [line[7:15] for line in LINES]
    assert later[0].startswith("Nov 27 ")


def test_lines_are_in_order_and_stamped_with_their_moment():
    """The seconds that go with a line are those of its stamp."""
    timed = list(morning())
    assert all(one <= other for (one, _), (other, _) in pairwise(timed))
    assert all(line.startswith(stamp(START + timedelta(seconds=at))) for at, line in timed)


def test_every_message_has_a_whole_life():
    """Queue ids are never used twice on a host, and each ends with ``removed`` after its last delivery."""
    removed = matches(re.compile(r".{15} (\S+) postfix/qmgr\[\d+\]: (\w+): removed"))
    begun = matches(re.compile(r".{15} (\S+) postfix/cleanup\[\d+\]: (\w+): message-id=<"))
    lives = Counter((match[1], match[2]) for match in begun)
    assert set(lives.values()) == {1}
    assert set(lives) == {(match[1], match[2]) for match in removed}
    assert {bool(re.fullmatch(r"[0-9A-F]+", queue_id)) for host, queue_id in lives if host == "mail1"} == {
        True
    }
    assert {"z" in queue_id[10:] for host, queue_id in lives if host == "mail2"} == {True}
    assert {len(queue_id) >= 12 for host, queue_id in lives if host == "mail2"} == {True}


def test_one_mailbox_is_hijacked():
    """About 45 messages in four minutes from three networks to some 280 domains, a third of them bouncing."""
    messages = hijacked()
    deliveries = [match for match in matches(DELIVERED) if (match[1], match[2]) in messages]
    recipients = {match[3] for match in deliveries}
    unknown = {match[3] for match in deliveries if match[4] == "5.1.1"}
    assert len(messages) == 45
    assert 260 <= len(recipients) <= 300
    assert len({address.partition("@")[2] for address in recipients}) == len(recipients)
    assert 0.25 <= len(unknown) / len(recipients) <= 0.36
    assert any(match[4] == "5.7.1" for match in deliveries)
    clients = {match[4] for match in matches(HANDED_IN) if (match[1], match[2]) in messages}
    assert len(clients) == 3
    assert {host for host, _ in messages} == {"mail1", "mail2"}
    seconds = [at for at, line in morning() if f"sasl_username={VICTIM}" in line and at > HIJACK_AT]
    assert max(seconds) - HIJACK_AT < 300


def test_nobody_else_looks_like_it():
    """Other accounts, the bystander among them, write a few messages to a few people."""
    accounts = Counter((match[5] or "").partition("@")[0] for match in matches(HANDED_IN))
    del accounts[""]
    assert accounts[BYSTANDER] > 0
    assert accounts.pop(VICTIM) == 49
    assert max(accounts.values()) <= 6
    assert set(accounts) <= {person.uid for person in PEOPLE}


def test_the_ordinary_is_there_too():
    """Webmail, lists and other servers without a login, deferred mail, guesses at the victim's password."""
    clients = [(match[3], match[5]) for match in matches(HANDED_IN)]
    assert any(client == "localhost[127.0.0.1]" and login for client, login in clients)
    assert any(client.startswith("lists.") and not login for client, login in clients)
    assert sum(client.startswith("mx1.") and not login for client, login in clients) > 50
    assert any(" status=deferred " in line for line in LINES)
    failed = [line for line in LINES if "authentication failed" in line]
    assert any(line.endswith(f"sasl_username={VICTIM}") for line in failed)
    assert len({line.rpartition("=")[2] for line in failed}) > 3


def test_all_names_and_numbers_are_reserved_ones():
    """No domain outside example.org, example.net and .example, no address or telephone of anybody's."""
    text = "\n".join(LINES)
    domains = set(re.findall(r"@([\w.-]+)>", text)) | set(
        re.findall(r"(?:client|relay)=([\w.-]+\.[a-z]+)\[", text)
    )
    assert {
        domain
        for domain in domains
        if not ALLOWED.match(domain.removeprefix("mail1.").removeprefix("mail2."))
    } == set()
    reserved = ("10.", "127.0.0.1", "192.0.2.", "198.18.", "198.19.", "198.51.100.", "203.0.113.")
    assert {
        ip for ip in re.findall(r"\[(\d+\.\d+\.\d+\.\d+)\]", text) if not ip.startswith(reserved)
    } == set()
    assert all(re.fullmatch(r"\+3363998\d{4}|", person.mobile) for person in PEOPLE)


def test_people():
    """Sixty different people; the victim and the bystander can be told, some others cannot."""
    assert len({person.uid for person in PEOPLE}) == len(PEOPLE) == 60
    told = {person.uid: person for person in PEOPLE if person.uid in (VICTIM, BYSTANDER)}
    assert len(told) == 2
    assert all(person.mobile and person.backup_address for person in told.values())
    assert {person.employee_type for person in PEOPLE} == {"staff", "student"}
    assert {"fr", "en"} == {person.language for person in PEOPLE}
    assert any(not person.mobile for person in PEOPLE)
    assert any(not person.backup_address for person in PEOPLE)
