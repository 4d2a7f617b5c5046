"""The report of a period: the actions taken, and who or what decided each."""

from __future__ import annotations

import csv
import html
import io
import json
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from responder.errors import BadInput
from responder.state.tables import cases, decisions, runs, steps


class Form(StrEnum):
    """How a report is written."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"


COLUMNS = (
    "time",
    "account",
    "case",
    "decision",
    "decided_by",
    "approved_by",
    "reasons",
    "run",
    "step",
    "action",
    "direction",
    "state",
    "asked_by",
    "reason",
)


def period(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first moment of ``first`` to the last of ``last``, in the site's zone; raises BadInput."""
    if last < first:
        raise BadInput(
            f"the period ends ({last}) before it begins ({first}); give --from and --to the other way round"
        )
    return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


def actions(connection: Connection, since: datetime, until: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Every step begun in [since, until), in order, with the decision that led to it; times in ``zone``."""
    rows = connection.execute(
        select(
            steps,
            runs.c.case_id,
            runs.c.undone_by,
            decisions.c.id.label("decision"),
            decisions.c.kind,
            decisions.c.decided_by,
            decisions.c.answered_by,
            decisions.c.reasons,
            cases.c.account,
        )
        .join(runs, runs.c.id == steps.c.run_id)
        .join(decisions, decisions.c.id == runs.c.decision_id)
        .join(cases, cases.c.id == runs.c.case_id)
        .where(steps.c.intended_at >= since, steps.c.intended_at < until)
        .order_by(steps.c.intended_at, steps.c.id)
    ).all()
    return [
        {
            "time": row.intended_at.astimezone(zone).isoformat(timespec="seconds"),
            "account": row.account,
            "case": row.case_id,
            "decision": row.kind if row.answered_by is None else f"{row.kind}, then approved",
            "decided_by": row.decided_by,
            "approved_by": row.answered_by,
            "reasons": list(row.reasons),
            "run": row.run_id,
            "step": row.step,
            "action": row.action,
            "direction": row.direction,
            "state": row.state,
            "asked_by": row.undone_by if row.direction == "undo" else None,
            "reason": row.reason,
        }
        for row in rows
    ]


def write(rows: list[dict[str, Any]], form: Form, first: date, last: date, site: str, zone: ZoneInfo) -> str:
    """The report as one text."""
    if form is Form.JSON:
        return json.dumps(
            {"site": site, "from": str(first), "to": str(last), "zone": zone.key, "actions": rows}, indent=2
        )
    if form is Form.CSV:
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(COLUMNS)
        table.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
        return out.getvalue()
    return _page(rows, first, last, site, zone)


def _cell(value: Any) -> str:
    """A value as a spreadsheet may have it: text that begins like a formula gets an apostrophe before it."""
    text = "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _page(rows: list[dict[str, Any]], first: date, last: date, site: str, zone: ZoneInfo) -> str:
    head = "".join(f'<th scope="col">{name.replace("_", " ")}</th>' for name in COLUMNS)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(_shown(row[name]))}</td>" for name in COLUMNS) + "</tr>"
        for row in rows
    )
    title = html.escape(f"Actions taken, {first} to {last}: {site}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{len(rows)} actions; times in {html.escape(zone.key)}.</p>
<div role="region" aria-label="Actions" tabindex="0">
<table>
<caption>Every action taken in the period, and who or what decided it</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""


def _shown(value: Any) -> str:
    return "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
