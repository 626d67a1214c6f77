"""The public record: who led, decided, signed and sold what in a programme on a day, and where it is told. No row of anybody is read."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from marque.alliance import history
from marque.alliance.history import Moment, Told
from marque.app.console.changes import changes
from marque.app.console.visit import Visiting
from marque.common import InputError

routes = APIRouter(prefix="/console/history")


@routes.get("")
def record(visit: Visiting) -> HTMLResponse:
    """`?programme=AH8&on=2023-03-28`; without a programme, everything that is reported, the latest first."""
    known, day = history.public(), visit.on().date()
    codes = sorted({(one.code, one.name, one.name_zh) for told in known.agreements for one in told.programmes})
    asked = visit.request.query_params.get("programme", "").strip()[:40]
    code = next((one for one, _, _ in codes if one.casefold() == asked.casefold()), "")
    agreements = [told for told, _ in known.programmes(code)] if code else [] if asked else list(known.agreements)
    try:
        answers = known.who(code, day) if code else []
    except InputError:  # Nothing was agreed on it by then: the page says so, and since when something was.
        answers = []
    with visit.transaction():  # Who is signed in may see other pages of the console; this one asks nothing of the database.
        pass
    context = {
        "organisations": known.organisations, "brands": known.brands, "codes": codes, "asked": asked, "code": code, "day": day,
        "answers": answers, "line": _line(agreements), "first": min((told.moments[0].since for told in agreements), default=None),
    }  # fmt: skip
    return visit.page("history.html", context)


def _line(agreements: Iterable[Told]) -> list[tuple[Told, Moment, list[object]]]:
    """Every moment, the latest first, with what it changed."""
    found = [(told, moment) for told in agreements for moment in told.moments]
    found.sort(key=lambda one: (one[1].since, one[0].code), reverse=True)
    return [(told, moment, list(_changed(told, moment))) for told, moment in found]


def _changed(told: Told, moment: Moment) -> Iterable[object]:
    if moment.number == 1:
        return []
    old, new = told.agreement.revisions[moment.number - 2 : moment.number]
    return [one for one in changes(old, new) if one.what not in {"effective", "title"}]
