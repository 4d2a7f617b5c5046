"""A real OpenLDAP directory: StartTLS and LDAPS, ppolicy, and a service account that may do little."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3

from .process import LOOPBACK, Process, Server, free_port, make_ca, program, run

BASE = "dc=example,dc=org"
PEOPLE_BASE = f"ou=people,{BASE}"
GROUPS_BASE = f"ou=groups,{BASE}"
PROTECTED_GROUP = f"cn=protected-accounts,{GROUPS_BASE}"
ROOT_DN, ROOT_PASSWORD = f"cn=admin,{BASE}", "root-password"
SERVICE_DN, SERVICE_PASSWORD = f"cn=responder,ou=system,{BASE}", "service-password"
TIMEOUT = 10

CONFIGURATION = """\
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema

attributetype ( 1.3.6.1.4.1.7135.1.2.1.15 NAME 'supannMailPerso'
  EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{{256}} )
objectclass ( 1.3.6.1.4.1.7135.1.2.2.2 NAME 'supannPerson' SUP top AUXILIARY
  MAY ( supannMailPerso ) )
attributetype ( 2.16.840.1.113730.3.1.13 NAME 'mailAlternateAddress'
  EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{{256}} )
objectclass ( 2.16.840.1.113730.3.2.3 NAME 'mailRecipient' SUP top AUXILIARY
  MAY ( mailAlternateAddress ) )

pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {folder}/tls/ca.pem
TLSCertificateFile {folder}/tls/server.pem
TLSCertificateKeyFile {folder}/tls/server.key
TLSVerifyClient never
# A password in clear is refused, even from loopback.
security simple_bind=128

database mdb
maxsize 67108864
suffix "{base}"
rootdn "{root}"
rootpw {root_password}
directory {folder}/db
dbnosync
# Fewer than a listing of all has, but for who may have it page by page.
sizelimit 200
limits dn.exact="{service}" size.prtotal=unlimited
index objectClass eq
index uid,mail,supannMailPerso,mailAlternateAddress eq
index cn,sn,givenName eq,sub
index member,memberOf eq
overlay ppolicy
ppolicy_default "cn=default,ou=policies,{base}"
ppolicy_use_lockout
overlay memberof
memberof-refint true

# The service account locks, unlocks and resets passwords; the rest it may only read.
access to dn.subtree="{people}" attrs=userPassword
  by dn.exact="{service}" write
  by self =w
  by anonymous auth
access to dn.subtree="{people}" attrs=pwdAccountLockedTime,pwdReset,pwdFailureTime,pwdPolicySubentry
  by dn.exact="{service}" write
  by * none
access to attrs=userPassword
  by anonymous auth
  by * none
access to *
  by dn.exact="{service}" read
  by self read
  by users search
  by * none
