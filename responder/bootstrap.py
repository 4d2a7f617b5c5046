"""The one place that builds: from a configuration to the parts at work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from responder.clock import Clock, SystemClock
from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Detections, load_detections
from responder.errors import BadInput, BadInputs, MissingSecret, ResponderError
from responder.site.config import Config, Detecting, Followed, Received
from responder.site.secret import Secret
from responder.site.shipped import shipped
from responder.site.suggest import did_you_mean
from responder.site.yaml import Document, Written

if TYPE_CHECKING:
    from ssl import SSLContext

    from sqlalchemy import Connection, Engine

    from responder.actions.action import Action
    from responder.audit.trail import Trail
    from responder.cases.case import Case
    from responder.decisions.decision import Kind
    from responder.events.home import Home
    from responder.live.serve import Service
    from responder.playbooks.playbook import Playbook
    from responder.runs.engine import Engine as RunEngine
    from responder.runs.switch import Switch
    from responder.sources.position import Position
    from responder.sources.receiver import Receiver
    from responder.systems import Adapter

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Rules:
    """What judging needs: the detections, the policy, how often is looked, the site's mail domain."""

    detections: Detections
    policy: Policy
    interval: int
    domain: str | None


def load_rules(config: Config | None) -> Rules:
    """The site's rules, the shipped ones where it has none of its own; raises BadInputs with all problems."""
    problems: list[BadInput] = []
    folders = [shipped("detections")]
    policy_file = shipped("policy.yaml")
    if config:
        folders += [config.path(folder) for folder in config.keys.detection.folders]
        policy_file = config.path(config.keys.policy) if config.keys.policy else policy_file
    detections = _collect(problems, lambda: load_detections(folders))
    policy = _collect(problems, lambda: load_policy(policy_file))
    if detections is None or policy is None:
        raise BadInputs(problems)
    return Rules(
        detections,
        policy,
        config.keys.detection.interval if config else Detecting().interval,
        config.keys.site.domain if config else None,
    )


def home_of(config: Config | None) -> Home:
    """What tells inside from outside; raises BadInput for a geo database that is none."""
    from responder.events.home import Home

    if config is None:
        return Home()
    site = config.keys.site
    geo = None
    if site.geo:
        from responder.events.geo import Geo

        geo = Geo(config.path(each) for each in site.geo)
    return Home(site.domain, site.shared_networks, geo)


@dataclass(frozen=True, slots=True)
class Records:
    """What is known: the state database and the trail; enough to print and to pause."""

    config: Config
    clock: Clock
    key: bytes
    state: Engine
    trail: Trail
    switch: Switch


@dataclass(frozen=True, slots=True)
class House:
    """Everything but the event store, which only one process can have open."""

    records: Records
    rules: Rules
    systems: Mapping[str, Adapter]
    actions: Mapping[str, Action[Any]]
    playbooks: Mapping[str, Playbook]
    engine: RunEngine

    def act(self, connection: Connection, case: Case, decision_id: int, kind: Kind) -> int:
        """Starts the run of a decision in the transaction that the decision is written in; returns its number."""
        name = self.rules.policy.playbook(kind)
        assert name is not None, "the policy queues a decision that has no playbook"
        return self.engine.start(
            connection,
            case_id=case.id,
            decision_id=decision_id,
            playbook=self.playbooks[name],
            facts={"case": case_facts(case, self.records.config)},
        )

    @contextmanager
    def open_service(self) -> Iterator[Service]:
        """What ``serve`` runs; raises ResponderError while another process serves this site."""
        from responder.events.store import DuckDBStore
        from responder.events.webmail import Webmail
        from responder.formats import format_named
        from responder.live.ingest import Ingest
        from responder.live.names import NameBook
        from responder.live.serve import Service, alone
        from responder.live.silence import Silence
        from responder.live.watch import Watch
        from responder.live.workers import Workers
        from responder.sources.followed import FollowedFile

        records, rules, config = self.records, self.rules, self.records.config
        site, storage = config.keys.site, config.keys.storage
        with alone(config.path(storage.state).with_suffix(".serving")), ExitStack() as opened:
            store = DuckDBStore(config.path(storage.events), records.key, home_of(config))
            opened.callback(store.close)
            receivers = _open_receivers(config, store.positions(), opened)
            sources = [
                (
                    receivers[number].spool
                    if isinstance(each, Received)
                    else FollowedFile(config.path(each.follow), _zone(config, each)),
                    format_named(each.format, config.folder),
                )
                for number, each in enumerate(config.keys.sources)
            ]
            watch = Watch(
                store,
                records.state,
                records.trail,
                records.clock,
                rules.detections,
                rules.policy,
                rules.interval,
                self.act,
            )
            workers = Workers(self.engine.unfinished, self.engine.advance)
            limits = {
                file.source: timedelta(minutes=each.silence)
                for (file, _), each in zip(sources, config.keys.sources, strict=True)
            }
            silence = Silence(records.clock, limits)
            ingest = Ingest(store, rules.domain, sources, Webmail(site.webmail_networks), silence=silence)
            names = NameBook(
                records.state,
                self.systems.get("directory"),  # type: ignore[arg-type]  # the adapter of that port is one
                ingest,
                rules.domain,
                rules.policy.keys.protected.accounts,
            )
            yield Service(ingest, names, watch, workers, storage.keep_days, list(receivers.values()))


