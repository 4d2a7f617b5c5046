"""``responder backtest``: what would have been decided on old logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from responder.cli.reading import (
    LOGS,
    SHOWN,
    FormatName,
    ZoneName,
    format_of,
    names_of,
    progress,
    tell,
    tell_late,
    webmail_of,
    zone_of,
)
from responder.cli.shared import Context, Json, leave, local, plain, print_json, print_table, write_file
from responder.errors import BadInput

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from responder.backtest.backtest import Backtest, Outcome
    from responder.cases.memory import Verdict
    from responder.events.home import Home
    from responder.events.lives import Part
    from responder.events.loss import Loss
    from responder.events.webmail import Webmail
    from responder.site.config import Config


def command(
    context: typer.Context,
    files: Annotated[list[Path] | None, LOGS] = None,
    format_: FormatName = None,
    zone: ZoneName = None,
    as_json: Json = False,
    verdicts: Annotated[Path | None, typer.Option(help="Write verdicts here as JSON lines.")] = None,
    world: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A world of `responder simulate`, in the place of files and a site."
        ),
    ] = None,
) -> None:
    """Show what the present rules would have decided on old logs."""
    from concurrent.futures import ThreadPoolExecutor

    from responder.events.bulk import read_events
    from responder.events.late import Late
    from responder.sources.folder import in_order
    from responder.sources.lines import Problem

    if world and (files or format_ or zone):
        raise BadInput("a world has its own logs, format and zone; leave FILES, --format and --zone out")
    problems, late = list[Problem](), Late()
    config: Config | None = None
    home: Home | None = None
    webmail: Webmail | None
    if world:
        from responder.formats import format_named
        from responder.simulate.site import FORMATS, read_world

        here = read_world(world)
        files, site_zone, names, webmail = here.files, here.zone, here.names, here.webmail
        read_as, home = format_named(FORMATS), here.home
    else:
        config = context.obj.config_or_none() if isinstance(context.obj, Context) else None
        site_zone, files = zone_of(zone, config), in_order(files or [], problems)
        names, webmail = names_of(config), webmail_of(config)
        read_as = format_of(format_, files, mail_only=not webmail)  # no detection looks at logins yet
    with ThreadPoolExecutor(1) as pool, progress(files) as bar:
        judging = pool.submit(_prepare, config, home)  # while the files are read: half a second's imports
        waiting: list[Part] = []
        for part in read_events(files, read_as, site_zone, names, problems, bar, webmail=webmail, late=late):
            waiting.append(part)
            while judging.done() and waiting:
                judging.result().add(waiting.pop(0))
        test = judging.result()
        for part in waiting:
            test.add(part)
        outcome = test.outcome()
    tell(problems)
    tell_late(late)
    if verdicts:
        write_file(
            verdicts, "".join(json.dumps(_verdict(each, site_zone)) + "\n" for each in outcome.verdicts)
        )
    if as_json:
        print_json(_summary(outcome, site_zone))
    else:
        _print(outcome, site_zone)
        _print_losses(outcome, site_zone)
    leave(1 if any(not problem.line for problem in problems) else 0)


def _prepare(config: Config | None, home: Home | None) -> Backtest:
    """A backtest by the site's rules, or the shipped ones; of its home, or another that is given."""
    import gc

    from responder.backtest.backtest import Backtest
    from responder.bootstrap import home_of, load_rules
    from responder.events.domain import ready

    ready()
    rules = load_rules(config)
    gc.freeze()  # what is loaded now stays, and is not looked through again
    return Backtest(rules.detections, rules.policy, rules.interval, home or home_of(config))


def _verdict(verdict: Verdict, zone: ZoneInfo) -> dict[str, Any]:
    from responder.confirmation.evidence import confirm

    return {
        "account": verdict.account,
        "time": verdict.at.astimezone(zone).isoformat(),
        "decision": verdict.decision.kind,
        "detections": [hit.detection for hit in verdict.hits],
        "families": list(confirm(list(verdict.hits)).families),
    }


def _summary(outcome: Outcome, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "messages": outcome.messages,
        "deliveries": outcome.deliveries,
        "accounts": outcome.accounts,
        "looked_at": outcome.looked_at,
        "from": outcome.first.astimezone(zone) if outcome.first else None,
        "to": outcome.last.astimezone(zone) if outcome.last else None,
        "verdicts": [
            {**_verdict(each, zone), "reasons": list(each.decision.reasons)} for each in outcome.verdicts
        ],
        "losses": [_loss(each, zone) for each in outcome.losses],
    }


def _loss(loss: Loss, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "where": loss.where,
        "from": loss.since.astimezone(zone),
        "to": loss.until.astimezone(zone),
        "lost": loss.lost,
        "reason": loss.reason,
    }


def _print(outcome: Outcome, zone: ZoneInfo) -> None:
    from responder.confirmation.evidence import confirm

    print(
        f"{outcome.messages} messages of {outcome.accounts} accounts, {outcome.deliveries} deliveries, "
        f"{local(outcome.first, zone)} to {local(outcome.last, zone)}; {outcome.looked_at} accounts looked at closely"
    )
    print_table(
        ("time", "account", "decision", "evidence"),
        (
            (
                local(each.at, zone),
                each.account,
                each.decision.kind,
                "; ".join(evidence.words for evidence in confirm(list(each.hits)).evidence),
            )
            for each in outcome.verdicts
        ),
        "Nothing would have been decided.",
    )


def _print_losses(outcome: Outcome, zone: ZoneInfo) -> None:
    """Says of what time no account can be called clean."""
    if not outcome.losses:
        return
    print("\nLines are missing or may be; of these times no account can be called clean:")
    for loss in outcome.losses[:SHOWN]:
        print(plain(f"  {loss.words(zone)}"))
    if len(outcome.losses) > SHOWN:
        print(f"  ... and {len(outcome.losses) - SHOWN} more")