"""


@dataclass(frozen=True)
class Person:
    """One entry under ou=people: what the directory knows of the owner of a mailbox."""

    uid: str
    given_name: str
    surname: str
    password: str
    mobile: str = ""
    backup_mail: str = ""
    language: str = "fr"
    kind: str = "student"
    unit: str = ""
    alternates: tuple[str, ...] = ()
    policy: str = "default"
    groups: tuple[str, ...] = ()

    @property
    def dn(self) -> str:
        """Where the entry stands; `unit` is the folder below ou=people, if any."""
        return (
            f"uid={self.uid},ou={self.unit},{PEOPLE_BASE}" if self.unit else f"uid={self.uid},{PEOPLE_BASE}"
        )

    @property
    def mail(self) -> str:
        """The address of the mailbox."""
        return f"{self.uid}@example.org"

    def attributes(self) -> dict[str, list[str]]:
        """The entry as the directory stores it, without what is empty."""
        name = f"{self.given_name} {self.surname}"
        every = {
            "objectClass": ["inetOrgPerson", "supannPerson", "mailRecipient"],
            "uid": [self.uid],
            "cn": [name],
            "sn": [self.surname],
            "givenName": [self.given_name],
            "displayName": [name],
            "mail": [self.mail],
            "mailAlternateAddress": list(self.alternates),
            "mobile": [self.mobile],
            "supannMailPerso": [self.backup_mail],
            "preferredLanguage": [self.language],
            "employeeType": [self.kind],
            "userPassword": [self.password],
            "memberOf": list(self.groups),
        }
        if self.policy != "default":
            every["pwdPolicySubentry"] = [f"cn={self.policy},ou=policies,{BASE}"]
        return {name: present for name, values in every.items() if (present := [v for v in values if v])}


# Mobile numbers are of the range that the French numbering plan keeps for fiction: 06 39 98 xx xx.
PEOPLE = (
    Person("amartel", "Alice", "Martel", "pw-amartel", "+33639980001", "amartel.home@example.net"),
    Person("bnorton", "Bruce", "Norton", "pw-bnorton", "+33639980002", "bnorton.home@example.net", "en"),
    Person(
        "hlefevre",
        "Hélène",
        "Lefèvre-Noël",
        "pw-hlefevre",
        "+33639980003",
        "hlefevre.home@example.net",
        kind="staff",
        alternates=("helene.lefevre@example.org", "h.noel@example.org"),
    ),
    Person("mli", "梅", "李", "pw-mli", "+33639980004", "mli.home@example.net", "en"),
    Person("cozturk", "Ceyda", "Öztürk", "pw-cozturk", language="en", kind="staff"),
    Person(
        "ksvensson",
        "Kerstin",
        "Svensson",
        "pw-ksvensson",
        "+33639980006",
        "ksvensson.home@example.net",
        "en",
        kind="staff",
        policy="nolockout",
    ),
    Person(
        "gperrin",
        "Gaëlle",
        "Perrin",
        "pw-gperrin",
        "+33639980007",
        "gperrin.home@example.net",
        kind="staff",
        groups=(PROTECTED_GROUP,),
    ),
    Person("library", "Library", "Desk", "pw-library", kind="shared"),
    Person(
        "twin",
        "Thea",
        "Winter",
        "pw-twin-students",
        "+33639980008",
        "twin.home@example.net",
        unit="students",
    ),
    Person("twin", "Tom", "Winter", "pw-twin-staff", "+33639980009", kind="staff", unit="staff"),
)


class Slapd(Server):
    """OpenLDAP under `dc=example,dc=org`; stopped and started again, it keeps ports and data."""

    name = "slapd"
    base = BASE
    people_base = PEOPLE_BASE
    root_dn, root_password = ROOT_DN, ROOT_PASSWORD
    service_dn, service_password = SERVICE_DN, SERVICE_PASSWORD

    def __init__(self, people: Sequence[Person] = PEOPLE) -> None:
        self._slapd, self._slapadd = program("slapd", "slapd"), program("slapadd", "slapd")
        super().__init__()
        self.people = list(people)
        self.port, self.tls_port = free_port(), free_port()
        # From Python 3.12 on, ldap3 looks for the host among a certificate's DNS names only, addresses too.
        self.ca: Path = make_ca(self.folder / "tls", names=("localhost", LOOPBACK)).ca
        self._configuration = self.folder / "slapd.conf"

    @property
    def url(self) -> str:
        """Where StartTLS is spoken."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where TLS is spoken from the first byte."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    def dns_of(self, uid: str) -> list[str]:
        """Every entry of this uid, in the order in which they were added."""
        return [person.dn for person in self.people if person.uid == uid]

    def dn_of(self, uid: str) -> str:
        """The one entry of this uid; `LookupError` when there is none, or more than one."""
        return self._person(uid).dn

    def password_of(self, uid: str) -> str:
        """The password with which this uid was added."""
        return self._person(uid).password

    def bind(self, uid: str, password: str) -> bool:
        """Whether a fresh LDAPS session lets this uid in."""
        return self.bind_dn(self.dn_of(uid), password)

    def bind_dn(self, dn: str, password: str) -> bool:
        """Whether a fresh LDAPS session lets this entry in."""
        connection = self._connection(dn, password)
        try:
            return bool(connection.bind())
        finally:
            _close(connection)

    def read(self, uid: str) -> dict[str, list[str]]:
        """All attributes of an entry, operational ones too (pwdAccountLockedTime), as root sees them."""
        return self.read_dn(self.dn_of(uid))

    def read_dn(self, dn: str) -> dict[str, list[str]]:
        """As `read`, by the entry's place; `LookupError` when there is nothing."""
        with self.session(ROOT_DN, ROOT_PASSWORD) as root:
            if not root.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"]):
                raise LookupError(dn)
            values = root.response[0]["raw_attributes"]
        return {name: [raw.decode(errors="replace") for raw in values[name]] for name in values}

    def modify(self, uid: str, **attributes: str | Sequence[str] | None) -> None:
        """As root, put new values in place of an attribute's old ones; None or nothing removes it."""
        changes = {name: [(ldap3.MODIFY_REPLACE, _values(new))] for name, new in attributes.items()}
        with self.session(ROOT_DN, ROOT_PASSWORD) as root:
            _done(root, root.modify(self.dn_of(uid), changes))

    def add_person(self, uid: str, given_name: str = "Any", surname: str = "Body", **more: Any) -> Person:
        """Add an entry to the running directory; `more` are fields of `Person`."""
        person = Person(uid, given_name, surname, more.pop("password", f"pw-{uid}"), **more)
        attributes = person.attributes()
        attributes.pop("memberOf", None)
        with self.session(ROOT_DN, ROOT_PASSWORD) as root:
            _done(root, root.add(person.dn, attributes=attributes))
            for group in person.groups:
                _done(root, root.modify(group, {"member": [(ldap3.MODIFY_ADD, [person.dn])]}))
        self.people.append(person)
        return person

    @contextmanager
    def session(self, dn: str = SERVICE_DN, password: str = SERVICE_PASSWORD) -> Iterator[ldap3.Connection]:
        """A bound LDAPS session, of the service account unless told otherwise."""
        connection = self._connection(dn, password)
        try:
            _done(connection, connection.bind())
            yield connection
        finally:
            _close(connection)

    def _connection(self, dn: str, password: str) -> ldap3.Connection:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.ca))
        server = ldap3.Server(
            LOOPBACK, self.tls_port, use_ssl=True, tls=tls, get_info=ldap3.NONE, connect_timeout=TIMEOUT
        )
        return ldap3.Connection(server, dn, password, receive_timeout=TIMEOUT)

    def _person(self, uid: str) -> Person:
        found = [person for person in self.people if person.uid == uid]
        if len(found) != 1:
            raise LookupError(f"{len(found)} entries have uid={uid}")
        return found[0]

    def _launch(self) -> Process:
        database = self.folder / "db"
        if not database.exists():
            database.mkdir()
            self._configuration.write_text(
                CONFIGURATION.format(
                    folder=self.folder,
                    base=BASE,
                    people=PEOPLE_BASE,
                    root=ROOT_DN,
                    root_password=ROOT_PASSWORD,
                    service=SERVICE_DN,
                )
            )
            run(self._slapadd, "-q", "-f", self._configuration, stdin=_ldif(self.people))
        # -d keeps it in the foreground and its log out of syslog.
        return Process(
            self._slapd,
            *("-f", self._configuration, "-d", "stats", "-h", f"{self.url}/ {self.tls_url}/"),
            output=self.folder / "slapd.log",
        )

    def _await(self, process: Process) -> None:
        process.wait_port(self.port)
        process.wait_port(self.tls_port)