def build_records(config: Config) -> Records:
    """The state database and the trail; raises ResponderError when they cannot be opened."""
    from responder.audit.trail import Trail
    from responder.runs.switch import Switch
    from responder.state.database import open_state

    clock = SystemClock()
    key = config.keys.site.key.reveal().get_secret_value().encode()
    trail = Trail(clock, key)
    state = open_state(config.path(config.keys.storage.state))
    return Records(config, clock, key, state, trail, Switch(state, trail, clock))


def build(config: Config) -> House:
    """All parts of a site; raises BadInputs with every problem of every file."""
    from responder.actions import build as build_actions
    from responder.runs.engine import Engine as RunEngine
    from responder.state.database import own_number

    problems: list[BadInput] = []
    rules = _collect(problems, lambda: load_rules(config))
    systems = _build_systems(config, problems)
    actions = build_actions(systems)
    playbooks = _load_playbooks(config, rules, actions, problems) if rules else {}
    problems += _wrong_sources(config)
    if problems or rules is None:
        raise BadInputs(problems)
    records = build_records(config)
    engine = RunEngine(
        records.state,
        actions,
        systems.get("directory"),  # type: ignore[arg-type]  # the adapter of that port is one
        records.trail,
        records.clock,
        records.switch,
        replace(_site_facts(config), prefix=f"responder-{own_number(records.state):06x}"),
    )
    return House(records, rules, systems, actions, playbooks, engine)


def _collect(problems: list[BadInput], load: Callable[[], Part]) -> Part | None:
    """What ``load`` gives, or None with what was wrong added to ``problems``."""
    try:
        return load()
    except BadInputs as error:
        problems.extend(error.problems)
    except BadInput as error:
        problems.append(error)
    return None


def _site_facts(config: Config) -> Any:
    from responder.systems.facts import SiteFacts

    site = config.keys.site
    return SiteFacts(site.name, site.domain, site.help_desk, site.language)


def _build_systems(config: Config, problems: list[BadInput]) -> dict[str, Adapter]:
    from responder.systems import discover

    adapters, found = discover(), dict[str, "Adapter"]()
    document = config.document
    for port, keys in config.keys.systems.items():
        kinds = [kind for kind, adapter in adapters.items() if adapter.port == port]
        kind = keys.get("kind")
        if not kinds:
            ports = sorted({adapter.port for adapter in adapters.values()})
            problems.append(document.error(f"no system '{port}'{did_you_mean(port, ports)}", "systems", port))
        elif kind not in kinds:
            message = f"systems.{port}.kind: {kind!r} is unknown{did_you_mean(str(kind), kinds)}"
            problems.append(document.error(message, "systems", port, "kind"))
        else:
            adapter = adapters[kind]
            settings = _collect(problems, partial(document.read, adapter.Settings, "systems", port))
            if settings is None:
                continue
            problems += _missing_secrets(settings, document, port)
            try:
                found[port] = adapter(settings, _site_facts(config))
            except ValueError as error:
                problems.append(document.error(str(error), "systems", port))
    return found


def _missing_secrets(settings: Written, document: Document, port: str) -> list[BadInput]:
    problems = []
    for name, value in settings:
        if isinstance(value, Secret):
            try:
                value.reveal()
            except MissingSecret as error:
                problems.append(document.error(str(error), "systems", port, name))
    return problems


def _load_playbooks(
    config: Config, rules: Rules, actions: Mapping[str, Action[Any]], problems: list[BadInput]
) -> dict[str, Playbook]:
    from responder.playbooks.playbook import load

    folders = [*(config.path(folder) for folder in config.keys.playbooks), shipped("playbooks")]
    wanted = rules.policy.keys.playbooks
    found: dict[str, Playbook] = {}
    for decision, name in (("contain", wanted.contain), ("hold", wanted.hold)):
        if name is None or name in found:
            continue
        file = next(
            (folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()), None
        )
        if file is None:
            known = sorted({each.stem for folder in folders for each in folder.glob("*.yaml")})
            message = f"no playbook '{name}'{did_you_mean(name, known)}"
            problems.append(rules.policy.document.error(message, "playbooks", decision))
        else:
            playbook = _collect(problems, partial(load, file, actions, language=config.keys.site.language))
            if playbook is not None:
                found[name] = playbook
    return found


