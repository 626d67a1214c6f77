"""The next revision of an agreement, as a form: filled with what holds or with a mode's preset, and kept as it is until it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, documents, modes, people
from marque.alliance.agreements import AgreementState
from marque.alliance.model import KIND, Matrix, Process, Revision, Role, Sight, What
from marque.app.console.agreement_pages import address, around
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError, Refused, ok

routes = APIRouter(prefix="/console/agreements")
_PLACES = ("carmaker", "partner")


@routes.get("/{owner}/{agreement}/propose")
def ask(visit: Visiting, owner: str, agreement: UUID) -> HTMLResponse:
    """`?party=` (each), `?mode=` and who takes its positions say what the form begins with."""
    return _form(visit, owner, agreement)


@routes.post("/{owner}/{agreement}/propose")
def propose(visit: Submitting, owner: str, agreement: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            state = agreements.agreement(tx, owner, agreement)
            made = agreements.propose(tx, owner, agreement, _said(visit, state))
    except Refusing as error:
        return _form(visit, owner, agreement, Again("propose", error))
    return to(f"{address(state)}/revisions/{made.row.number}")


def _form(visit: Visit, owner: str, agreement: UUID, again: Again | None = None) -> HTMLResponse:
    query = visit.request.query_params
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        access.require(tx, access.Action.PROPOSE, access.Agreement(owner, agreement))
        known, today = people.organisations(tx), tx.now.date()
        context = around(tx, state)
    parties = sorted({one.strip() for one in (visit.all_of("party") if again else query.getlist("party")) if one.strip()})
    if not parties:
        parties = sorted(state.last.said.parties) if state.last else [visit.session.organisation]
    fields: Mapping[str, str] | None = visit.form if again else None
    if len(parties) > 1 and not again:
        try:
            fields = _filled(_started(query, state, parties, today))
        except (Refused, InputError) as error:
            again = Again("start", error)
    context |= {"modes": modes.packaged(), "known": known, "parties": parties, "places": _PLACES, "fields": fields, "query": query}
    return visit.page("propose.html", context, again)


def _started(query: Mapping[str, str], state: AgreementState, parties: list[str], today: date) -> Revision:
    """What the form begins with: the last text, or the preset chosen, for these parties."""
    mode = modes.packaged().get(query.get("mode", ""))
    if mode is not None:
        taken = {place: query.get(place, default) for place, default in zip(mode.position_codes, (parties[0], parties[-1]), strict=False)}
        preset = ok(modes.expand(mode, taken))
        programmes = state.last.said.programmes if state.last else {}
        return replace(modes.draft(preset, state.row.id, state.row.title, today, programmes=programmes), parties=tuple(parties))
    if state.last is not None:
        return replace(state.last.said, effective=max(today, state.last.said.effective), parties=tuple(parties))
    raise InputError("form", "mode", "a first revision begins with a mode", "Choose one.")


def _filled(said: Revision) -> dict[str, str]:
    """A revision as the form's fields: what `_said` reads."""
    fields = {
        "title": said.title,
        "effective": said.effective.isoformat(),
        "mode": said.mode,
        "open-decisions": Matrix.OLD,
        **said.positions,
    }
    for process in Process:
        for one in said.parties:
            fields[f"role/{process}/{one}"] = said.role(one, "", process)
            fields[f"sight/{process}/{one}"] = said.sees(one, "", process)
    return fields


def _said(visit: Visit, state: AgreementState) -> Revision:
    """The form's fields as a revision; number, previous text and who leaves are the rules' to say."""
    parties = sorted(set(visit.all_of("party")))
    form = visit.form
    document = {
        "kind": KIND, "agreement": str(state.row.id), "title": form.get("title", state.row.title).strip(), "number": 1,
        "previous": "", "effective": form.get("effective", ""), "mode": form.get("mode", ""), "parties": parties,
        "positions": {place: form.get(place, "") for place in _PLACES},
        "matrix": {process: {one: form.get(f"role/{process}/{one}", Role.NONE) for one in parties} for process in Process},
        "sight": {process: {one: form.get(f"sight/{process}/{one}", Sight.NONE) for one in parties} for process in Process},
        "programmes": state.last.said.document()["programmes"] if state.last else {},
        "transition": {"clauses": _clauses(visit), "open-decisions": form.get("open-decisions", Matrix.OLD)},
        "sources": [],
    }  # fmt: skip
    return documents.read(document, "form")


def _clauses(visit: Visit) -> list[dict[str, str]]:
    """Rows of the form: clause/PROCESS/ORGANISATION = what, where something was chosen."""
    found = []
    for name, value in visit.fields:
        kind, _, rest = name.partition("/")
        if kind == "clause" and value in set(What):
            process, _, organisation = rest.partition("/")
            found.append({"process": process, "organisation": organisation, "what": value})
    return found
