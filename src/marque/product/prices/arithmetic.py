"""The arithmetic of prices, version 1. Quotes of years ago are computed by this file: whatever changes a figure is a new version beside it.

In whole minor units and exact fractions; a figure is rounded once, where the rules of the market say. The way of a price:
items (base, features, packages) → discounts → fees → VAT → taxes, registration, subsidies.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction

from marque.common import Refusal, Sentence
from marque.product.evaluate import holds
from marque.product.prices.model import (
    Breakdown,
    Discount,
    Item,
    ItemKind,
    Levy,
    LevyKind,
    Line,
    LineKind,
    Of,
    PriceList,
    Purchase,
    TaxRules,
    Vat,
)
from marque.product.prices.money import Money, apportioned, rounded


@dataclass(slots=True)
class _Draft:
    """A line whose VAT is not yet known. amount: on the list's basis, with or without VAT."""

    kind: LineKind
    code: str
    name: str
    amount: int
    taxed: bool
    rule: str
    instead_of: int | None = None
    why: str = ""
    net: int = 0
    vat: int = 0


def price(prices: PriceList, rules: TaxRules, car: Set[str], purchase: Purchase) -> Breakdown | Refusal:
    """What a complete car costs, every line explained; a Refusal where list, rules and purchase do not go together.

    Whether the car can be built is not asked here.
    """
    if refused := _unfit(prices, rules, purchase):
        return refused
    if prices.market_feature and prices.market_feature not in car:
        return Refusal(
            "the car is not built for the market of this price list", {"it lacks": prices.market_feature, "market": prices.market}
        )
    based = [item for item in prices.items if item.kind is ItemKind.BASE and item.feature in car]
    if len(based) != 1:
        found = ", ".join(item.feature for item in based) or "none"
        return Refusal("a car has exactly one base price", {"base prices of this car": found, "price list": prices.version})
    drafts = [_item(prices, item, car) for item in prices.items if item.feature in car]
    drafts += _discounts(prices, rules, drafts, car, purchase)
    for fee in prices.fees:
        amount = fee.regions.get(purchase.region, fee.price)
        why = Sentence("for region {region}", region=purchase.region) if purchase.region in fee.regions else ""
        drafts.append(_Draft(LineKind.FEE, fee.code, fee.name, amount, fee.taxed, _named(prices, fee.place), why=why))
    vat = next((one for one in rules.vat if one.period.holds(purchase.registered)), None)
    if vat is None:
        return Refusal("no rate of VAT holds on this day", {"day": str(purchase.registered), "tax rules": rules.version})
    _charge_vat(drafts, prices, rules, vat)
    base_net = next(one.net for one in drafts if one.kind is LineKind.BASE)
    bases = {
        Of.NET: sum(one.net for one in drafts if one.taxed),
        Of.GROSS: sum(one.net + one.vat for one in drafts if one.taxed),
        Of.BASE_NET: base_net,
    }
    duties = []
    for levy in rules.levies:
        made = _levy(levy, rules, bases, car, purchase)
        if isinstance(made, Refusal):
            return made
        duties += made
    return _total(prices, rules, vat, drafts, duties)


def _unfit(prices: PriceList, rules: TaxRules, purchase: Purchase) -> Refusal | None:
    if (prices.market, prices.currency) != (rules.market, rules.currency):
        return Refusal(
            "price list and tax rules are of different markets",
            {"price list": f"{prices.market}, {prices.currency}", "tax rules": f"{rules.market}, {rules.currency}"},
        )
    for name, period in (("price list", prices.period), ("tax rules", rules.period)):
        if not period.holds(purchase.on):
            return Refusal(f"the {name} does not hold on this day", {"day": str(purchase.on), "holds": str(period)})
    if purchase.registered < purchase.on:
        return Refusal(
            "a car is not registered before it is offered", {"offered": str(purchase.on), "registered": str(purchase.registered)}
        )
    known = set(rules.regions) | {region for fee in prices.fees for region in fee.regions}
    if purchase.region and purchase.region not in known:
        return Refusal("there is no such region in this market", {"region": purchase.region, "known": ", ".join(sorted(known)) or "none"})
    if unknown := sorted(purchase.circumstances - set(rules.circumstances)):
        return Refusal("there is no such circumstance", {"given": unknown[0], "known": ", ".join(rules.circumstances) or "none"})
    if unknown := sorted(purchase.codes - {one.code for one in prices.discounts}):
        return Refusal("there is no such discount", {"given": unknown[0], "price list": prices.version})
    return None


