"""What changes between two model years of a line: features, rules, parts and prices. And its software: how it is had, what it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from marque.app.console.line_pages import around, asked_of, opened
from marque.app.console.product_lines import Asked, Choice, Shelf, Shown, configured
from marque.app.console.product_words import Teller, money
from marque.app.console.visit import Visiting
from marque.common import InputError
from marque.product.configure.session import Answer
from marque.product.model import Constraint, Feature, Name
from marque.product.prices.model import PriceList
from marque.product.prices.money import MINOR_DIGITS

if TYPE_CHECKING:
    from marque.product.parts import Differences

routes = APIRouter(prefix="/console/product/lines")
_found = Shelf()
_HAD = ("standard", "option", "subscription")
"""How software is sold, as the attribute `sold` says."""


@routes.get("/{line}/differences")
def differences(visit: Visiting, line: str) -> HTMLResponse:
    from marque.product import parts

    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    context = around(visit, shown, wanted, "differences")
    tell: Teller = context["tell"]
    years = shown.contexts["year"]
    query = visit.request.query_params
    before, after = _year(years, query.get("before"), 0), _year(years, query.get("after"), -1)
    context |= {"years": [(one.code, tell.name(one.feature)) for one in years], "before": before, "after": after, "found": None, "none": ""}
    if before is None or after is None or before == after:
        return visit.page("product_differences.html", context)
    given = tuple(one.feature for name in ("market", "plant") for one in shown.contexts[name] if one.code == wanted.context(name))
    bill = shown.bill.digest if shown.bill else ""
    key = f"{shown.product.cnf.named_digest} {bill} {before.feature} {after.feature} {given}"
    try:
        found = _found.get(key, lambda: parts.differences(shown.product, before.feature, after.feature, shown.bill, given))
    except InputError:
        return visit.page("product_differences.html", context | {"none": "1"})
    context |= {"found": _told(found, shown, tell), "rules": _rules(shown, tell, {before.feature, after.feature})}
    context |= {"prices": _prices(shown, wanted, before, after, tell)}
    return visit.page("product_differences.html", context)


def _year(years: tuple[Choice, ...], code: str | None, otherwise: int) -> Choice | None:
    return next((one for one in years if one.code == code), years[otherwise] if years else None)


def _told(found: Differences, shown: Shown, tell: Teller) -> dict[str, Any]:
    chinese = tell.words.language == "zh"
    items = shown.bill.items if shown.bill else {}

    def listed(names: tuple[str, ...]) -> list[dict[str, str]]:
        plain = [one for one in names if not _only_holds(shown.model.features[one])]
        return [
            {"label": tell.name(one), "name": one, "built": tell.built(one), "in": tell.name(shown.model.features[one].parent)}
            for one in plain
        ]

    return {
        "kinds": [(kind, listed(getattr(found, kind))) for kind in ("new", "gone", "now_in_all", "no_longer_in_all")],
        "slots": [
            {
                "name": one.slot.name_zh if chinese else one.slot.name,
                "code": one.slot.code,
                "new": [(usage.item, items[usage.item].name_zh if chinese else items[usage.item].name) for usage in one.new],
                "gone": [(usage.item, items[usage.item].name_zh if chinese else items[usage.item].name) for usage in one.gone],
            }
            for one in found.slots
        ],
    }


def _only_holds(feature: Feature) -> bool:
    return bool(feature.groups) and feature.attributes.get("abstract", False) is not False


def _rules(shown: Shown, tell: Teller, years: set[str]) -> list[tuple[Constraint, str]]:
    """Those that speak of one of the model years."""
    from marque.product.parts.names import features as names_in

    return [(one, tell.formula(one.formula)) for one in shown.model.constraints if years & set(names_in(one.formula))]


def _prices(shown: Shown, wanted: Asked, before: Choice, after: Choice, tell: Teller) -> dict[str, Any] | None:
    """What costs another amount by the list of the one year's first day than by that of the other's; None where one of them has no list."""
    lists = [_list(shown, wanted, one) for one in (before, after)]
    old, new = lists
    if old is None or new is None or old.currency != new.currency:
        return None
    digits = MINOR_DIGITS[old.currency]
    prices = [{item.feature: item.price for item in one.items} for one in (old, new)]
    rows = [
        {
            "label": tell.name(name), "name": name, "old": money(prices[0][name], old.currency, digits),
            "new": money(prices[1][name], old.currency, digits), "more": prices[1][name] > prices[0][name],
            "change": money(prices[1][name] - prices[0][name], old.currency, digits, sign=True),
        }
        for name in prices[0]
        if name in prices[1] and prices[0][name] != prices[1][name]
    ]  # fmt: skip
    return {"old": old.version, "new": new.version, "rows": rows}


def _list(shown: Shown, wanted: Asked, year: Choice) -> PriceList | None:
    """That of the last day of a year that begins before the day asked for, of its first day otherwise."""
    said = shown.model.features[year.feature].attributes
    day = wanted.day
    if first := said.get("from"):
        day = max(day, date.fromisoformat(str(first)))
    if last := said.get("until"):
        day = min(day, date.fromisoformat(str(last)))
    found = shown.priced(replace(wanted, day=date.fromisoformat(str(first)) if first else day))
    return found[0] if found else None


@routes.get("/{line}/software")
def software(visit: Visiting, line: str) -> HTMLResponse:
    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    context = around(visit, shown, wanted, "software")
    tell: Teller = context["tell"]
    state = configured(shown, wanted)
    how = visit.request.query_params.get("sold", "")
    sold = [one for one in shown.model.features.values() if one.attributes.get("sold") in _HAD]
    priced = shown.priced(wanted)
    releases: dict[str, list[dict[str, Any]]] = {}
    for one in sold:
        if how in ("", one.attributes["sold"]):
            told = _software(one, shown, tell, state, priced[0] if priced else None)
            releases.setdefault(str(one.attributes.get("release", "")), []).append(told)
    context |= {
        "releases": sorted(releases.items(), key=lambda one: _release(one[0])),
        "how": how, "had": [(one, sum(feature.attributes["sold"] == one for feature in sold)) for one in _HAD], "number": len(sold),
    }  # fmt: skip
    return visit.page("product_software.html", context)


def _release(text: str) -> tuple[int, ...]:
    return tuple(int(one) if one.isdecimal() else 0 for one in text.split("."))


def _offers(one: Feature, shown: Shown, tell: Teller) -> list[str]:
    """How the programme lets a function be had, and in how many models and markets its evidence reaches; empty where it says nothing."""
    offered = shown.software.features.get(one.name) if shown.software is not None else None
    if offered is None:
        return []
    ways = [tell.words(f"product.offer.{each.how}", months=each.months) for each in offered.offers]
    markets = tell.names(list(dict.fromkeys(each.market for each in offered.reach)), "list.comma")
    return [*ways, tell.words("product.offer.reach", markets=markets)] if markets else ways


def _software(one: Feature, shown: Shown, tell: Teller, state: object, prices: PriceList | None) -> dict[str, Any]:
    needs = [
        tell.amount(name.replace("requires_", "provides_"), value) for name, value in one.attributes.items() if name.startswith("requires_")
    ]
    said = [
        constraint for constraint in shown.model.constraints
        if (left := getattr(constraint.formula, "left", None)) is not None and left == Name(one.name)
    ]  # fmt: skip
    domain = int(state.domains[shown.model.order[one.name]]) if isinstance(state, Answer) else -1
    price = ""
    if prices is not None and (units := shown.units(prices).get(one.name)):
        price = money(units, prices.currency, MINOR_DIGITS[prices.currency])
    return {
        "label": tell.name(one.name), "name": one.name, "sold": one.attributes["sold"], "ota": one.attributes.get("ota") is True,
        "needs": needs, "rules": [tell.formula(told.formula) for told in said], "domain": domain, "built": tell.built(one.name),
        "offers": _offers(one, shown, tell), "price": price, "in": tell.name(one.parent),
    }  # fmt: skip
