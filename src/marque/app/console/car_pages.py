"""A complete car: what it costs line by line, what it computes to, which parts it is built from; and a quote of it, frozen to a link."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access
from marque.app.console.line_pages import around, asked_of, opened
from marque.app.console.product_lines import Asked, Shown, configured, find
from marque.app.console.product_words import money
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.app.words import Words
from marque.common import Missing, Refusal, Refused, ok
from marque.foundation import blobs
from marque.product import storefront
from marque.product.archive import SalesArchive
from marque.product.configure.complete import cheapest_car, deciding
from marque.product.configure.decisions import Conflict
from marque.product.configure.session import Answer
from marque.product.prices import Purchase, price
from marque.product.prices import quote as frozen
from marque.product.prices.model import Breakdown, PriceList, TaxRules
from marque.product.prices.money import MINOR_DIGITS, Money
from marque.product.prices.quotes import Quote, requote
from marque.product.properties import Property
from marque.product.properties import properties as computed

routes = APIRouter(prefix="/console/product/lines")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DIGITS: Mapping[str, int] = {"km": 0, "kg": 0, "kWh/100 km": 1, "%": 1}


@dataclass(frozen=True)
class Car:
    """names: of all its features."""

    names: frozenset[str]
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class Buyer:
    """What taxes and subsidies ask of the buyer, and discounts that are asked for."""

    region: str = ""
    circumstances: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        found = [("region", self.region)] if self.region else []
        return [*found, *(("c", one) for one in sorted(self.circumstances)), *(("code", one) for one in sorted(self.codes))]


def car_of(asked: Asked, state: Answer) -> Car | None:
    """The one car that is left; None where there are several."""
    if state.free_count:
        return None
    return Car(frozenset(state.forced), asked.decisions)


def filled(shown: Shown, asked: Asked, state: Answer) -> tuple[str, ...]:
    """Decisions that make a state one car, the cheapest by list prices."""
    priced = shown.priced(asked)
    units = shown.units(priced[0] if priced else None)
    return (*asked.decisions, *deciding(state, cheapest_car(state, units)))


def properties(shown: Shown, car: Car, words: Words) -> list[dict[str, Any]]:
    """The computed figures, each with its method and the digest of what it rests on; those that are not claimed last."""
    told = [_property(one, words) for one in computed(shown.model, car.names)]
    return sorted(told, key=lambda one: not one["claimed"])


def _property(one: Property, words: Words) -> dict[str, Any]:
    value = "" if one.value is None else f"{one.value:,.{_DIGITS.get(one.unit, 0)}f}"
    return {
        "label": words.messages.get(f"product.property.{one.name}", one.name.replace("_", " ")),
        "name": one.name, "claimed": one.claimed, "value": value, "unit": one.unit, "method": one.method, "statement": one.statement,
        "digest": one.digest,
    }  # fmt: skip


def purchase(asked: Asked, buyer: Buyer, mass_kg: Fraction) -> Purchase:
    return Purchase(
        on=asked.day, registered=asked.day, region=buyer.region, circumstances=buyer.circumstances, codes=buyer.codes,
        quantities={"mass_kg": mass_kg}, built=asked.day,
    )  # fmt: skip


def mass_of(shown: Shown, car: frozenset[str]) -> Fraction:
    found = [shown.model.features[name].attributes.get("mass_kg") for name in car]
    return sum((Fraction(repr(one)) for one in found if isinstance(one, int | float) and not isinstance(one, bool)), Fraction(0))


def buyer_of(visit: Visit, priced: tuple[PriceList, TaxRules] | None) -> Buyer:
    """What makes no sense in this market is left out."""
    if priced is None:
        return Buyer()
    prices, rules = priced
    said = visit.fields or tuple(visit.request.query_params.multi_items())
    values = {name: [value for key, value in said if key == name] for name in ("region", "c", "code")}
    regions = [one for one in values["region"] if one in rules.regions]
    return Buyer(
        regions[-1] if regions else "",
        frozenset(values["c"]) & frozenset(rules.circumstances),
        frozenset(values["code"]) & {one.code for one in prices.discounts if one.on_request},
    )


@routes.get("/{line}/car")
def show(visit: Visiting, line: str) -> HTMLResponse:
    shown = opened(visit, line)
    return _page(visit, shown, asked_of(visit, shown))


def _page(visit: Visit, shown: Shown, wanted: Asked, again: Again | None = None) -> HTMLResponse:
    from marque.app.console.parts_pages import lines_of

    context = around(visit, shown, wanted, "configure")
    state = configured(shown, wanted)
    if isinstance(state, Conflict) or (car := car_of(wanted, state)) is None:
        return visit.page("product_car.html", context | {"car": None}, again)
    priced = shown.priced(wanted)
    buyer = buyer_of(visit, priced)
    made = price(*priced, car.names, purchase(wanted, buyer, mass_of(shown, car.names))) if priced else None
    if isinstance(made, Refusal) and priced and priced[1].regions and not buyer.region:  # some figures depend on it: one to begin with
        buyer = replace(buyer, region=next(iter(priced[1].regions)))
        made = price(*priced, car.names, purchase(wanted, buyer, mass_of(shown, car.names)))
    tell = context["tell"]
    context |= {
        "car": car, "buyer": buyer, "priced": priced, "equipment": _equipment(shown, car.names, tell),
        "breakdown": _lines(made, shown, context) if isinstance(made, Breakdown) else None,
        "refusal": made if isinstance(made, Refusal) else None,
        "properties": properties(shown, car, visit.words), "parts": lines_of(shown, wanted, car.names, visit.words),
        "fields": [*wanted.pairs, *buyer.pairs], "decided": [one.lstrip("!") for one in wanted.decisions],
    }  # fmt: skip
    return visit.page("product_car.html", context, again)


def _equipment(shown: Shown, car: frozenset[str], tell: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """By part of the tree below the root, what the car has: heading and choice, or choice alone."""
    found = []
    for group in shown.model.root.groups:
        for top in group.children:
            if top not in car:
                continue
            below = [
                one
                for one in shown.model.below(top)
                if one.name in car and not (one.groups and one.attributes.get("abstract", False) is not False)
            ]
            listed = [(tell.name(one.parent) if one.parent != top else "", tell.name(one.name)) for one in below if one.name != top]
            found.append((tell.name(top), listed))
    return [one for one in found if one[1]]


def _lines(made: Breakdown, shown: Shown, context: dict[str, Any]) -> dict[str, Any]:
    tell, currency = context["tell"], made.currency
    digits = MINOR_DIGITS[currency]

    def said(amount: Money | None) -> str:
        return "" if amount is None else money(amount.minor, currency, digits)

    lines = [
        {
            "kind": str(one.kind), "name": tell.name(one.code) if one.code in shown.model.features else one.name,
            "label": one.code in shown.model.features, "net": said(one.net), "vat": said(one.vat), "gross": said(one.gross),
            "instead": said(one.instead_of), "rule": one.rule, "why": one.why, "nothing": not one.gross.minor,
        }
        for one in made.lines
    ]  # fmt: skip
    totals = {name: said(getattr(made, name)) for name in ("net", "vat", "seller", "state", "payable")}
    return {"lines": lines, "vat_rule": made.vat_rule} | totals


# Quotes ----------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Files:
    """Documents of quotes among the files of one organisation."""

    kept: blobs.Blobs

    def put(self, content: bytes) -> str:
        return str(self.kept.put(content))

    def get(self, digest: str) -> bytes:
        return self.kept.read(digest)


def _files(visit: Visit) -> Files:
    return Files(blobs.store_at(visit.platform.settings.blobs).of(visit.session.organisation))


@routes.post("/{line}/quotes")
def freeze(visit: Submitting, line: str) -> Response:
    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    try:
        car, bought = _bought(visit, shown, wanted)
        with visit.transaction() as tx:
            if shown.sales is not None:
                access.require(tx, access.Action.SELL, shown.sales)
            archive = _files(visit) if shown.sales is None else SalesArchive(tx, shown.sales)
            made = ok(frozen(shown.model, shown.sources(wanted), signed(wanted), car.names, bought, archive))
    except Refusing as error:
        return _page(visit, shown, wanted, Again("quote", error))
    return to(f"{shown.here}/quotes/{made.digest}")


def _bought(visit: Visit, shown: Shown, wanted: Asked) -> tuple[Car, Purchase]:
    """Raises Refused where there is nothing to freeze."""
    state = configured(shown, wanted)
    car = None if isinstance(state, Conflict) else car_of(wanted, state)
    if car is None:
        raise Refused(Refusal("a quote is of one car, and this is not one yet"))
    priced = shown.priced(wanted)
    if priced is None:
        raise Refused(Refusal("nothing is priced in this market on this day"))
    return car, purchase(wanted, buyer_of(visit, priced), mass_of(shown, car.names))


def signed(wanted: Asked) -> list[str]:
    """Decisions as quotes write them."""
    return [f"-{one[1:]}" if one.startswith("!") else f"+{one}" for one in wanted.decisions]


@routes.get("/{line}/quotes/{quote}")
def quote(visit: Visiting, line: str, quote: str) -> HTMLResponse:
    """Priced again from what it names, each time it is looked at."""
    with visit.transaction() as tx:
        making = find(tx, line)
        area = making.sales
        if not _DIGEST.fullmatch(quote):
            raise Missing("quote")
        found = storefront.quote(tx, area.lead, area.programme, quote) if area is not None else _of_files(visit, quote)
    shown = making.make()
    said = json.loads(found.text)
    context = around(visit, shown, asked_of(visit, shown), "configure")
    today = visit.platform.clock.now().date()
    context |= {
        "quote": found, "said": said, "breakdown": _lines(found.breakdown, shown, context), "open": found.open_on(today),
        "address": f"{visit.platform.settings.public_origin.rstrip('/')}{shown.here}/quotes/{quote}",
        "configured": _address(shown, said),
    }  # fmt: skip
    return visit.page("product_quote.html", context)


def _of_files(visit: Visit, digest: str) -> Quote:
    """Raises Missing."""
    archive = _files(visit)
    try:
        text = archive.get(digest)
    except Missing:
        raise Missing("quote") from None
    return requote(text, archive, f"quotes/{digest}")


def _address(shown: Shown, said: Mapping[str, Any]) -> str:
    """Of the configurator with what a quote was decided by."""
    car = set(said["configuration"]["car"])
    pairs = [("on", said["issued"])]
    for name, choices in shown.contexts.items():
        pairs += [(name, one.code) for one in choices if one.feature in car]
    pairs += [("d", one[1:] if one[0] == "+" else f"!{one[1:]}") for one in said["configuration"]["decisions"]]
    return f"{shown.here}/configure?{urlencode(pairs)}"
