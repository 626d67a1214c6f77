"""Releases: what waits for whom, a programme's releases, and one of them from its draft to its withdrawal."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, decisions
from marque.alliance.access import Action
from marque.app.console import joint_pages
from marque.app.console.release_forms import draft_of
from marque.app.console.release_words import names_of_keys, place_of, steps
from marque.app.console.visit import Again, Refusing, Submitting, Uploading, Visit, Visiting, to
from marque.car.uptane import claims_json
from marque.common import InputError
from marque.foundation import Transaction
from marque.release import releases, repositories, signatures, waiting, withdrawals
from marque.release.model import Release, area_of
from marque.release.rollouts import service as rollouts
from marque.release.rollouts.model import Filing

routes = APIRouter(prefix="/console/release")
_SHOWN = 5


@routes.get("")
def every(visit: Visiting) -> HTMLResponse:
    with visit.transaction() as tx:
        found = []
        for state in agreements.all_agreements(tx):
            seen = access.allowed(tx, Action.VIEW, [area_of(one.organisation, one.id) for one in state.programmes])
            for one in (row for row, visible in zip(state.programmes, seen, strict=True) if visible):
                there = releases.page(tx, one.organisation, one.id, limit=_SHOWN)
                running = [each for each in rollouts.page(tx, one.organisation, one.id, limit=_SHOWN) if not each.state.over]
                found.append((one, repositories.state(tx, one.organisation, one.id), there, running))
        context = joint_pages.around(tx) | {
            "found": found, "waits": [(one, place_of(one)) for one in waiting.for_me(tx)],
            "rollouts": [one for one in decisions.waiting(tx) if one.subject.startswith("rollout/")],
            "own": visit.session.organisation,
        }  # fmt: skip
    return visit.page("release.html", context)


@routes.get("/programmes/{lead}/{programme}")
def listed(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    return _programme(visit, lead, programme)


def _programme(visit: Visit, lead: str, programme: UUID, again: Again | None = None) -> HTMLResponse:
    before = visit.request.query_params.get("before", "")
    with visit.transaction() as tx:
        found = releases.page(tx, lead, programme, _identifier(before))
        context = around(tx, lead, programme) | {
            "tab": "releases", "releases": found, "more": len(found) == releases.PAGE,
            "waits": {one.id: waiting.of_release(tx, one.id) for one in found if not one.distributable},
            "repository": repositories.state(tx, lead, programme), "withdrawn": withdrawals.page(tx, lead, programme),
        }  # fmt: skip
    return visit.page("release_programme.html", context, again)


@routes.post("/programmes/{lead}/{programme}")
def draft(visit: Submitting, lead: str, programme: UUID) -> Response:
    try:
        given = draft_of(visit.form)
        with visit.transaction() as tx:
            made = releases.draft(tx, lead, programme, given)
    except Refusing as error:
        return _programme(visit, lead, programme, Again("release", error))
    return to(f"/console/release/releases/{made.id}")


@routes.post("/programmes/{lead}/{programme}/withdrawals")
def ask_for_list(visit: Submitting, lead: str, programme: UUID) -> Response:
    """The list of what one's organisation withdrew, drafted anew to be signed."""
    try:
        with visit.transaction() as tx:
            made = withdrawals.ask_again(tx, lead, programme)
    except Refusing as error:
        return _programme(visit, lead, programme, Again("", error))
    return to(f"/console/release/changes/{made.id}")


@routes.get("/releases/{release}")
def show(visit: Visiting, release: UUID) -> HTMLResponse:
    return _release(visit, release)


