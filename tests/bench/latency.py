"""How long it takes from the line that crosses the threshold to the account that is shut in a real directory."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import ldap3

from responder.demo.desk import StandInDesk
from responder.demo.mail import StandInMailbox
from responder.demo.sms import StandInSms
from tests.acceptance.site import Responder, systems
from tests.servers.process import wait_for
from tests.servers.slapd import Slapd

POLL = 0.01
SENT, BOUNCED = 96, 14
"""Deliveries of a run before the one that counts: enough for volume and spread, one bounce short of quality."""


def latencies(runs: int, folder: Path, tell: Callable[[str], None]) -> list[float]:
    """Seconds of each run, each with an account of its own.

    The directory is a real slapd over TLS and the service a real ``responder serve`` at an interval of 1 s; the
    ticket desk, the mail relay and the SMS service are the shipped stand-ins.
    """
    with ExitStack() as stack:
        slapd = stack.enter_context(Slapd())
        desk = stack.enter_context(StandInDesk())
        mail = stack.enter_context(StandInMailbox())
        sms = stack.enter_context(StandInSms())
        secrets = {"ldap": slapd.service_password, "desk": desk.token, "sms": sms.auth_token}
        responder = Responder(folder, systems(slapd, desk, mail.port, sms.url), secrets)
        responder.set_policy(containments_an_hour=10_000)
        stack.callback(responder.end)
        responder.start()
        root = stack.enter_context(slapd.session(slapd.root_dn, slapd.root_password))
        random, found = Random(7), []
        for number in range(runs):
            found.append(_one(responder, slapd, root, number, random))
            tell(f"latency: run {number + 1}: {found[-1]:.2f} s")
        responder.stop()
    return found


def _one(responder: Responder, slapd: Slapd, root: Any, number: int, random: Random) -> float:
    """Brings a new account to the brink, waits for any moment between two looks, and pushes it over."""
    person = slapd.add_person(
        f"brink{number:03d}", mobile=f"+3363998{number:04d}", backup_mail=f"brink{number:03d}@example.net"
    )
    queue_id = f"4C9F{number:06X}"
    lines = [
        f"smtpd[7]: {queue_id}: client=unknown[203.0.113.9], sasl_method=PLAIN, sasl_username={person.uid}"
    ]
    lines += [_delivery(queue_id, each, bounced=each < BOUNCED) for each in range(SENT + BOUNCED)]
    responder.append([_stamped(line) for line in lines])
    responder.wait_case(person.uid, state="waiting")
    time.sleep(random.random())
    responder.append([_stamped(_delivery(queue_id, SENT + BOUNCED, bounced=True))])
    began = time.perf_counter()
    wait_for(lambda: _locked(root, person.dn), f"the lock of {person.uid}", every=POLL)
    took = time.perf_counter() - began
    responder.wait_case(person.uid, run_state="done")
    return took


def _locked(root: Any, dn: str) -> bool:
    root.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["pwdAccountLockedTime"])
    return bool(root.response[0]["raw_attributes"]["pwdAccountLockedTime"])


def _stamped(text: str) -> str:
    program = "postfix/submission" if text.startswith("smtpd") else "postfix"
    return f"{datetime.now().astimezone().isoformat(timespec='microseconds')} smtp {program}/{text}"


def _delivery(queue_id: str, number: int, *, bounced: bool) -> str:
    relay = f"mx.shop{number}.example[198.19.0.25]"
    to = f"someone@shop{number}.example"
    outcome = (
        f"dsn=5.1.1, status=bounced (host {relay} said: 550 5.1.1 <{to}>: User unknown (in reply to RCPT TO command))"
        if bounced
        else "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4C9F00)"
    )
    return f"smtp[8]: {queue_id}: to=<{to}>, relay={relay}:25, delay=0.3, delays=0.1/0/0.1/0.1, {outcome}"
