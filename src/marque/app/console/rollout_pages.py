"""Roll-outs: planned group by group, approved, watched while they run, paused, halted and gone on with.

/console/release/programmes/LEAD/ID/rollouts         every roll-out of a programme; /new the form of one
/console/release/rollouts/ID                         how far it is, group by group, and why it stands where it stands; a script keeps it so
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import decisions
from marque.app.console import release_words as telling
from marque.app.console.release_forms import FIRST, GROUPS, plan_of
from marque.app.console.release_pages import around
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import Missing
from marque.foundation import Transaction
from marque.release import releases
from marque.release.rollouts import service
from marque.release.rollouts.model import Rollout, State
from marque.release.rollouts.progress import Progress

routes = APIRouter(prefix="/console/release")
_ACTS = {"pause": service.pause, "resume": service.resume, "halt": service.halt, "cancel": service.cancel, "finish": service.finish}
_POSSIBLE = {
    State.DRAFT: ("launch", "cancel"), State.WAITING: ("cancel",), State.RUNNING: ("finish", "pause", "halt", "cancel"),
    State.PAUSED: ("resume", "halt", "cancel"), State.HALTED: ("resume", "cancel"),
}  # fmt: skip
"""What may be done to a roll-out in a state, as `rules.act` has it; of another organisation's, stopping alone."""
_OF_EITHER = frozenset({"pause", "halt"})


@routes.get("/programmes/{lead}/{programme}/rollouts")
def listed(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    with visit.transaction() as tx:
        found = service.page(tx, lead, programme)
        context = around(tx, lead, programme) | {"tab": "rollouts", "rollouts": found}
    return visit.page("rollouts.html", context)


@routes.get("/programmes/{lead}/{programme}/rollouts/new")
def plan(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    """`?release=` says which one it begins with."""
    return _form(visit, lead, programme)


def _form(visit: Visit, lead: str, programme: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        there = [one for one in releases.page(tx, lead, programme) if one.distributable]
        context = around(tx, lead, programme) | {
            "tab": "rollouts", "releases": there, "chosen": visit.request.query_params.get("release", ""), "rows": range(GROUPS),
            "first": FIRST,
        }  # fmt: skip
    return visit.page("rollout_new.html", context, again)


@routes.post("/programmes/{lead}/{programme}/rollouts/new")
def draft(visit: Submitting, lead: str, programme: UUID) -> Response:
    try:
        given = plan_of(visit.form)
        with visit.transaction() as tx:
            made = service.draft(tx, lead, programme, given)
    except Refusing as error:
        return _form(visit, lead, programme, Again("rollout", error))
    return to(f"/console/release/rollouts/{made.id}")


@routes.get("/rollouts/{rollout}")
def show(visit: Visiting, rollout: UUID) -> HTMLResponse:
    return _page(visit, rollout)


def _page(visit: Visit, rollout: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        progress = service.progress(tx, rollout)
        shown = progress.rollout
        context = around(tx, shown.lead, shown.programme) | _told(visit, tx, progress) | {
            "tab": "rollouts", "decision": _decision(tx, shown),
        }  # fmt: skip
        context["acts"] = _acts(shown, context)
    return visit.page("rollout_one.html", context, again)


def _told(visit: Visit, tx: Transaction, progress: Progress) -> dict[str, Any]:
    words, rollout = visit.words, progress.rollout
    names = {one.number: one.group.name for one in rollout.groups}
    return {
        "progress": progress, "rollout": rollout, "version": releases.one(tx, rollout.release).version,
        "live": rollout.state is State.RUNNING, "groups": telling.groups_told(progress),
        "told": telling.pace(words, progress), "attacks": telling.attacks(progress.counts),
        "why": telling.why(words, rollout.reason, rollout.details) if rollout.reason else None,
        "waits": [telling.wait_told(words, one) for one in progress.waits],
        "history": [(one, telling.act_told(words, one, names), telling.why(words, one.reason, one.details) if one.reason else None)
                    for one in progress.history],
        "share": telling.share, "percent": telling.percent, "span": lambda given: telling.span(words, given),
    }  # fmt: skip


def _decision(tx: Transaction, rollout: Rollout) -> decisions.Decision | None:
    return decisions.one(tx, rollout.decision) if rollout.decision is not None else None


def _acts(rollout: Rollout, context: dict[str, Any]) -> list[str]:
    """Those that the visitor may choose between."""
    own = rollout.organisation == context["own"]
    possible = [one for one in _POSSIBLE.get(rollout.state, ()) if own or one in _OF_EITHER]
    if rollout.current is not None and "finish" in possible:
        possible.remove("finish")
    return [one for one in possible if ("propose" if one == "launch" else "decide") in context["may"]]


@routes.post("/rollouts/{rollout}/{act}")
def act(visit: Submitting, rollout: UUID, act: str) -> Response:
    if act != "launch" and act not in _ACTS:
        raise Missing("page")
    try:
        with visit.transaction() as tx:
            if act == "launch":
                service.launch(tx, rollout)
            else:
                _ACTS[act](tx, rollout, visit.form.get("reason", ""))
    except Refusing as error:
        return _page(visit, rollout, Again("act", error))
    return to(f"/console/release/rollouts/{rollout}")
