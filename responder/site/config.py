"""The site's configuration: responder.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PlainValidator, TypeAdapter, field_validator

from responder.errors import BadInput
from responder.site.secret import Secret
from responder.site.yaml import Document, Written, load


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone of the IANA list, such as Europe/Paris") from None
    return value


Zone = Annotated[str, AfterValidator(_zone)]


def _endpoint(value: str) -> str:
    match = re.fullmatch(r"(?:\[(?P<six>[^]]+)\]|(?P<four>[\d.]+)):(?P<port>\d{1,5})", value)
    try:
        if not match or not 0 < int(match["port"]) < 65536:
            raise ValueError
        address = ip_address(match["six"] or match["four"])
        if (address.version == 6) != bool(match["six"]):
            raise ValueError
    except ValueError:
        raise ValueError("an address and a port, such as 0.0.0.0:6514 or '[::]:6514'") from None
    return f"[{address}]:{int(match['port'])}" if match["six"] else f"{address}:{int(match['port'])}"


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("an address or a network, such as 192.0.2.10 or 2001:db8::/32") from None
    return value


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Network = Annotated[str, AfterValidator(_network)]


class Site(Written):
    """Who we are; ``webmail`` and ``proxies`` are our own servers, whose addresses do not tell where anybody sits.

    ``geo``: databases in MaxMind's form (.mmdb) of countries and autonomous systems, where there are any.
    """

    name: str
    domain: str
    time_zone: Zone
    language: str = Field(default="en", pattern="^(en|fr)$")
    help_desk: str
    key: Secret
    webmail: list[Network] = []
    proxies: list[Network] = []
    geo: list[Path] = []

    @property
    def webmail_networks(self) -> list[IPv4Network | IPv6Network]:
        """The webmail servers."""
        return [ip_network(each) for each in self.webmail]

    @property
    def shared_networks(self) -> list[IPv4Network | IPv6Network]:
        """All our servers behind which anybody may be."""
        return [ip_network(each) for each in (*self.webmail, *self.proxies)]


class Storage(Written):
    """Where responder keeps what it knows; paths count from the configuration's folder."""

    events: Path = Path("var/events.duckdb")
    state: Path = Path("var/state.sqlite")
    keep_days: int = Field(default=30, ge=1, le=3650)


Minutes = Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class Followed(Written):
    """A log file that is read while it grows; after ``silence``, minutes without a line, lines may be missing."""

    follow: Path
    format: str
    time_zone: Zone | None = None
    silence: Minutes = 15


class Tls(Written):
    """The certificate that senders see; with ``client_ca`` only those with one of that authority may send."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


class Received(Written):
    """Syslog that other hosts send over TCP, in the place of a file; ``from`` are those who may."""

    listen: Endpoint
    format: str
    time_zone: Zone | None = None
    silence: Minutes = 15
    tls: Tls | None = None
    senders: list[Network] | None = Field(default=None, alias="from", min_length=1)

    @property
    def address(self) -> tuple[str, int]:
        """The address, without brackets, and the port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def networks(self) -> list[IPv4Network | IPv6Network] | None:
        """Who may send, None for everybody."""
        return None if self.senders is None else [ip_network(each) for each in self.senders]


def _source(value: Any) -> Received | Followed:
    """The kind that its keys say: a union of both would tell what each of them misses."""
    if not isinstance(value, dict) or "listen" not in value:
        return Followed.model_validate(value)
    if "follow" in value:
        raise ValueError("say 'follow' or 'listen', one of them")
    return Received.model_validate(value)


_SOURCES = TypeAdapter(list[Annotated[Received | Followed, PlainValidator(_source)]])


class Detecting(Written):
    """How often is looked, and by which detections; own folders add to the shipped ones."""

    interval: int = Field(default=15, ge=1, le=3600)
    folders: list[Path] = []


class ConfigFile(Written):
    """The keys of responder.yaml; ``systems`` are read by the adapter that each ``kind`` names."""

    site: Site
    storage: Storage = Storage()
    sources: list[Received | Followed] = []
    detection: Detecting = Detecting()
    policy: Path | None = None
    playbooks: list[Path] = []
    systems: dict[str, dict[str, Any]] = {}

    @field_validator("sources", mode="plain")
    @classmethod
    def _each_as_its_kind(cls, value: Any) -> list[Received | Followed]:
        return _SOURCES.validate_python(value)


@dataclass(frozen=True, slots=True)
class Config:
    """A loaded configuration, and where each key stands."""

    keys: ConfigFile
    document: Document
    folder: Path

    def path(self, relative: Path) -> Path:
        """A path of the configuration, from the configuration's folder."""
        return self.folder / relative

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.keys.site.time_zone)


def load_config(file: Path) -> Config:
    """Reads responder.yaml; raises BadInputs with all problems."""
    if not file.is_file():
        raise BadInput(f"{file}: there is no configuration here; 'responder init' writes one")
    folder = file.resolve().parent
    document = load(file)
    document = replace(document, data=_from_folder(document.data, folder))
    return Config(document.read(ConfigFile), document, folder)


def _from_folder(value: Any, folder: Path) -> Any:
    """Data with the paths of secrets and certificates counted from the configuration's folder."""
    if isinstance(value, list):
        return [_from_folder(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(folder / each)
        if isinstance(each, str) and (key == "ca_file" or value.keys() == {"file"})
        else _from_folder(each, folder)
        for key, each in value.items()
    }