def _named(document: PriceList | TaxRules, place: str) -> str:
    return f"{'list' if isinstance(document, PriceList) else 'rules'} {document.market} {document.version} {place}"


def listed(item: Item, items: tuple[Item, ...], car: Set[str]) -> tuple[int, int | None, str, str]:
    """(price, price replaced, place, why) of an item of a car.

    A package of the car that contains the feature replaces its price, the cheapest where several do, the first of equals; otherwise the
    first case that holds does.
    """
    inside = [(one.members[item.feature], one) for one in items if one.feature in car and item.feature in one.members]
    if inside:
        paid, package = min(inside, key=lambda one: one[0])
        pattern = "in package {package}" if paid == 0 else "upgrade within package {package}"
        return paid, item.price, f"{package.place}.members", Sentence(pattern, package=package.feature)
    for number, case in enumerate(item.cases):
        if holds(case.condition.formula, car):
            return case.price, item.price, f"{item.place}.cases[{number}]", Sentence("because {condition}", condition=case.condition.text)
    return item.price, None, item.place, ""


def _item(prices: PriceList, item: Item, car: Set[str]) -> _Draft:
    paid, before, place, why = listed(item, prices.items, car)
    return _Draft(LineKind(item.kind), item.feature, item.feature, paid, True, _named(prices, place), before, why)


def _discounts(prices: PriceList, rules: TaxRules, drafts: list[_Draft], car: Set[str], purchase: Purchase) -> list[_Draft]:
    """Each is of list prices, not of what an earlier discount left; together they take no more than the car costs."""
    base = sum(one.amount for one in drafts if one.kind is LineKind.BASE)
    options = sum(one.amount for one in drafts) - base
    whole = {Of.BASE: base, Of.OPTIONS: options, Of.VEHICLE: base + options}
    left, found = base + options, []
    for one in prices.discounts:
        if not _applies(one, car, purchase):
            continue
        exact = one.share * whole[one.of] if one.share is not None else Fraction(one.amount or 0)
        worth = min(rounded(exact, rules.mode), whole[one.of], left, *(() if one.cap is None else (one.cap,)))
        left -= worth
        why = Sentence("{percent} % of {of}", percent=_percent(one.share), of=one.of) if one.share is not None else ""
        found.append(_Draft(LineKind.DISCOUNT, one.code, one.name, -worth, True, _named(prices, one.place), why=why))
    return found


def _applies(discount: Discount, car: Set[str], purchase: Purchase) -> bool:
    return (
        discount.period.holds(purchase.on)
        and (not discount.on_request or discount.code in purchase.codes)
        and (discount.condition is None or holds(discount.condition.formula, car))
    )


def _charge_vat(drafts: list[_Draft], prices: PriceList, rules: TaxRules, vat: Vat) -> None:
    """Fills net and vat of every line. On gross prices VAT is taken out of them, on net prices it is added.

    Above a limit L of net prices, with gross prices: net = gross − r/(1 + r) · (gross − L).
    """
    for one in drafts:
        one.net = one.amount
    taxed = [one for one in drafts if one.taxed]
    share = vat.share / (1 + vat.share) if prices.gross else vat.share
    if rules.per_line:
        amounts = [rounded(share * one.amount, rules.mode) for one in taxed]
    else:
        whole = max(0, sum(one.amount for one in taxed) - vat.above)
        amounts = apportioned(rounded(share * whole, rules.mode), [one.amount for one in taxed])
    for one, amount in zip(taxed, amounts, strict=True):
        one.vat = amount
        one.net = one.amount - amount if prices.gross else one.amount


