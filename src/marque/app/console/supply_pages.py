"""Technology supply: one's catalogue of modules, which programme was offered which version by which mode, and what one's programmes get."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements
from marque.app.console.joint_pages import around
from marque.app.console.product_lines import Shelf
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError
from marque.foundation import Transaction
from marque.product import checks, revisions, supply
from marque.product.rules import Kind, Revision
from marque.product.supply import Module, ModuleKind

routes = APIRouter(prefix="/console/product")
_read = Shelf()


@dataclass(frozen=True)
class Supplied:
    """A module in a programme that one sees: what is in force of it, and by which mode it is decided."""

    code: str
    lead: str
    programme: UUID
    mode: str
    part: str
    force: Revision
    requires: tuple[str, ...]
    provides: tuple[str, ...]


@routes.get("/supply")
def show(visit: Visiting) -> HTMLResponse:
    return _page(visit)


def _page(visit: Visit, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        catalogue = supply.catalogue(tx)
        context = around(tx) | {
            "catalogue": _by_name(catalogue), "bindings": supply.bindings(tx), "supplied": _supplied(tx), "kinds": list(ModuleKind),
            "own": visit.session.organisation,
            "programmes": _open(tx),
        }  # fmt: skip
    return visit.page("product_supply.html", context, again)


def _open(tx: Transaction) -> list[tuple[str, UUID, str]]:
    """Lead, id and code of the programmes for which one may put modules forward."""
    known = [(one.organisation, one.id, one.code) for state in agreements.all_agreements(tx) for one in state.programmes]
    areas = [revisions.area_of(lead, programme, Kind.MODULE) for lead, programme, _ in known]
    return [one for one, may in zip(known, access.allowed(tx, access.Action.CREATE, areas), strict=True) if may]


def _facts(tx: Transaction, revision: Revision) -> checks.Facts:
    """What its features need and give, as its catalogue says, else as its text does."""
    if revision.about:
        requires, provides = (tuple(map(str, revision.about.get(name, ()))) for name in ("requires", "provides"))
        return checks.Facts(requires, provides)
    text = revisions.text(tx, revision.id)
    try:
        return _read.get(revision.digest, lambda: checks.module_facts(text, revision.part))
    except InputError:  # it imports what is not here
        return checks.Facts((), ())


def _by_name(found: list[Module]) -> dict[str, list[Module]]:
    """Every version of each, the newest first."""
    named: dict[str, list[Module]] = {}
    for one in found:
        named.setdefault(one.name, []).append(one)
    return named


def _supplied(tx: Transaction) -> list[Supplied]:
    """Of every programme that one sees, the modules that it has now."""
    found = []
    for state in agreements.all_agreements(tx):
        force = state.in_force(tx.now)
        for one in state.programmes:
            for part in revisions.parts(tx, one.organisation, one.id):
                if part.kind != Kind.MODULE:
                    continue
                known = revisions.of_part(tx, one.organisation, one.id, Kind.MODULE, part.part)
                counting = [row for row in known if row.assented_at is not None]
                if counting and not counting[0].withdrawn_part:
                    facts = _facts(tx, counting[0])
                    mode = force.said.mode if force else ""
                    found.append(Supplied(one.code, one.organisation, one.id, mode, part.part, counting[0], facts.requires, facts.provides))
    return found


@routes.post("/supply/modules")
def publish(visit: Submitting) -> Response:
    form = visit.form
    kind = form.get("kind", "")
    module = Module(
        name=form.get("part", "").strip(), version=form.get("version", "").strip(), title=form.get("title", ""),
        kind=ModuleKind(kind) if kind in set(ModuleKind) else ModuleKind.OTHER,
        text=(form.get("file", "") or form.get("model", "")).replace("\r\n", "\n"),
        hardware=tuple(one.strip() for one in form.get("hardware", "").splitlines() if one.strip()),
    )  # fmt: skip
    try:
        with visit.transaction() as tx:
            supply.publish(tx, module)
    except Refusing as error:
        return _page(visit, Again("publish", error))
    return to("/console/product/supply")


@routes.post("/supply/offers")
def offer(visit: Submitting) -> Response:
    form = visit.form
    lead, _, programme = form.get("programme", "").partition("/")
    name, _, version = form.get("module", "").partition(" ")
    try:
        with visit.transaction() as tx:
            made = supply.offer(tx, lead, _identifier(programme), name, version, note=form.get("note", ""))
    except Refusing as error:
        return _page(visit, Again("offer", error))
    return to(f"/console/product/revisions/{made.id}")


def _identifier(text: str) -> UUID:
    """One that nothing has, for what is no identifier."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
