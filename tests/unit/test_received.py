"""Sources that listen: their keys, every mistake with its place, and certificates that cannot be used."""

from __future__ import annotations

import shutil
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from servers.process import Certificates, make_ca

from responder.errors import BadInput, BadInputs
from responder.site.config import Received, load_config
from responder.sources.tls import server_context

SITE = """\
site: {name: A, domain: example.org, time_zone: Europe/Paris, help_desk: B, key: {env: K}}
sources:
  - follow: /var/log/mail.log
    format: postfix
"""


def loaded(folder: Path, text: str) -> Received:
    (folder / "responder.yaml").write_text(SITE + text, encoding="utf-8")
    source = load_config(folder / "responder.yaml").keys.sources[1]
    assert isinstance(source, Received)
    return source


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(BadInputs) as caught:
        loaded(folder, text)
    return [str(problem).partition("responder.yaml:")[2] for problem in caught.value.problems]


def test_all_its_keys(tmp_path):
    """Beside a file that is followed."""
    source = loaded(
        tmp_path,
        "  - listen: 0.0.0.0:6514\n    format: postfix+dovecot\n    time_zone: UTC\n"
        "    tls: {certificate: a.pem, key: a.key, client_ca: ca.pem}\n"
        "    from: [192.0.2.10, 2001:db8::/32]\n",
    )
    assert source.address == ("0.0.0.0", 6514)
    assert source.networks == [ip_network("192.0.2.10/32"), ip_network("2001:db8::/32")]
    assert source.tls
    assert source.tls.client_ca == Path("ca.pem")


def test_the_fewest_keys(tmp_path):
    """An address of IPv6 is written in brackets, and shortened."""
    source = loaded(tmp_path, '  - {listen: "[2001:DB8:0::1]:0601", format: postfix}\n')
    assert (source.listen, source.address) == ("[2001:db8::1]:601", ("2001:db8::1", 601))
    assert (source.tls, source.networks, source.time_zone) == (None, None, None)


def test_every_mistake_has_its_place(tmp_path):
    """Those of its own kind only."""
    found = mistakes(
        tmp_path,
        "  - listen: 6514\n    tls: {certificate: a.pem, kye: a.key}\n    from: [192.0.2.10/8, relay.example.org]\n"
        "  - {listen: 192.0.2.1:6514, format: postfix, from: []}\n",
    )
    assert [told.partition("unknown key")[0] for told in found] == [
        "5:5: sources.1.listen: input should be a valid string, not 6514",
        "5:5: sources.1.format: is missing",
        "6:5: sources.1.tls.key: is missing",
        "6:31: sources.1.tls.kye: ",
        "7:12: sources.1.from.0: an address or a network, such as 192.0.2.10 or 2001:db8::/32, not '192.0.2.10/8'",
        "7:26: sources.1.from.1: an address or a network, such as 192.0.2.10 or 2001:db8::/32, not 'relay.example.org'",
        "8:47: sources.2.from: list should have at least 1 item after validation, not 0",
    ]
    assert mistakes(tmp_path, "  - {listen: 192.0.2.1:6514, follow: x, format: postfix}\n") == [
        "5:5: sources.1: say 'follow' or 'listen', one of them"
    ]


WRONG = (
    *("mail.example.org:6514", "0.0.0.0", ":6514", "0.0.0.0:0", "0.0.0.0:65536", "192.0.2.256:6514"),
    *("::1:6514", "[192.0.2.1]:6514", "[]:6514", "[::1]:", "", "../x:1"),
)


@pytest.mark.parametrize("listen", WRONG)
def test_where_to_listen_is_an_address_and_a_port(tmp_path, listen):
    """Of which there is a folder of that name."""
    (told,) = mistakes(tmp_path, f'  - {{listen: "{listen}", format: postfix}}\n')
    assert told == (
        f"5:6: sources.1.listen: an address and a port, such as 0.0.0.0:6514 or '[::]:6514', not '{listen}'"
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_ca(tmp_path_factory.mktemp("tls"))


def test_certificates_that_fit(files):
    """With senders' certificates asked for, and without."""
    assert server_context(files.certificate, files.key, None).verify_mode.name == "CERT_NONE"
    assert server_context(files.certificate, files.key, files.ca).verify_mode.name == "CERT_REQUIRED"


@pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
def test_a_file_that_is_not_there(files, tmp_path, name):
    """Which one."""
    given = {"certificate": files.certificate, "key": files.key, "client_ca": files.ca}
    with pytest.raises(BadInput, match=r"nothing\.pem: cannot be read: No such file or directory"):
        server_context(**{**given, name: tmp_path / "nothing.pem"})


def test_files_that_do_not_go_together(files, tmp_path):
    """The key of another certificate; text in a certificate's place; a key that needs a password."""
    other = make_ca(tmp_path)
    with pytest.raises(
        BadInput, match=r"server\.key cannot be used \(key values mismatch\); they must be PEM"
    ):
        server_context(files.certificate, other.key, None)
    text = Path(shutil.copy(__file__, tmp_path / "text"))
    with pytest.raises(BadInput, match=r"text and .* cannot be used \("):
        server_context(text, files.key, None)
    with pytest.raises(BadInput, match=r"text cannot be used \(.*\); it must be PEM"):
        server_context(files.certificate, files.key, text)
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = tmp_path / "locked.key"
    locked.write_bytes(key.private_bytes(pem, form, serialization.BestAvailableEncryption(b"x")))
    with pytest.raises(BadInput, match=r"locked\.key cannot be used \(the key has a password\)"):
        server_context(files.certificate, locked, None)