def _levy(levy: Levy, rules: TaxRules, bases: dict[Of, int], car: Set[str], purchase: Purchase) -> list[_Draft] | Refusal:
    if not levy.period.holds(purchase.registered):
        return []
    if not purchase.circumstances.issuperset(levy.needs) or not purchase.circumstances.isdisjoint(levy.unless):
        return []
    if levy.condition is not None and not holds(levy.condition.formula, car):
        return []
    if levy.within_of is not None:
        least, most = levy.within
        if (least is not None and bases[levy.within_of] < least) or (most is not None and bases[levy.within_of] > most):
            return []
    if levy.of is Of.ONE:
        if levy.regions and not purchase.region:
            return Refusal("this depends on the region; name one", {"for": levy.name, "known": ", ".join(sorted(rules.regions))})
        exact = Fraction(levy.regions.get(purchase.region, levy.amount))
        why = Sentence("for region {region}", region=purchase.region) if purchase.region in levy.regions else ""
    elif levy.of is Of.QUANTITY:
        if levy.quantity not in purchase.quantities:
            return Refusal("a figure of the car that a tax hangs on is missing", {"figure": levy.quantity, "for": levy.name})
        units = max(Fraction(0), purchase.quantities[levy.quantity] - levy.above)
        exact = levy.amount * units
        why = Sentence(
            "{each} for each of {units} ({quantity} above {above})",
            each=Money.of_minor(levy.amount, rules.currency),
            units=_decimal(units),
            quantity=levy.quantity,
            above=_decimal(levy.above),
        )
    else:
        exact = levy.share * max(0, bases[levy.of])
        money = Money.of_minor(bases[levy.of], rules.currency)
        why = Sentence("{percent} % of {amount} ({of})", percent=_percent(levy.share), amount=money, of=levy.of)
    amount = rounded(exact, rules.mode, levy.unit)
    if levy.cap is not None and amount > levy.cap:
        amount, why = levy.cap, Sentence("{why}, at most {cap}", why=why, cap=Money.of_minor(levy.cap, rules.currency))
    sign = -1 if levy.kind is LevyKind.SUBSIDY else 1
    found = [_Draft(LineKind(levy.kind), levy.code, levy.name, sign * amount, False, _named(rules, levy.place), why=why)]
    if levy.relief is not None:
        relief = rounded(levy.relief.share * amount, rules.mode, levy.unit)
        why = Sentence("{percent} % of it", percent=_percent(levy.relief.share))
        if levy.relief.cap is not None and relief > levy.relief.cap:
            relief, why = levy.relief.cap, Sentence("{why}, at most {cap}", why=why, cap=Money.of_minor(levy.relief.cap, rules.currency))
        rule = _named(rules, f"{levy.place}.relief")
        found.append(_Draft(LineKind.RELIEF, levy.code, levy.relief.name, -sign * relief, False, rule, why=why))
    for one in found:
        one.net = one.amount
    return found


def _total(prices: PriceList, rules: TaxRules, vat: Vat, drafts: list[_Draft], duties: list[_Draft]) -> Breakdown:
    def money(units: int) -> Money:
        return Money.of_minor(units, prices.currency)

    lines = tuple(
        Line(
            kind=one.kind,
            code=one.code,
            name=one.name,
            net=money(one.net),
            vat=money(one.vat),
            gross=money(one.net + one.vat),
            rule=one.rule,
            instead_of=None if one.instead_of is None else money(one.instead_of),
            why=one.why,
        )
        for one in (*drafts, *duties)
    )
    net, charged, state = (sum(one.net for one in drafts), sum(one.vat for one in drafts), sum(one.net for one in duties))
    return Breakdown(
        currency=prices.currency,
        lines=lines,
        net=money(net),
        vat=money(charged),
        vat_rule=_named(rules, vat.place),
        seller=money(net + charged),
        state=money(state),
        payable=money(net + charged + state),
    )


def _percent(share: Fraction) -> str:
    return _decimal(share * 100)


def _decimal(exact: Fraction) -> str:
    """Exact: what is written comes from a decimal text."""
    scaled, places = exact, 0
    while scaled.denominator != 1 and places < 18:
        scaled, places = scaled * 10, places + 1
    digits = f"{abs(int(scaled)):0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if exact < 0 else text
