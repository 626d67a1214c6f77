"""`marque alliance who` and `marque alliance history`: the public history, told in a terminal. No database is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from marque.alliance import history as public_history
from marque.alliance.differences import diff
from marque.alliance.history import Answer, History, Moment, Told
from marque.alliance.model import Source
from marque.app.terminal import wide_console
from marque.common import InputError


def who(programme: str, on: str, as_json: bool = False) -> None:
    """Print who decides, sees, signs and sells in a programme on a day (YYYY-MM-DD). Raises InputError."""
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise InputError("--on", on, "this is not a day", "Write YYYY-MM-DD.") from None
    known = public_history.public()
    answers = known.who(programme, day)
    if as_json:
        typer.echo(json.dumps([_answer_said(one, day) for one in answers], ensure_ascii=False, indent=2))
        return
    console = wide_console()
    for answer in answers:
        car, revision = answer.programme, answer.who.force.revision
        console.print(f"[bold]{escape(car.name)}[/bold] on {day}: {escape(answer.told.title)}, revision {revision.number}", highlight=False)
        console.print(f"{escape(answer.moment.told)}, since {_since(answer.moment)}. Mode: {answer.moment.mode}.", highlight=False)
        roles = {"built by": car.manufacturer, "programme led by": car.lead, "brand": f"{car.brand} ({_owner(answer)})"}
        console.print("; ".join(f"{name} {escape(_name(known, one))}" for name, one in roles.items()) + ".", highlight=False)
        console.print(_table(known, answer))
        signs, sells = (_names(known, ones) for ones in (answer.who.signs, answer.who.sells))
        console.print(f"[bold]Releases are signed by[/bold] {escape(signs)}. [bold]Sales are decided by[/bold] {escape(sells)}.")
        _print_sources(console, answer.moment.sources)


def history(programme: str | None = None, as_json: bool = False) -> None:
    """Print what is reported, in the order of time; of one programme's agreements where one is named. Raises InputError."""
    known = public_history.public()
    agreements = [told for told, _ in known.programmes(programme)] if programme else known.agreements
    line = sorted(((moment, told) for told in agreements for moment in told.moments), key=lambda one: (one[0].since, one[1].code))
    if as_json:
        typer.echo(json.dumps([_moment_said(told, moment) for moment, told in line], ensure_ascii=False, indent=2))
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("since", "agreement", "mode", "what happened, what changed, where it is told"):
        sheet.add_column(heading, overflow="fold")
    for moment, told in line:
        changes = "".join(f"\n  {one}" for one in _changes(told, moment))
        sources = "".join(f"\n  {one.text}{f' {one.url}' if one.url else ''}" for one in moment.sources)
        sheet.add_row(moment.day, f"{told.code}\nrevision {moment.number}", moment.mode, escape(f"{moment.told}.{changes}{sources}"))
    wide_console().print(sheet, highlight=False)


def _table(known: History, answer: Answer) -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("process", "leads", "co-decides", "consulted", "supplies", "sees all", "sees its own"):
        sheet.add_column(heading, overflow="fold")
    for process, part in answer.who.processes.items():
        columns = ((part.leads,), part.co_decides, part.consulted, part.supplies, part.sees_all, part.sees_own)
        sheet.add_row(str(process), *(escape(_names(known, ones)) for ones in columns))
    return sheet


def _print_sources(console: Any, sources: Sequence[Source]) -> None:
    for one in sources:
        console.print(f"  {escape(' · '.join(word for word in (one.text, one.day, one.url) if word))}", highlight=False, style="dim")


def _since(moment: Moment) -> str:
    return moment.day if moment.precision == "day" else f"{moment.day} (no more of the date is known)"


def _owner(answer: Answer) -> str:
    return f"marks of {answer.brand_owner}" if answer.brand_owner else "owner of the marks not reported for that day"


def _name(known: History, code: str) -> str:
    return known.organisations[code].name if code in known.organisations else code


def _names(known: History, codes: Sequence[str]) -> str:
    return ", ".join(_name(known, one) for one in codes)


def _changes(told: Told, moment: Moment) -> list[str]:
    revisions = told.agreement.revisions
    return [str(one) for one in diff(revisions[moment.number - 2], revisions[moment.number - 1])] if moment.number > 1 else []


def _answer_said(answer: Answer, day: date) -> dict[str, Any]:
    car, force = answer.programme, answer.who.force
    return {
        "programme": car.code,
        "on": day.isoformat(),
        "manufacturer": car.manufacturer,
        "lead": car.lead,
        "brand": car.brand,
        "brand-owner": answer.brand_owner or None,
        **_moment_said(answer.told, answer.moment),
        "until": force.end.date().isoformat() if force.end else None,
        "digest": force.revision.digest,
        "signs": list(answer.who.signs),
        "sells": list(answer.who.sells),
        "processes": {
            process: {
                "decides": list(part.decides), "leads": part.leads, "co-decides": list(part.co_decides), "consulted": list(part.consulted),
                "supplies": list(part.supplies), "sees-all": list(part.sees_all), "sees-own": list(part.sees_own),
            }
            for process, part in answer.who.processes.items()
        },
    }  # fmt: skip


def _moment_said(told: Told, moment: Moment) -> dict[str, Any]:
    sources = [{"text": one.text, "url": one.url or None, "date": one.day or None} for one in moment.sources]
    return {
        "agreement": told.code, "title": told.title, "revision": moment.number, "since": moment.day, "precision": moment.precision,
        "mode": moment.mode, "told": moment.told, "changes": _changes(told, moment), "sources": sources,
    }  # fmt: skip
