"""The one place that builds: from a configuration to the parts at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from responder.clock import Clock, SystemClock
from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Detections, load_detections
from responder.errors import BadInput, BadInputs, MissingSecret, ResponderError
from responder.site.config import Config, Detecting
from responder.site.secret import Secret
from responder.site.shipped import shipped
from responder.site.suggest import did_you_mean
from responder.site.yaml import Document, Written

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from responder.actions.action import Action
    from responder.audit.trail import Trail
    from responder.cases.case import Case
    from responder.decisions.decision import Kind
    from responder.live.serve import Service
    from responder.playbooks.playbook import Playbook
    from responder.runs.engine import Engine as RunEngine
    from responder.runs.switch import Switch
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
        from responder.formats import format_named
        from responder.live.ingest import Ingest
        from responder.live.serve import Service, alone
        from responder.live.watch import Watch
        from responder.live.workers import Workers
        from responder.sources.followed import FollowedFile

        records, rules, config = self.records, self.rules, self.records.config
        storage = config.keys.storage
        with alone(config.path(storage.state).with_suffix(".serving")):
            store = DuckDBStore(config.path(storage.events), records.key)
            sources = [
                (
                    FollowedFile(
                        config.path(each.follow), ZoneInfo(each.time_zone or config.keys.site.time_zone)
                    ),
                    format_named(each.format),
                )
                for each in config.keys.sources
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
            try:
                yield Service(Ingest(store, rules.domain, sources), watch, workers, storage.keep_days)
            finally:
                store.close()


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
    from responder.formats import formats

    known = list(formats())
    return [
        config.document.error(
            f"no log format '{name}'{did_you_mean(name, known)}",
            "sources",
            number,
            "format",
        )
        for number, source in enumerate(config.keys.sources)
        for name in source.format.split("+")
        if name not in known
    ]


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


def check_sources(config: Config) -> list[str]:
    """The logs that cannot be read now, each with its place in the configuration."""
    problems = []
    for number, source in enumerate(config.keys.sources):
        path = config.path(source.follow)
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            place = config.document.place("sources", number, "follow")
            problems.append(f"{place}: {path}: cannot be read: {error.strerror}")
    return problems
