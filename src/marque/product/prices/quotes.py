"""Quotes: a price frozen with everything it came from, so that it can be computed again, to the cent, for ever.

A quote is canonical JSON (RFC 8785). Its digest is its name and its link; it names model, price list and tax rules by their digests and the
arithmetic by its version. What a later price list, tax rule, model or program says does not reach it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from marque.common import InputError, Missing, Refusal
from marque.product.buildable import incomplete
from marque.product.model import FeatureModel
from marque.product.prices import engines, reading
from marque.product.prices.archive import Archive, fetched
from marque.product.prices.model import Breakdown, Purchase, TaxRules
from marque.product.prices.money import Money
from marque.product.prices.strict import Reader, digest

QUOTE_KIND = "marque quote 1"
_FRACTION = re.compile(r"-?\d{1,30}(/[1-9]\d{0,29})?", re.ASCII)
_LINK = re.compile(r"(?:.*/)?quotes/([0-9a-f]{64})", re.ASCII)
_KEYS = ("kind", "engine", "issued", "valid_until", "model", "price_list", "tax_rules", "configuration", "purchase", "breakdown")
_CHANGED = "A quote is taken as it was issued, byte for byte; ask for it again by its link."


@dataclass(frozen=True, slots=True)
class Sources:
    """The bytes a quote is made from. model: its UVL text. prices, rules: JSON, canonical or not; archived canonical."""

    model: bytes
    prices: bytes
    rules: bytes


@dataclass(frozen=True, slots=True)
class Quote:
    """text: the canonical bytes. breakdown: as computed now, equal to what they say."""

    text: bytes
    breakdown: Breakdown
    issued: date
    valid_until: date

    @property
    def digest(self) -> str:
        return digest(self.text)

    @property
    def link(self) -> str:
        """Relative; whoever serves quotes puts an address before it."""
        return f"quotes/{self.digest}"

    def open_on(self, day: date) -> bool:
        """Whether the seller still stands by it on this day."""
        return self.issued <= day <= self.valid_until


def source_of(model: FeatureModel, prices: bytes, rules: bytes) -> Sources:
    from marque.product import uvl

    return Sources(uvl.write(model).encode(), prices, rules)


def quote(
    model: FeatureModel,
    sources: Sources,
    decisions: Iterable[str],
    car: Set[str],
    purchase: Purchase,
    archive: Archive,
    values: Mapping[str, int | float | str] | None = None,
) -> Quote | Refusal:
    """The price of a car, frozen and archived with its sources.

    decisions: what the buyer clicked, "+Name" or "-Name", in their order; car: all its features; values: of typed ones. Quantities that
    taxes hang on come from the model where it knows them. A Refusal where the car is not complete or may not be built on its day, or list
    and rules do not hold. Raises InputError for unusable sources.
    """
    decisions = list(decisions)
    if refused := incomplete(model, car, purchase.built or purchase.on, values):
        return refused
    for one in decisions:
        if one[:1] not in {"+", "-"} or (one[1:] in car) != (one[0] == "+"):
            return Refusal("the car is not what was decided", {"decision": one})
    said_prices, said_rules = _canonical("price list", sources.prices), _canonical("tax rules", sources.rules)
    prices, rules = reading.price_list(said_prices), reading.tax_rules(said_rules)
    if prices.line != model.root.name:
        return Refusal("the price list is of another model line", {"model": model.root.name, "price list": prices.line})
    if unknown := reading.unknown_names(prices, rules, model):
        return Refusal("the price list names what the model does not have", {"feature": unknown[0][0], "place": unknown[0][1]})
    if prices.included is not None and (forgotten := [name for name in reading.unpriced(prices, model) if name in car]):
        return Refusal("the price list does not say what this costs", {"features": ", ".join(forgotten), "price list": prices.version})
    purchase = replace(purchase, quantities={**purchase.quantities, **quantities(model, car, rules)})
    made = engines.price(prices, rules, car, purchase)
    if isinstance(made, Refusal):
        return made
    last = purchase.on + timedelta(days=prices.quote_days)
    if prices.period.last is not None:
        last = min(last, prices.period.last)
    said = {
        "kind": QUOTE_KIND,
        "engine": engines.CURRENT,
        "issued": str(purchase.on),
        "valid_until": str(last),
        "model": {"name": model.root.name, "digest": archive.put(sources.model)},
        "price_list": {"market": prices.market, "version": prices.version, "digest": archive.put(said_prices)},
        "tax_rules": {"market": rules.market, "version": rules.version, "digest": archive.put(said_rules)},
        "configuration": {"decisions": decisions, "car": sorted(car), "values": {key: repr(one) for key, one in (values or {}).items()}},
        "purchase": _purchase_document(purchase),
        "breakdown": document(made),
    }
    text = Reader("quote").canonical(said)
    archive.put(text)
    return Quote(text, made, purchase.on, last)


def quantities(model: FeatureModel, car: Set[str], rules: TaxRules) -> dict[str, Fraction]:
    """What the rules count, such as mass_kg: the exact sum of the attribute of that name over the car, where any of its features has it."""
    found = {}
    for name in sorted({one.quantity for one in rules.levies} - {""}):
        values = [one.attributes[name] for one in model.features.values() if one.name in car and name in one.attributes]
        numbers = [Fraction(repr(value)) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        if numbers:
            found[name] = sum(numbers, Fraction(0))
    return found


def requote(text: bytes, archive: Archive, link: str = "") -> Quote:
    """A quote priced again from what it names; the same to the cent, or it was changed.

    link: that it came by, checked where given. Raises InputError for one that was tampered with, that this archive never issued, or that is
    not a quote; Missing where the archive lacks a document that it names.
    """
    if link and digest_of_link(link) != digest(text):
        raise InputError("quote", "", "it is not the one that its link names", _CHANGED)
    reader = Reader("quote")
    said = reader.parsed(text)
    reader.kind(said, QUOTE_KIND)
    reader.keys(said, "$", _KEYS)
    if reader.canonical(said) != text:
        reader.fault("$", "it is not canonical JSON (RFC 8785)", _CHANGED)
    named = {}
    for key, more in (("model", ("name",)), ("price_list", ("market", "version")), ("tax_rules", ("market", "version"))):
        reader.keys(said[key], f"$.{key}", ("digest", *more))
        named[key] = fetched(archive, reader.words(said[key]["digest"], f"$.{key}.digest"), key.replace("_", " "))
    prices, rules = reading.price_list(named["price_list"]), reading.tax_rules(named["tax_rules"])
    for key, read in (("price_list", prices), ("tax_rules", rules)):
        if (said[key]["market"], said[key]["version"]) != (read.market, read.version):
            reader.fault(f"$.{key}", "its digest names another market or version", _CHANGED)
    reader.keys(said["configuration"], "$.configuration", ("decisions", "car", "values"))
    purchase = _purchase(reader, said["purchase"])
    car = frozenset(reader.each(said["configuration"]["car"], "$.configuration.car", reader.words))
    if said["model"]["name"] != prices.line:
        reader.fault("$.model.name", "its price list is of another model line", _CHANGED)
    made = engines.engine(reader.words(said["engine"], "$.engine"))(prices, rules, car, purchase)
    if isinstance(made, Refusal):
        reader.fault("$", f"by what it names, it could not have been made: {made.reason}", _CHANGED)
    if document(made) != said["breakdown"]:
        reader.fault(
            "$.breakdown", f"it does not follow from what the quote names, {_difference(document(made), said['breakdown'])}", _CHANGED
        )
    issued, last = (reader.day(said[key], f"$.{key}") for key in ("issued", "valid_until"))
    whole = purchase.on + timedelta(days=prices.quote_days)
    if issued != purchase.on or last != min(whole, prices.period.last or whole):
        reader.fault("$.valid_until", "its days do not follow from its price list", _CHANGED)
    try:
        fetched(archive, digest(text), "quote")
    except Missing:
        reader.fault("$", "this archive never issued it", _CHANGED)
    return Quote(text, made, purchase.on, last)


def by_link(link: str, archive: Archive) -> Quote:
    """The quote of a link, priced again. Raises as `requote`."""
    return requote(fetched(archive, digest_of_link(link), "quote"), archive, link)


def digest_of_link(link: str) -> str:
    if not (found := _LINK.fullmatch(link)):
        raise InputError("link", "", f"{link[:100]!r} is not the link of a quote", "It ends with quotes/ and 64 hexadecimal digits.")
    return found[1]


def document(breakdown: Breakdown) -> dict[str, Any]:
    """The figures of a breakdown and the rules they come from, as a quote holds them; without the sentences, whose wording may change."""
    return {
        "currency": breakdown.currency,
        "lines": [
            {
                "kind": str(one.kind),
                "code": one.code,
                "name": one.name,
                "net": _text(one.net),
                "vat": _text(one.vat),
                "gross": _text(one.gross),
                "instead_of": None if one.instead_of is None else _text(one.instead_of),
                "rule": one.rule,
            }
            for one in breakdown.lines
        ],
        "vat_rule": breakdown.vat_rule,
        **{name: _text(getattr(breakdown, name)) for name in ("net", "vat", "seller", "state", "payable")},
    }


def _text(money: Money) -> str:
    return format(money.amount, "f")


@functools.lru_cache(maxsize=64)
def _canonical(name: str, text: bytes) -> bytes:
    reader = Reader(name)
    return reader.canonical(reader.parsed(text))


def _purchase_document(purchase: Purchase) -> dict[str, Any]:
    return {
        "on": str(purchase.on),
        "built": str(purchase.built or purchase.on),
        "registered": str(purchase.registered),
        "region": purchase.region,
        "circumstances": sorted(purchase.circumstances),
        "codes": sorted(purchase.codes),
        "quantities": {name: str(exact) for name, exact in purchase.quantities.items()},
    }


def _purchase(reader: Reader, said: Any) -> Purchase:
    place = "$.purchase"
    reader.keys(said, place, ("on", "built", "registered", "region", "circumstances", "codes", "quantities"))
    on, built, registered = (reader.day(said[key], f"{place}.{key}") for key in ("on", "built", "registered"))
    if on is None or built is None or registered is None:
        reader.fault(place, "a day is missing", _CHANGED)
    return Purchase(
        on=on,
        built=built,
        registered=registered,
        region=said["region"] and reader.words(said["region"], f"{place}.region"),
        circumstances=frozenset(reader.each(said["circumstances"], f"{place}.circumstances", reader.code)),
        codes=frozenset(reader.each(said["codes"], f"{place}.codes", reader.code)),
        quantities=reader.mapping(said["quantities"], f"{place}.quantities", functools.partial(_exact, reader)),
    )


def _exact(reader: Reader, said: Any, place: str) -> Fraction:
    if not isinstance(said, str) or not _FRACTION.fullmatch(said):
        reader.fault(place, "it is not a whole number or a fraction", _CHANGED)
    return Fraction(said)


def _difference(now: dict[str, Any], then: Any) -> str:
    if not isinstance(then, dict):
        return "for it is not an object"
    for key, value in now.items():
        if key != "lines" and then.get(key) != value:
            return f"{key} would be {value}, it says {then.get(key)}"
    lines = then.get("lines")
    for number, line in enumerate(now["lines"]):
        if not isinstance(lines, list) or number >= len(lines) or lines[number] != line:
            return f"line {number + 1} would be {line['name']}, {line['gross']}"
    return "it has more than follows"
