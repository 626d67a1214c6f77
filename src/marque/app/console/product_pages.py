"""Products: the model lines that one may see, and of each programme which revision of which part is in force, and what waits for whom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from marque.alliance import access, agreements, decisions, model
from marque.alliance import rules as alliance_rules
from marque.alliance.access import Action, Area
from marque.alliance.agreements import AgreementState
from marque.alliance.model import Process
from marque.app.console.joint_pages import around
from marque.app.console.visit import Visiting
from marque.foundation import Transaction
from marque.product import archive, revisions, rules
from marque.product.rules import PROCESS, Kind, Revision, Where

routes = APIRouter(prefix="/console/product")
_QUOTES = 20


@dataclass(frozen=True)
class Part:
    """Of a programme. force: the revision that holds on the day; waits: the last one that is not decided on; for: those it waits for."""

    kind: Kind
    name: str
    force: Revision | None
    waits: Revision | None
    waits_for: tuple[str, ...]
    last: Revision

    @property
    def process(self) -> Process:
        return PROCESS[self.kind]


def parts_of(tx: Transaction, lead: str, programme: UUID, at: datetime) -> list[Part]:
    """Every visible part, as it holds on a day for no market, plant or model year in particular, or for any."""
    found = []
    for one in revisions.parts(tx, lead, programme):
        kind = Kind(one.kind)
        known = revisions.of_part(tx, lead, programme, kind, one.part)
        if not known:
            continue
        open_ = next((row for row in known if row.state == "open"), None)
        asked = decisions.one(tx, open_.decision) if open_ is not None and open_.decision is not None else None
        waits_for = tuple(asked.waited_for()) if asked is not None else ()
        found.append(Part(kind, one.part, _force(known, at), open_, waits_for, known[0]))
    return sorted(found, key=lambda one: (list(Kind).index(one.kind), one.name))


def _force(known: list[Revision], at: datetime) -> Revision | None:
    """Of a part with bounds to places, the last that holds anywhere on the day."""
    counting = [one for one in known if one.assented_at is not None and one.assented_at <= at]
    fitting = [one for one in counting if rules.Effectivity(one.effectivity.starts, one.effectivity.ends).holds(Where(at.date()))]
    return fitting[0] if fitting else None


@routes.get("")
def every(visit: Visiting) -> HTMLResponse:
    now = visit.platform.clock.now()
    with visit.transaction() as tx:
        found = []
        for state in agreements.all_agreements(tx):
            for one in state.programmes:
                parts = parts_of(tx, one.organisation, one.id, now)
                if parts or _may_write(tx, one.organisation, one.id):
                    found.append((one, state, parts))
        context = around(tx) | {"found": found, "own": visit.session.organisation}
    return visit.page("product.html", context)


def _may_write(tx: Transaction, lead: str, programme: UUID) -> bool:
    areas = [Area(lead, programme, process) for process in dict.fromkeys(PROCESS.values())]
    return any(access.allowed(tx, Action.CREATE, areas))


@routes.get("/programmes/{lead}/{programme}")
def show(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    at = visit.on()
    with visit.transaction() as tx:
        row = agreements.programme(tx, lead, programme)
        state = agreements.agreement(tx, row.organisation, row.agreement)
        parts = parts_of(tx, lead, programme, at)
        kinds = [one for one in Kind if access.allowed(tx, Action.CREATE, [revisions.area_of(lead, programme, one)])[0]]
        context = around(tx) | {
            "programme": row, "agreement": state, "at": at, "parts": parts, "kinds": kinds, "own": visit.session.organisation,
            "quotes": _quotes(tx, lead, programme),
            "line": next((one.force.id for one in parts if one.kind is Kind.LINE and one.force), None),
            "deciders": {process: _deciders(state, row.code, process, at) for process in dict.fromkeys(PROCESS.values())},
        }  # fmt: skip
    return visit.page("product_programme.html", context)


def _quotes(tx: Transaction, lead: str, programme: UUID) -> list[dict[str, str]]:
    """The newest quotes of a programme, for those who see its sales."""
    area = revisions.area_of(lead, programme, Kind.PUBLICATION)
    if not access.allowed(tx, Action.VIEW, [area])[0]:
        return []
    found = []
    for one in archive.quotes(tx, area, None, _QUOTES):
        said = json.loads(one.text)
        told = said["breakdown"]
        amount = f"{Decimal(told['payable']):,} {told['currency']}"
        found.append({"digest": one.digest, "issued": said["issued"], "market": said["price_list"]["market"], "payable": amount})
    return found


def _deciders(state: AgreementState, code: str, process: Process, at: datetime) -> tuple[str, ...]:
    """Who leads and co-decides there on the day; empty where nothing is in force."""
    force = state.in_force(at)
    return () if force is None else tuple(alliance_rules.part(force.said, model.Area(code, process)).decides)
