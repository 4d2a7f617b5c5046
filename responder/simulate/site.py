"""A labelled world, as ``responder simulate`` writes it: its logs and what its site knows of itself, no truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, IPvAnyNetwork, ValidationError

from responder.errors import BadInput, Place
from responder.events.account import Names
from responder.events.geo import Geo
from responder.events.home import Home
from responder.events.webmail import Webmail
from responder.site.config import Zone
from responder.site.ldif import entries
from responder.systems.aliases import settled

FORMATS = "postfix+dovecot+roundcube"
ADDRESSES = ("mail", "mailalternateaddress")
"""Attributes whose values are other names of an account."""


class _Host(BaseModel):
    ip: IPvAnyNetwork
    webmail: bool = False


class _About(BaseModel):
    domain: str = Field(min_length=1)
    tz: Zone
    hosts: dict[str, _Host]


@dataclass(frozen=True, slots=True)
class World:
    """The logs in their order, and how they are to be read."""

    files: list[Path]
    zone: ZoneInfo
    names: Names
    home: Home
    webmail: Webmail


def read_world(folder: Path) -> World:
    """The world in a folder; raises BadInput for a file that is not what it should be."""
    path = folder / "world.json"
    try:
        about = _About.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", Place(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}: {first['msg']}" if where else first["msg"], Place(path)) from error
    servers: list[IPv4Network | IPv6Network] = [each.ip for each in about.hosts.values() if each.webmail]
    home = Home(about.domain, servers, Geo([folder / "geo.mmdb"]))
    names = Names.of(about.domain, _aliases(folder / "directory.ldif", about.domain))
    return World(_logs(folder), ZoneInfo(about.tz), names, home, Webmail(servers))


def _logs(folder: Path) -> list[Path]:
    """``mail.log`` and the older ones, the oldest first."""
    older = [path for path in folder.glob("mail.log.*") if path.name.split(".")[2].isdigit()]
    found = sorted(older, key=lambda path: -int(path.name.split(".")[2]))
    found += [path for path in (folder / "mail.log",) if path.exists()]
    if not found:
        raise BadInput("has no mail.log", Place(folder))
    return found


def _aliases(path: Path, domain: str) -> Mapping[str, str]:
    """The account of every other name, as the directory's own would be settled."""
    addresses = (
        (entry.get("uid", []), [value for name in ADDRESSES for value in entry.get(name, [])])
        for entry in entries(path)
    )
    return settled(addresses, domain).accounts