def _release(visit: Visit, release: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = releases.one(tx, release)
        lead, programme = found.lead, found.programme
        repository = repositories.state(tx, lead, programme)
        change = signatures.change(tx, found.change) if found.change is not None else None
        waits = waiting.of_release(tx, release)
        context = around(tx, lead, programme) | {
            "tab": "releases", "release": found, "repository": repository, "waits": waits, "change": change,
            "mine": signatures.to_sign(tx, change.id) if change is not None else [], "holders": names_of_keys(repository),
            "rollouts": [one for one in rollouts.page(tx, lead, programme) if one.release == release],
            "filings": rollouts.filings(tx, lead, programme, release), "filing_states": list(Filing), "claims": _claims(found),
        }  # fmt: skip
        context["steps"] = steps(found, waits, context["rollouts"])
    return visit.page("release_one.html", context, again)


def _claims(release: Release) -> str:
    """What both repositories say of its first image, as cars compare it."""
    if release.evidence is None or not release.images:
        return ""
    return json.dumps(claims_json.custom_of(release.claims(release.images[0])), indent=2, ensure_ascii=False, sort_keys=True)


@routes.post("/releases/{release}/images")
def add_image(visit: Uploading, release: UUID) -> Response:
    form = visit.form
    try:
        sent = visit.files.get("file")
        if sent is None or not sent.name:
            raise InputError("form", "file", "no file was chosen", "Choose the image as it is to be installed.")
        name = form.get("name", "").strip() or sent.name
        with visit.transaction() as tx:
            store = visit.platform.blobs
            releases.add_image(
                tx, store, release, name, form.get("role", "").strip(), form.get("hardware", "").replace(",", " ").split(), sent.file
            )
    except Refusing as error:
        return _release(visit, release, Again("image", error))
    return to(f"/console/release/releases/{release}#images")


@routes.post("/releases/{release}/images/remove")
def remove_image(visit: Submitting, release: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            releases.remove_image(tx, release, visit.form.get("path", ""))
    except Refusing as error:
        return _release(visit, release, Again("", error))
    return to(f"/console/release/releases/{release}#images")


@routes.post("/releases/{release}/evidence")
def attach(visit: Uploading, release: UUID) -> Response:
    try:
        sent = visit.files.get("evidence")
        if sent is None or not sent.name:
            raise InputError("form", "evidence", "no file was chosen", "Choose the sealed evidence file of this release.")
        with visit.transaction() as tx:
            store = visit.platform.blobs
            releases.attach_evidence(tx, store, visit.platform.party, release, sent.file)
    except Refusing as error:
        return _release(visit, release, Again("evidence", error))
    return to(f"/console/release/releases/{release}#evidence")


@routes.post("/releases/{release}/ask")
def ask(visit: Submitting, release: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            releases.ask_signatures(tx, release)
    except Refusing as error:
        return _release(visit, release, Again("ask", error))
    return to(f"/console/release/releases/{release}#signatures")


@routes.post("/releases/{release}/withdraw")
def withdraw(visit: Submitting, release: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            found = releases.one(tx, release)
            evidence = found.evidence.sha256 if found.evidence is not None else ""
            withdrawals.withdraw(tx, found.lead, found.programme, evidence, visit.form.get("reason", ""))
    except Refusing as error:
        return _release(visit, release, Again("withdraw", error))
    return to(f"/console/release/releases/{release}")


@routes.post("/releases/{release}/filings")
def file(visit: Submitting, release: UUID) -> Response:
    form = visit.form
    try:
        state = _filing(form.get("state", ""))
        with visit.transaction() as tx:
            found = releases.one(tx, release)
            rollouts.file(
                tx, found.lead, found.programme, release, form.get("market", "").strip(), state,
                reference=form.get("reference", "").strip(), note=form.get("note", "").strip(),
            )  # fmt: skip
    except Refusing as error:
        return _release(visit, release, Again("filing", error))
    return to(f"/console/release/releases/{release}#filings")


def _filing(text: str) -> Filing:
    if text not in set(Filing):
        raise InputError("form", "state", "it is no state of a filing", "Choose one of these.")
    return Filing(text)


def around(tx: Transaction, lead: str, programme: UUID) -> dict[str, Any]:
    """What pages of a programme's releases, keys, roll-outs and cars have in common. Raises Missing."""
    row = agreements.programme(tx, lead, programme)
    may = access.actions_on(tx, area_of(lead, programme))
    return joint_pages.around(tx) | {
        "programme": row, "home": f"/console/release/programmes/{row.organisation}/{row.id}", "may": may, "own": tx.actor.organisation,
    }  # fmt: skip


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
