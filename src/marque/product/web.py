"""The product as an API: revisions for the companies' programs and people, a published line for storefronts, cars and their software.

As the alliance's: JSON, problem details (RFC 9457), each request one transaction of whoever calls. What a storefront's token needs is
`view:sales` and, for quotes, `sell:sales`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import PlainTextResponse

from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.alliance.web import PROBLEMS, Before, Calling, Code
from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.product import entitlements, revisions, shapes, storefront, supply
from marque.product.configure import Answer, Conflict
from marque.product.prices import Purchase, list_units
from marque.product.rules import Draft, Kind, Where
from marque.product.software import Event
from marque.product.storefront import Front, Products
from marque.product.supply import Module


def products(request: Request) -> Products:
    """The application's configurators (`app.state.products`)."""
    found: Products = request.app.state.products
    return found


Making = Annotated[Products, Depends(products)]
Part = Annotated[str, Query(max_length=120)]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Car = Annotated[str, Path(max_length=60)]
Name = Annotated[str, Path(max_length=120)]
Short = Annotated[str, Query(max_length=60)]
Year = Annotated[int, Query(ge=0, lt=2200)]


@dataclass(frozen=True)
class Somewhere:
    """A market, a plant and a model year; left out: none in particular."""

    market: str
    plant: str
    model_year: int

    def on(self, day: date) -> Where:
        return Where(day, self.market, self.plant, self.model_year)


def somewhere(market: Short = "", plant: Short = "", model_year: Year = 0) -> Somewhere:
    return Somewhere(market, plant, model_year)


Place = Annotated[Somewhere, Depends(somewhere)]
On = Annotated[date | None, Query(description="The day asked about, UTC; today when left out.")]
routes = APIRouter(prefix="/api/v1", responses=PROBLEMS)
_PROGRAMME = "/programmes/{lead}/{programme}"
_SHOP = f"{_PROGRAMME}/storefronts/{{name}}"
_CAR = f"{_PROGRAMME}/cars/{{car}}"


@routes.get(f"{_PROGRAMME}/product/parts")
def parts(caller: Calling, lead: Code, programme: UUID) -> list[shapes.PartOut]:
    with caller.transaction() as tx:
        return [shapes.part_out(one) for one in revisions.parts(tx, lead, programme)]


@routes.get(f"{_PROGRAMME}/product/areas/{{process}}/revisions")
def list_revisions(caller: Calling, lead: Code, programme: UUID, process: Process, before: Before = None) -> list[shapes.RevisionOut]:
    with caller.transaction() as tx:
        return [shapes.revision_out(one) for one in revisions.page(tx, Area(lead, programme, process), before)]


@routes.get(f"{_PROGRAMME}/product/{{kind}}/revisions")
def of_part(caller: Calling, lead: Code, programme: UUID, kind: Kind, part: Part) -> list[shapes.RevisionOut]:
    """The last written first."""
    with caller.transaction() as tx:
        return [shapes.revision_out(one) for one in revisions.of_part(tx, lead, programme, kind, part)]


@routes.post(f"{_PROGRAMME}/product/{{kind}}/revisions", status_code=201)
def propose(caller: Calling, lead: Code, programme: UUID, kind: Kind, given: shapes.RevisionIn) -> shapes.RevisionOut:
    """Read and checked before anybody is asked; in force once those who decide in its area have assented."""
    draft = Draft(
        kind=kind, part=given.part, text=given.text, base=given.base, note=given.note, effectivity=given.effectivity.effectivity()
    )
    with caller.transaction() as tx:
        return shapes.revision_out(revisions.propose(tx, lead, programme, draft))


@routes.get(f"{_PROGRAMME}/product/{{kind}}/in-force")
def in_force(caller: Calling, lead: Code, programme: UUID, kind: Kind, part: Part, at: Place, on: On = None) -> shapes.RevisionOut:
    with caller.transaction() as tx:
        where = at.on(on or tx.now.date())
        return shapes.revision_out(revisions.in_force(tx, lead, programme, kind, part, where))


@routes.get("/product/revisions/{revision}")
def one_revision(caller: Calling, revision: UUID) -> shapes.RevisionOut:
    with caller.transaction() as tx:
        return shapes.revision_out(revisions.one(tx, revision))


@routes.get("/product/revisions/{revision}/text", response_class=PlainTextResponse)
def revision_text(caller: Calling, revision: UUID) -> str:
    with caller.transaction() as tx:
        return revisions.text(tx, revision)


@routes.get("/modules")
def catalogue(caller: Calling) -> list[shapes.ModuleOut]:
    """Of your organisation; nobody else's."""
    with caller.transaction() as tx:
        return [shapes.module_out(one) for one in supply.catalogue(tx)]


@routes.post("/modules", status_code=201)
def publish_module(caller: Calling, given: shapes.ModuleIn) -> shapes.ModuleOut:
    module = Module(**(given.model_dump() | {"kind": given.kind, "hardware": tuple(given.hardware)}))
    with caller.transaction() as tx:
        return shapes.module_out(supply.publish(tx, module))


@routes.get("/modules/bindings")
def bindings(caller: Calling) -> list[shapes.BindingOut]:
    """Which programmes were offered your modules, by which mode of agreement."""
    with caller.transaction() as tx:
        return [shapes.binding_out(one) for one in supply.bindings(tx)]


