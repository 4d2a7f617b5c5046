"""Makes a world, day by day, and writes its files (their form: docs/how-to/simulate-a-world.md)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from responder.errors import BadInput, Place, ResponderError
from responder.simulate.cast import Cast
from responder.simulate.directory import ldif
from responder.simulate.due import parts
from responder.simulate.files import write_day
from responder.simulate.life import Life
from responder.simulate.log import Log
from responder.simulate.mmdb import geo_database
from responder.simulate.network import HOME
from responder.simulate.outside import FREEMAIL
from responder.simulate.plan import DOMAIN, LISTS, Plan
from responder.simulate.scene import Scene
from responder.simulate.visitors import Visitors

GENERATOR = "responder simulate"


@dataclass(frozen=True, slots=True)
class Made:
    """What was written."""

    lines: int
    hijacks: int
    campaigns: int
    malicious_messages: int
    malicious_recipients: int
    lookalikes: int


def make_world(folder: Path, plan: Plan, day_done: Callable[[], object] = lambda: None) -> Made:
    """Write a world into an empty or new folder; ``day_done`` is called after each day.

    Raises BadInput where the plan cannot be or the folder is not empty, ResponderError where it cannot be written.
    """
    plan.check()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadInput("is not empty; name a new folder", Place(folder))
        return _write(folder, plan, day_done)
    except OSError as error:
        raise ResponderError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _write(folder: Path, plan: Plan, day_done: Callable[[], object]) -> Made:
    scene = Scene(plan)
    cast = Cast(scene)
    log = Log(scene.people, scene.outside, plan.end, scene.random("log"))
    _write_surroundings(folder, scene, log)
    life, visitors, lines = Life(scene, log), Visitors(scene, log), 0
    for number in range(plan.days):
        due = chain(life.day(number), visitors.day(number), cast.day(number, log))
        lines += write_day(folder, plan, number, parts(plan, number, due, log))
        day_done()
    hijacks = [each for each in cast.hijacks if each.first_login is not None]
    truth = [each.row(plan) for each in hijacks] + [each.row(plan) for each in cast.innocents]
    _write_lines(folder / "truth.jsonl", truth)
    messages = [row for each in hijacks for row in each.message_rows()]
    _write_lines(folder / "malicious.jsonl", messages)
    return Made(
        lines,
        len(hijacks),
        len({each.campaign or each.id for each in hijacks}),
        len(messages),
        sum(row["recipients"] for row in messages),
        len(cast.innocents),
    )


def _write_surroundings(folder: Path, scene: Scene, log: Log) -> None:
    """What a site knows of itself, and everybody of the internet."""
    plan, rows = scene.plan, scene.internet.rows()
    about = {
        "generator": GENERATOR,
        "seed": plan.seed,
        "start": plan.start.isoformat(),
        "days": plan.days,
        "warmup_days": plan.warmup_days,
        "tz": plan.zone.key,
        "style": plan.style,
        "mailboxes": plan.mailboxes,
        "domain": DOMAIN,
        "lists_domain": LISTS,
        "home_country": HOME,
        "own_networks": ["10.1.0.0/16", *scene.internet.campus.networks()],
        "freemail": list(FREEMAIL),
        "hosts": {host.name: host.described() for host in log.hosts.values()},
    }
    (folder / "world.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    with (folder / "directory.ldif").open("w", encoding="utf-8") as file:
        file.writelines(ldif(scene.people.everybody))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("network", "country", "asn", "organisation"), *rows])
    (folder / "geo.csv").write_text(table.getvalue(), encoding="utf-8")
    (folder / "geo.mmdb").write_bytes(geo_database(rows, int(plan.midnights[0])))


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