def _done(connection: ldap3.Connection, success: bool) -> None:
    if not success:
        raise RuntimeError(f"{connection.result['type']}: {connection.result}")


def _close(connection: ldap3.Connection) -> None:
    connection.unbind()
    if connection.socket is not None:  # left open by ldap3 when the connection was never made
        connection.socket.close()


def _values(new: str | Sequence[str] | None) -> list[str]:
    if new is None:
        return []
    return [new] if isinstance(new, str) else list(new)


def _ldif(people: Sequence[Person]) -> str:
    units = [f"ou={unit},{PEOPLE_BASE}" for unit in ("students", "staff")]
    folders = [f"ou={name},{BASE}" for name in ("people", "groups", "policies", "system")]
    protected = [person.dn for person in people if PROTECTED_GROUP in person.groups]
    entries = [
        _entry(BASE, {"objectClass": ["dcObject", "organization"], "dc": ["example"], "o": ["Example"]}),
        *(_entry(dn, {"objectClass": ["organizationalUnit"]}) for dn in (*folders, *units)),
        _entry(
            SERVICE_DN,
            {
                "objectClass": ["organizationalRole", "simpleSecurityObject"],
                "userPassword": [SERVICE_PASSWORD],
            },
        ),
        _policy("default", lockout=True),
        _policy("nolockout", lockout=False),
        *(_entry(person.dn, person.attributes()) for person in people),
        # A group cannot be empty: the service account keeps the place when nobody is protected.
        _entry(PROTECTED_GROUP, {"objectClass": ["groupOfNames"], "member": protected or [SERVICE_DN]}),
    ]
    return "\n".join(entries)


def _policy(name: str, *, lockout: bool) -> str:
    return _entry(
        f"cn={name},ou=policies,{BASE}",
        {
            "objectClass": ["device", "pwdPolicy"],
            "pwdAttribute": ["userPassword"],
            "pwdLockout": ["TRUE" if lockout else "FALSE"],
            "pwdMaxFailure": ["10"],
            "pwdLockoutDuration": ["0"],
            "pwdMustChange": ["TRUE"],
            "pwdAllowUserChange": ["TRUE"],
        },
    )


def _entry(dn: str, attributes: Mapping[str, Sequence[str]]) -> str:
    kind, _, name = dn.partition(",")[0].partition("=")
    lines = [("dn", dn)]
    if kind not in attributes:
        lines.append((kind, name))
    lines.extend((attribute, value) for attribute, values in attributes.items() for value in values)
    # RFC 2849: base64 for every value is always right, and needs no rule about which are safe.
    return "".join(
        f"{attribute}:: {base64.b64encode(value.encode()).decode()}\n" for attribute, value in lines
    )
