"""Revisions of what makes a model line: one to read and answer, and the form to put the next one forward, checked before it is."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, decisions, rich_text
from marque.app.console.joint_pages import around
from marque.app.console.revision_checks import Findings, gathered
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError, Missing
from marque.foundation import Transaction
from marque.product import revisions, rules
from marque.product.rules import Draft, Effectivity, Kind, Revision

routes = APIRouter(prefix="/console/product")
_ACTS = {"approve": decisions.approve, "reject": decisions.reject, "withdraw": decisions.withdraw, "reopen": decisions.reopen}
_LINES = 1_500
"""Changed lines that a page shows."""
_SHOWN = 200_000
"""Characters of a text that a page shows."""


@routes.get("/revisions/{revision}")
def show(visit: Visiting, revision: UUID) -> HTMLResponse:
    return _page(visit, revision)


def _page(visit: Visit, revision: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = revisions.one(tx, revision)
        known = revisions.of_part(tx, found.area.lead, found.area.programme, found.kind, found.part)
        before = next((one for one in known if one.digest == found.previous and one.created_at <= found.created_at), None)
        text = revisions.text(tx, found.id)
        old = revisions.text(tx, before.id) if before is not None else ""
        asked = decisions.one(tx, found.decision) if found.decision is not None else None
        context = around(tx) | {
            "revision": found, "known": known, "before": before, "decision": asked, "text": text[:_SHOWN], "cut": len(text) > _SHOWN,
            "programme": agreements.programme(tx, found.area.lead, found.area.programme), "own": visit.session.organisation,
            "may": access.actions_on(tx, access.Area(found.area.lead, found.area.programme, found.area.process, asked.number))
            if asked else frozenset(),
            "changes": _changes(old, text) if before is not None else [],
        }  # fmt: skip
    return visit.page("product_revision.html", context, again)


def _changes(old: str, new: str) -> list[tuple[str, str]]:
    """Lines of a unified difference, each with what it is."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2))[2:]
    return [(kinds.get(one[:1], "same"), one) for one in lines[:_LINES]]


@routes.post("/revisions/{revision}/{act}")
def answer(visit: Submitting, revision: UUID, act: str) -> Response:
    if act not in _ACTS:
        raise Missing("page")
    try:
        with visit.transaction() as tx:
            found = revisions.one(tx, revision)
            if found.decision is None:
                raise Missing("decision")
            _ACTS[act](tx, found.decision, visit.form.get("reason", ""))
    except Refusing as error:
        return _page(visit, revision, Again("answer", error))
    return to(f"/console/product/revisions/{revision}")


@routes.get("/programmes/{lead}/{programme}/propose")
def write(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    return _form(visit, lead, programme)


def _form(
    visit: Visit, lead: str, programme: UUID, again: Again | None = None, draft: Draft | None = None, findings: Findings | None = None
) -> HTMLResponse:
    said = visit.form if visit.fields else visit.request.query_params
    kind, part = _kind(said.get("kind", "")), said.get("part", "")[:120]
    with visit.transaction() as tx:
        row = agreements.programme(tx, lead, programme)
        access.require(tx, access.Action.VIEW, revisions.area_of(lead, programme, kind))
        last = _last(tx, lead, programme, kind, part)
        text = revisions.text(tx, last.id) if last is not None else ""
        context = around(tx) | {"programme": row, "kind": kind, "part": part, "kinds": list(Kind), "last": last}
    context |= {
        "text": said.get("model", text), "base": said.get("base", last.digest if last else ""), "findings": findings,
        "of": said.get("of", f"{kind} {part}"),
        "said": draft or Draft(kind=kind, part=part, text="", effectivity=last.effectivity if last else Effectivity()),
    }  # fmt: skip
    return visit.page("product_propose.html", context, again)


def _kind(text: str) -> Kind:
    return Kind(text) if text in set(Kind) else Kind.VEHICLE


def _last(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str) -> Revision | None:
    if "\0" in part:
        return None
    known = revisions.of_part(tx, lead, programme, kind, part) if part else []
    return known[0] if known else None


@routes.post("/programmes/{lead}/{programme}/propose")
def propose(visit: Submitting, lead: str, programme: UUID) -> Response:
    draft = None
    try:
        draft = _draft(visit)
        if visit.form.get("act") == "check":
            with visit.transaction() as tx:
                access.require(tx, access.Action.CREATE, revisions.area_of(lead, programme, draft.kind))
                last = _last(tx, lead, programme, draft.kind, draft.part)
                _fits(last, draft)
                asking = gathered(tx, lead, programme, draft)
            return _form(visit, lead, programme, draft=draft, findings=asking())
        with visit.transaction() as tx:
            made = revisions.propose(tx, lead, programme, draft)
    except Refusing as error:
        return _form(visit, lead, programme, Again("propose", error), draft)
    return to(f"/console/product/revisions/{made.id}")


def _fits(last: Revision | None, draft: Draft) -> None:
    """Raises Refused for what could not be put forward whatever its text says."""
    from marque.common import ok

    ok(rules.propose(last, draft))


def _draft(visit: Visit) -> Draft:
    """It was made on what the form was filled with, unless another part was named. Raises InputError for a day or year that is none."""
    form = visit.form
    text = (form.get("file", "") or form.get("model", "")).replace("\r\n", "\n")
    effectivity = Effectivity(
        _day(form, "starts"),
        _day(form, "ends"),
        _names(form, "markets"),
        _names(form, "plants"),
        frozenset(map(_year, _names(form, "years"))),
    )
    kind, part = _kind(form.get("kind", "")), form.get("part", "").strip()
    base = form.get("base", "") if form.get("of", "") == f"{kind} {part}" else ""
    note = rich_text.legal(form.get("note", "").strip())
    return Draft(kind=kind, part=part, text=text, base=base, note=note, effectivity=effectivity)


def _day(form: Any, name: str) -> date | None:
    said = form.get(name, "").strip()
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise InputError("form", name, "it is no day", "Write it as 2026-03-01.") from None


def _names(form: Any, name: str) -> frozenset[str]:
    return frozenset(form.get(name, "").replace(",", " ").split())


def _year(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) == len("2026")):
        raise InputError("form", "years", "a model year is a year", "Write it as 2026.")
    return int(text)
