"""OpenLDAP with its password policy overlay, over LDAP version 3.

An account is shut by ``pwdAccountLockedTime: 000001010000Z``, which the overlay takes as "locked until an
administrator unlocks it" (slapo-ppolicy(5)). Every operation has a connection of its own.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, model_validator

from responder.errors import AccountAmbiguous, AccountNotFound, ChangedMeanwhile, SystemRefused
from responder.site.secret import Secret
from responder.site.yaml import Written
from responder.systems.aliases import Aliases, settled
from responder.systems.contact import e164, mail_address
from responder.systems.directory import LockState, Owner
from responder.systems.facts import SiteFacts
from responder.systems.ldap import Changes, Entry, LdapClient, TooManyEntriesError, escaped
from responder.systems.loopback import is_loopback

LOCK = "pwdAccountLockedTime"
FOR_GOOD = "000001010000Z"
POLICY = "pwdPolicySubentry"


Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class OpenLdapSettings(Written):
    """``systems: directory:`` for OpenLDAP. ``servers``: URLs, tried in order; ``timeout``: seconds.

    ``aliases``: attributes whose addresses people log in with, too; such a login counts for the account of the
    entry. An address that is somebody else's login or that two entries have is nobody's. ``[]``: none.
    """

    kind: Literal["openldap"]
    servers: list[str] = Field(min_length=1)
    start_tls: bool = False
    allow_clear_text: bool = False
    ca_file: FilePath | None = None
    bind_dn: str
    password: Secret
    base: str
    login_attribute: str = "uid"
    mail_attribute: str = "mail"
    name_attribute: str = "displayName"
    backup_address_attribute: str = "supannMailPerso"
    mobile_attribute: str = "mobile"
    language_attribute: str = "preferredLanguage"
    aliases: list[Attribute] = ["mail", "mailAlternateAddress"]
    default_policy: str | None = None
    timeout: int = Field(default=10, ge=1, le=120)

    @model_validator(mode="after")
    def _safe(self) -> OpenLdapSettings:
        for server in self.servers:
            url = urlsplit(server)
            if url.scheme not in ("ldap", "ldaps") or not url.hostname:
                raise ValueError(f"servers: {server!r} is no ldap:// or ldaps:// URL")
            if url.scheme == "ldaps" and self.start_tls:
                raise ValueError(
                    f"start_tls: {server} has TLS from the start; use ldap:// or leave start_tls out"
                )
            if url.scheme == "ldap" and not self.start_tls:
                self._clear_text(server, url.hostname)
        return self

    def _clear_text(self, server: str, host: str) -> None:
        if not self.allow_clear_text:
            raise ValueError(
                f"servers: {server} would send the password in clear; set start_tls: true or use ldaps://"
            )
        if not is_loopback(host):
            raise ValueError(f"allow_clear_text: is for a server on this machine, which {server} is not")


class OpenLdap:
    """The directory port for OpenLDAP."""

    kind: ClassVar[str] = "openldap"
    port: ClassVar[str] = "directory"
    name = "directory"
    Settings: ClassVar[type[Written]] = OpenLdapSettings

    def __init__(self, settings: OpenLdapSettings, site: SiteFacts) -> None:
        self._settings = settings
        self._site = site
        self._client = LdapClient(
            self.name,
            settings.servers,
            bind_dn=settings.bind_dn,
            password=settings.password.reveal,
            start_tls=settings.start_tls,
            ca_file=Path(settings.ca_file) if settings.ca_file else None,
            timeout=settings.timeout,
        )

    def owner(self, account: str) -> Owner:
        """The owner; an account with the site's domain is looked up by login as well as by mail address."""
        s = self._settings
        wanted = [
            s.name_attribute,
            "cn",
            s.backup_address_attribute,
            s.mobile_attribute,
            s.language_attribute,
        ]
        entry = self._one(account, self._filter(account), ["entryUUID", *wanted])
        if not (entry_id := entry.first("entryUUID")):
            raise SystemRefused(self.name, "entryUUID cannot be read; give the service account the right to")
        return Owner(
            account=account,
            dn=entry.dn,
            entry_id=entry_id,
            name=entry.first(s.name_attribute) or entry.first("cn") or account,
            backup_address=_usable(mail_address, entry.first(s.backup_address_attribute)),
            mobile=_usable(e164, entry.first(s.mobile_attribute)),
            language=_language(entry.first(s.language_attribute)) or self._site.language,
        )

    def aliases(self) -> Aliases:
        """The other names, by the attributes of the settings, of all entries that have a login."""
        s = self._settings
        if not s.aliases:
            return Aliases()
        pages = self._client.pages(s.base, f"({s.login_attribute}=*)", [s.login_attribute, *s.aliases])
        claims = (
            (entry.all(s.login_attribute), [value for each in s.aliases for value in entry.all(each)])
            for page in pages
            for entry in page
        )
        found = settled(claims, self._site.domain)
        if not found.entries:
            raise SystemRefused(
                self.name,
                f"no entry below {s.base!r} shows its {s.login_attribute}; give the right to read it",
            )
        return found

    def lock_state(self, entry_id: str) -> LockState:
        """The lock as it stands, and the policy by which it would be ignored, where that can be read."""
        entry = self._one(entry_id, f"(entryUUID={escaped(entry_id)})", [LOCK, POLICY])
        values = tuple(entry.all(LOCK))
        policy = entry.first(POLICY) or self._settings.default_policy
        return LockState(entry_id, entry.dn, FOR_GOOD in values, values, self._ignoring(policy))

    def lock(self, seen: LockState) -> None:
        """Puts the lock in the place of the values in ``seen``, by a request that fails if they changed."""
        self._swap(seen.entry_id, list(seen.values), [FOR_GOOD])

    def unlock(self, before: LockState) -> None:
        """Puts the values of ``before`` in the place of our lock, by a request that fails if it is gone."""
        self._swap(before.entry_id, [FOR_GOOD], list(before.values))

    def ping(self) -> None:
        """Logs in and reads the search base."""
        if not self._client.read(self._settings.base, ["objectClass"]):
            raise SystemRefused(
                self.name, f"the search base {self._settings.base!r} is not there or not readable"
            )

    def _swap(self, entry_id: str, old: list[str], new: list[str]) -> None:
        """Deletes the old values by name and adds the new ones: RFC 4511 makes the whole request atomic."""
        entry = self._one(entry_id, f"(entryUUID={escaped(entry_id)})", [LOCK])
        if entry.all(LOCK) != old:
            raise ChangedMeanwhile(
                f"{self.name}: {LOCK} is {entry.all(LOCK)}, not {old}; it is left as it is"
            )
        changes: Changes = ([("delete", old)] if old else []) + ([("add", new)] if new else [])
        self._client.modify(entry.dn, LOCK, changes)

    def _filter(self, account: str) -> str:
        s = self._settings
        local, at, domain = account.rpartition("@")
        if not at:
            return f"({s.login_attribute}={escaped(account)})"
        by_mail = f"({s.mail_attribute}={escaped(account)})"
        if domain.lower() != self._site.domain.lower():
            return by_mail
        return f"(|({s.login_attribute}={escaped(local)}){by_mail})"

    def _one(self, account: str, search: str, attributes: list[str]) -> Entry:
        if not account.strip():
            raise AccountNotFound(account, self.name)
        try:
            found = self._client.search(self._settings.base, search, attributes, limit=2)
        except TooManyEntriesError as error:
            raise AccountAmbiguous(account, self.name, error.names) from None
        if not found:
            raise AccountNotFound(account, self.name)
        if len(found) > 1:
            raise AccountAmbiguous(account, self.name, [entry.dn for entry in found])
        return found[0]

    def _ignoring(self, policy: str | None) -> str | None:
        """The policy's name when it says that locks have no effect (pwdLockout other than TRUE)."""
        if policy is None or (entry := self._client.read(policy, ["pwdLockout", "objectClass"])) is None:
            return None
        readable = bool(entry.all("objectClass"))
        return policy if readable and entry.first("pwdLockout") != "TRUE" else None


def _usable(check: Any, value: str | None) -> str | None:
    """The value in its normal form, or None when it is no use."""
    if value is not None:
        with suppress(ValueError):
            return str(check(value))
    return None


def _language(value: str | None) -> str | None:
    """The first language of a preferredLanguage value (RFC 2798: as Accept-Language), without its region."""
    first = (value or "").split(",")[0].split(";")[0].strip().lower()
    primary = first.replace("_", "-").split("-")[0]
    return primary if primary.isascii() and primary.isalpha() else None
