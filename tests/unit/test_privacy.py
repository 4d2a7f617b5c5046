"""Privacy: whom people write to is never kept in clear, and addresses that tell no origin are none."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.events.network import network
from responder.events.privacy import hashed, without_recipients, without_secrets

HEAD = "Nov 24 08:00:01 mx1 postfix/smtp[12]: 4A1B2C3D4E: "
RELAY = "relay=mx.example.com[198.51.100.7]:25, delay=1, delays=0.1/0/0.5/0.4, dsn=5.1.1, status=bounced"


def shown(line: str, kind: str = "delivery") -> str:
    return without_recipients(pl.Series([f"{line}\r\n"]), pl.Series([kind])).item()


def test_the_same_recipient_has_the_same_hash_under_one_key():
    """So that recipients can be counted, and nobody without the key can try names."""
    recipients = pl.Series(["a@example.com", "b@example.com", None, "a@example.com"])
    one, other = hashed(recipients, b"key"), hashed(recipients, b"another key")
    assert one.dtype == pl.UInt64
    assert one[0] == one[3] != one[1]
    assert one[2] is None
    assert one[0] != other[0]


def test_no_recipients_have_no_hashes():
    """Frames of submissions and logins."""
    assert hashed(pl.Series([], dtype=pl.String), b"key").to_list() == []
    assert hashed(pl.Series([None, None], dtype=pl.String), b"key").to_list() == [None, None]


def test_a_key_longer_than_the_hash_takes_is_cut():
    """BLAKE2b takes 64 bytes."""
    recipients = pl.Series(["a@example.com"])
    assert hashed(recipients, b"k" * 100).to_list() == hashed(recipients, b"k" * 64).to_list()


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("anna@example.com", "***@example.com"),
        ("Anna.B+x=y@example.com", "***@example.com"),
        ('"anna b"@example.com', "***@example.com"),
        ('"an\\"na, b>"@example.com', "***@example.com"),
        ('"anna@corp"@example.com', "***@example.com"),
        ("an,na b:c;d(e)@example.com", "***@example.com"),
        ('an"na@example.com', "***@example.com"),
        ("anna", "***"),
        ("jos\u00e9@example.com", "***@example.com"),
    ],
)
def test_a_recipient_s_name_is_left_out_of_its_line(address, left):
    """The domain, the relay and the codes stay: they are the evidence."""
    assert shown(f"{HEAD}to=<{address}>, {RELAY} (no)") == f"{HEAD}to=<{left}>, {RELAY} (no)"


def test_the_address_before_rewriting_is_left_out_too():
    """Both are somebody's."""
    line = f'{HEAD}to=<anna@example.com>, orig_to=<"b c"@example.net>, {RELAY} (no)'
    assert shown(line) == f"{HEAD}to=<***@example.com>, orig_to=<***@example.net>, {RELAY} (no)"


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("550 5.1.1 <anna@example.com>: User unknown", "550 5.1.1 <***@example.com>: User unknown"),
        ("550 No such user anna here", "550 No such user *** here"),
        ('unknown user: "anna"', 'unknown user: "***"'),
        ('550 "b c"@example.com, other@example.net', "550 ***@example.com, ***@example.net"),
        ("250 2.0.0 Ok: queued as 4cDCnd66Hyz1XPWFF", "250 2.0.0 Ok: queued as 4cDCnd66Hyz1XPWFF"),
    ],
)
def test_names_are_left_out_of_the_server_s_reply(reply, left):
    """Servers repeat them, with or without the domain."""
    assert (
        shown(f"{HEAD}to=<anna@example.com>, {RELAY} ({reply})")
        == f"{HEAD}to=<***@example.com>, {RELAY} ({left})"
    )


def test_a_short_name_does_not_shred_the_reply():
    """A letter or two stands in any word."""
    assert shown(f"{HEAD}to=<a@example.com>, {RELAY} (a no)") == f"{HEAD}to=<***@example.com>, {RELAY} (a no)"


@pytest.mark.parametrize("kind", ["submission", "login"])
def test_lines_of_the_account_itself_stay_as_they_are(kind):
    """Whose account it is must be seen."""
    line = "Nov 24 08:00:01 mx1 postfix/smtpd[1]: 4A1B2C3D4E: client=unknown[203.0.113.5], sasl_username=a@example.org"
    assert shown(line, kind) == line


def test_lines_that_were_not_kept_stay_none():
    """A bulk reading keeps none."""
    assert without_recipients(pl.Series([None], dtype=pl.String), pl.Series(["delivery"])).to_list() == [None]


@pytest.mark.parametrize(
    "line",
    [
        "Nov 24 08:00:01 auth-worker(a@example.com,192.0.2.4)<4><Cv>: request [12]: Info: sql: Password mismatch "
        "(given password: @@)",
        "Nov 24 08:00:01 auth(a@example.com,192.0.2.4,sasl:login)<Cv>: Info: sql: Password mismatch "
        "(given password: @@)",
        "Nov 24 08:00:01 mx1 dovecot: auth-worker(103): conn unix:auth-worker (pid=9,uid=1): auth-worker<1>: "
        "sql(a@example.com,192.0.2.4): unknown user (given password: @@)",
        "Nov 24 08:00:01 mx1 dovecot: auth: passwd-file(a@example.com,192.0.2.4): unknown user "
        "(SHA1 of given password: @@)",
    ],
)
def test_a_password_or_its_hash_that_dovecot_logs_is_left_out(line):
    """Whatever it is made of; who failed, from where and why stays."""
    before = line.partition("@@")[0]
    for password in ("Secret123$", "a) b", "21bd12"):
        assert without_secrets(pl.Series([line.replace("@@", password)])).item() == f"{before}***"


names = st.text(
    st.characters(exclude_characters='@>"\\*\r\n', exclude_categories=("Cs",)), min_size=3, max_size=20
)


@settings(max_examples=150, deadline=None)
@given(names, st.booleans())
def test_no_recipient_s_name_is_left_in_any_line(name, quoted):
    """Whatever it is made of, in the fields and in the reply."""
    address = f'"{name}"@example.com' if quoted else f"{name}@example.com"
    found = shown(f"{HEAD}to=<{address}>, orig_to=<{address}>, {RELAY} (550 {name}: <{address}>)")
    fields, _, reply = found.partition(f", {RELAY} ")
    assert fields == f"{HEAD}to=<***@example.com>, orig_to=<***@example.com>"
    assert name not in reply


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.5", "203.0.113.0/24"),
        ("203.0.113.250", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("2001:DB8:1:ffff::5", "2001:db8:1::/48"),
        ("::ffff:203.0.113.5", "203.0.113.0/24"),
        ("172.15.0.1", "172.15.0.0/24"),
    ],
)
def test_the_network_of_an_address(address, found):
    """What a provider gives to one customer or one place."""
    assert network(address) == found


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.1.1",
            "fe80::1%eth0",
        ),
        *(
            "fc00::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "unknown",
            "",
            "localhost",
            "203.0.113.256",
        ),
    ],
)
def test_addresses_that_tell_no_origin_have_no_network(address):
    """Loopback, private and link-local ones: webmail, a proxy, the campus behind its translation."""
    assert network(address) is None
