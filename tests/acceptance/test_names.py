"""Logins by an alias count for the account that the directory knows, live and on old logs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from servers.slapd import Slapd

from .site import ZONE, Responder, systems

UID, ALIAS = "hlefevre", "helene.lefevre@example.org"
NOWHERE = "http://127.0.0.1:9"


def mail(login: str, first: int, number: int) -> list[str]:
    """A message that ``login`` hands in now for so many recipients, each of another domain."""
    queue_id, head = (
        f"4A1B2C{first:04X}",
        f"{datetime.now(ZoneInfo(ZONE)).strftime('%b %e %H:%M:%S')} mx1 postfix",
    )
    relay = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4"
    return [
        f"{head}/smtpd[1]: {queue_id}: client=x[203.0.113.5], sasl_method=PLAIN, sasl_username={login}",
        *(
            f"{head}/smtp[2]: {queue_id}: to=<a@shop{each}.example>, {relay}, dsn=2.0.0, status=sent (250 ok)"
            for each in range(first, first + number)
        ),
    ]


def test_a_hijack_by_an_alias_is_a_case_of_the_account(tmp_path: Path, fresh_slapd: Slapd) -> None:
    """Half by each name, with a loss of power and of the directory between; old logs are read alike."""
    parts = systems(fresh_slapd, SimpleNamespace(url=NOWHERE, queue="Q"), 9, NOWHERE)
    secrets = {"ldap": fresh_slapd.service_password, "desk": "token", "sms": "token"}
    responder = Responder(tmp_path / "site", parts, secrets)
    responder.set_policy(mode="ask")
    try:
        responder.start()
        responder.append(mail(UID, 0, 40))
        responder.kill()
        fresh_slapd.stop()
        responder.start()
        responder.append(mail(ALIAS, 100, 40))
        responder.wait_case(UID, state="waiting")
        assert [case["account"] for case in responder.cases()] == [UID]
        told = responder.errors().count("no names from the directory; those that were kept go on to hold")
        assert told == 1

        events = [json.loads(line) for line in responder.ok("events", responder.log).splitlines()]
        assert {event["account"] for event in events} == {UID}
        assert {each["account"] for each in responder.json("backtest", responder.log)["verdicts"]} == {UID}
        responder.stop()
    finally:
        responder.end()
