"""The site's configuration: responder.yaml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

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


class Site(Written):
    """Who we are."""

    name: str
    domain: str
    time_zone: Zone
    language: str = Field(default="en", pattern="^(en|fr)$")
    help_desk: str
    key: Secret


class Storage(Written):
    """Where responder keeps what it knows; paths count from the configuration's folder."""

    events: Path = Path("var/events.duckdb")
    state: Path = Path("var/state.sqlite")
    keep_days: int = Field(default=30, ge=1, le=3650)


class Followed(Written):
    """A log file that is read while it grows."""

    follow: Path
    format: str
    time_zone: Zone | None = None


class Detecting(Written):
    """How often is looked, and by which detections; own folders add to the shipped ones."""

    interval: int = Field(default=15, ge=1, le=3600)
    folders: list[Path] = []


class ConfigFile(Written):
    """The keys of responder.yaml; ``systems`` are read by the adapter that each ``kind`` names."""

    site: Site
    storage: Storage = Storage()
    sources: list[Followed] = []
    detection: Detecting = Detecting()
    policy: Path | None = None
    playbooks: list[Path] = []
    systems: dict[str, dict[str, Any]] = {}


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
