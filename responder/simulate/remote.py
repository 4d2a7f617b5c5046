"""What other sites' servers answer, as Postfix writes it down."""

from __future__ import annotations

from random import Random

from responder.simulate.network import Place

UNKNOWN = (
    "550 5.1.1 <{to}>: Recipient address rejected: User unknown",
    "550 5.1.1 The email account that you tried to reach does not exist",
    "550 5.1.1 <{to}> User doesn't exist",
)
ANSWERS = {
    "spam": ("5.7.1", "bounced", "550 5.7.1 Message refused, it looks like unsolicited mail", "end of DATA"),
    "full": ("5.2.2", "bounced", "552 5.2.2 <{to}>: mailbox full", "RCPT TO"),
    "greylisted": (
        "4.2.0",
        "deferred",
        "450 4.2.0 <{to}>: Recipient address rejected: Greylisted",
        "RCPT TO",
    ),
    "limited": ("4.7.0", "deferred", "421 4.7.0 Too much mail from your address, try later", "MAIL FROM"),
}
"""Code, status and text, and the command that was answered."""
LATER = ("greylisted", "timeout", "limited")
"""Fates of which Postfix tries again."""


def attempt(address: str, server: Place, fate: str, delay: float, took: float, random: Random) -> str:
    """One try to deliver, from ``relay=`` on; ``delay`` counts from the message's arrival, ``took`` is this try."""
    text = f"{delay:.2g}" if delay < 99 else str(round(delay))
    delays = f"delay={text}, delays={max(delay - took, 0.02):.6g}/0.01/0.1/{took:.2g}"
    where = f"{server.name}[{server.ip}]"
    if fate == "nohost":
        domain = address.rpartition("@")[2]
        why = f"Host or domain name not found. Name service error for name={domain} type=A: Host not found"
        return f"relay=none, {delays}, dsn=5.4.4, status=bounced ({why})"
    if fate == "timeout":
        why = f"connect to {where}:25: Connection timed out"
        return f"relay=none, {delays}, dsn=4.4.1, status=deferred ({why})"
    relay = f"relay={where}:25, {delays}"
    if fate == "sent":
        return f"{relay}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {random.getrandbits(44):011X})"
    if fate == "unknown":
        dsn, status, answer, command = "5.1.1", "bounced", UNKNOWN[len(server.name) % 3], "RCPT TO"
    else:
        dsn, status, answer, command = ANSWERS[fate]
    said = f"host {where} said: {answer.format(to=address)} (in reply to {command} command)"
    return f"{relay}, dsn={dsn}, status={status} ({said})"