def _wrong_sources(config: Config) -> list[BadInput]:
    from responder.formats import format_named

    problems: list[BadInput] = []
    for number, source in enumerate(config.keys.sources):
        found: list[BadInput] = []
        _collect(found, partial(format_named, source.format, config.folder))
        problems += [
            each if each.place else config.document.error(each.message, "sources", number, "format")
            for each in found
        ]
    return problems


def _zone(config: Config, source: Received | Followed) -> ZoneInfo:
    return ZoneInfo(source.time_zone or config.keys.site.time_zone)


def _open_receivers(
    config: Config, positions: Mapping[str, Position], opened: ExitStack
) -> dict[int, Receiver]:
    """The receivers by the numbers of their sources, each to be closed with ``opened``; raises BadInputs."""
    problems: list[BadInput] = []
    found: dict[int, Receiver] = {}
    for number, source in enumerate(config.keys.sources):
        if isinstance(source, Received):
            receiver = _collect(problems, partial(_open_receiver, config, number, source, positions))
            if receiver:
                opened.callback(receiver.stop)
                found[number] = receiver
    if problems:
        raise BadInputs(problems)
    return found


def _open_receiver(
    config: Config, number: int, source: Received, positions: Mapping[str, Position]
) -> Receiver:
    from responder.sources.receiver import Receiver, listen
    from responder.sources.spool import Spool, spool_file

    tls = _tls(config, number, source)
    folder = config.path(config.keys.storage.state).parent / "received" / source.listen
    try:
        listener = listen(*source.address)
    except OSError as error:
        message = f"{source.listen}: cannot listen: {os.strerror(error.errno or 0)}"
        raise config.document.error(message, "sources", number, "listen") from error
    try:
        spool = Spool(folder, _zone(config, source), positions.get(str(spool_file(folder))))
    except OSError as error:
        listener.close()
        message = f"{folder}: lines cannot be kept here: {error.strerror}"
        raise config.document.error(message, "sources", number, "listen") from error
    return Receiver(listener, spool, source.networks, tls)


def _tls(config: Config, number: int, source: Received) -> SSLContext | None:
    """What a source's certificates make, None without any; raises BadInput with the place."""
    from responder.sources.tls import server_context

    if (files := source.tls) is None:
        return None
    try:
        return server_context(
            config.path(files.certificate),
            config.path(files.key),
            config.path(files.client_ca) if files.client_ca else None,
        )
    except BadInput as error:
        raise config.document.error(error.message, "sources", number, "tls") from error


def case_facts(case: Case, config: Config) -> dict[str, Any]:
    """What playbooks may say of a case."""
    from responder.confirmation.evidence import confirm

    confirmation = confirm(list(case.hits))
    lines = [line for evidence in confirmation.evidence for line in evidence.lines[:5]]
    words = [f"- {evidence.words}" for evidence in confirmation.evidence]
    return {
        "account": case.account,
        "opened_at": case.opened_at.astimezone(config.zone).strftime("%Y-%m-%d %H:%M:%S %Z"),
        "families": ", ".join(confirmation.families),
        "detections": ", ".join(hit.detection for hit in case.hits),
        "summary": "\n".join([*words, "", *dict.fromkeys(lines)]).rstrip(),
    }


def check_connections(house: House) -> list[str]:
    """What each system says when it is asked whether it knows us; nothing is written."""
    problems = []
    for port, adapter in house.systems.items():
        try:
            adapter.ping()
        except ResponderError as error:
            problems.append(f"{house.records.config.document.place('systems', port)}: {error}")
    return problems


def _check_geo(config: Config) -> list[str]:
    from responder.events.geo import Geo

    problems = []
    for number, each in enumerate(config.keys.site.geo):
        try:
            Geo([config.path(each)])
        except BadInput as error:
            problems.append(f"{config.document.place('site', 'geo', number)}: {error}")
    return problems


def check_sources(config: Config) -> list[str]:
    """The logs, certificates and databases that cannot be read now, each with its place in the configuration."""
    problems = _check_geo(config)
    for number, source in enumerate(config.keys.sources):
        if isinstance(source, Received):
            try:
                _tls(config, number, source)
            except BadInput as error:
                problems.append(str(error))
            continue
        path = config.path(source.follow)
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            place = config.document.place("sources", number, "follow")
            problems.append(f"{place}: {path}: cannot be read: {error.strerror}")
    return problems