@routes.post(f"{_PROGRAMME}/modules", status_code=201)
def offer_module(caller: Calling, lead: Code, programme: UUID, given: shapes.OfferIn) -> shapes.RevisionOut:
    with caller.transaction() as tx:
        effectivity = given.effectivity.effectivity()
        if given.version:
            made = supply.offer(tx, lead, programme, given.name, given.version, note=given.note, effectivity=effectivity)
        else:
            made = supply.withdraw(tx, lead, programme, given.name, note=given.note, effectivity=effectivity)
        return shapes.revision_out(made)


@routes.get(_SHOP)
def shop(caller: Calling, made: Making, lead: Code, programme: UUID, name: Name, at: Place, on: On = None) -> shapes.FrontOut:
    """What is published under this name: the features, and what people read of them."""
    with caller.transaction() as tx:
        front = storefront.front(tx, lead, programme, name, at.on(on or tx.now.date()))
        prices, _ = storefront.sources(tx, front)
        return shapes.front_out(front, storefront.product(tx, front, made), prices.currency)


@routes.post(f"{_SHOP}/configure")
def configure(
    caller: Calling, made: Making, lead: Code, programme: UUID, name: Name, given: shapes.ConfigureIn, at: Place
) -> shapes.ConfigureOut:
    """What every decision so far leaves, or what stands against the first one that leaves nothing."""
    with caller.transaction() as tx:
        front = storefront.front(tx, lead, programme, name, at.on(tx.now.date()))
        prices, _ = storefront.sources(tx, front)
        answer = _answered(tx, front, made, given)
    if isinstance(answer, Conflict):
        return shapes.conflict_out(answer)
    return shapes.answer_out(answer, list_units(prices, set(answer.forced)))


@routes.post(f"{_SHOP}/quotes", status_code=201)
def issue(caller: Calling, made: Making, lead: Code, programme: UUID, name: Name, given: shapes.QuoteIn, at: Place) -> shapes.QuoteOut:
    """Frozen with everything it stands on, so that its link tells the same price for ever. What is still free is left out."""
    with caller.transaction() as tx:
        today = tx.now.date()
        front = storefront.front(tx, lead, programme, name, at.on(today))
        answer = _answered(tx, front, made, given)
        if isinstance(answer, Conflict):
            ok(Refusal("no car has all of this; ask for the conflict first", {"wanted": answer.title}))
        assert isinstance(answer, Answer)
        purchase = Purchase(
            on=today, registered=given.registered or today, region=given.region, circumstances=frozenset(given.circumstances),
            codes=frozenset(given.codes), built=given.built,
        )  # fmt: skip
        return shapes.quote_out(storefront.issue(tx, front, storefront.product(tx, front, made), answer, purchase))


@routes.get(f"{_PROGRAMME}/quotes/{{digest}}")
def quote(caller: Calling, lead: Code, programme: UUID, digest: Digest) -> shapes.QuoteOut:
    """Priced again from what it names: the same to the cent."""
    with caller.transaction() as tx:
        return shapes.quote_out(storefront.quote(tx, lead, programme, digest))


@routes.post(_CAR, status_code=201)
def deliver(caller: Calling, lead: Code, programme: UUID, car: Car, given: shapes.DeliveryIn) -> shapes.CarEventOut:
    """A car was handed over, built as its quote says."""
    with caller.transaction() as tx:
        return shapes.event_out(entitlements.deliver(tx, lead, programme, car, **given.model_dump()))


@routes.get(f"{_CAR}/events")
def events(caller: Calling, lead: Code, programme: UUID, car: Car) -> list[shapes.CarEventOut]:
    with caller.transaction() as tx:
        return [shapes.event_out(one) for one in entitlements.events(tx, lead, programme, car)]


@routes.post(f"{_CAR}/events", status_code=201)
def happen(caller: Calling, lead: Code, programme: UUID, car: Car, given: shapes.CarEventIn) -> shapes.CarEventOut:
    with caller.transaction() as tx:
        return shapes.event_out(_happened(tx, lead, programme, car, given))


@routes.get(f"{_CAR}/software")
def software(caller: Calling, lead: Code, programme: UUID, car: Car, part: Part) -> shapes.SoftwareOut:
    """What works in the car now and why, and what could be bought for it. part: the software document's."""
    with caller.transaction() as tx:
        works = [shapes.entitlement_out(one) for one in entitlements.entitlements(tx, lead, programme, car, part)]
        offered = [shapes.upgrade_out(one) for one in entitlements.upgrades(tx, lead, programme, car, part)]
    return shapes.SoftwareOut(features=works, upgrades=offered)


def _answered(tx: Transaction, front: Front, made: Products, given: shapes.ConfigureIn) -> Answer | Conflict:
    decisions = [(one.feature, one.chosen) for one in given.decisions]
    return storefront.configured(storefront.product(tx, front, made), front, given.built or tx.now.date(), decisions)


def _happened(tx: Transaction, lead: str, programme: UUID, car: str, given: shapes.CarEventIn) -> Event:
    of = (tx, lead, programme, car)
    match given.what:
        case "updated":
            return entitlements.update(*of, given.release)
        case "resold":
            return entitlements.resell(*of, given.owner)
        case "bought":
            return entitlements.buy(*of, given.software, given.feature, given.how)
        case "renewed":
            return entitlements.renew(*of, given.software, given.feature)
        case "cancelled":
            return entitlements.cancel(*of, given.feature)
