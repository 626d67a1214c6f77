"""Price lists and tax rules from their JSON files; what does not fit is refused with its place."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from marque.product import evaluate
from marque.product.evaluate import Condition
from marque.product.model import FeatureModel
from marque.product.prices.model import (
    Case,
    Discount,
    Fee,
    Item,
    ItemKind,
    Levy,
    LevyKind,
    Of,
    Period,
    PriceList,
    Relief,
    Source,
    TaxRules,
    Vat,
)
from marque.product.prices.money import Mode
from marque.product.prices.strict import Reader, digest

LIST_KIND, RULES_KIND = "marque price list 1", "marque tax rules 1"
_PRICED = ("feature", "price")


@functools.lru_cache(maxsize=256)
def price_list(text: bytes, source: str = "price list") -> PriceList:
    """A price list from its JSON text. Raises InputError."""
    bare = Reader(source)
    said = bare.parsed(text)
    bare.kind(said, LIST_KIND)
    bare.keys(
        said,
        "$",
        ("kind", "market", "line", "version", "currency", "from", "until", "basis", "quote_days", "base", "features", "packages"),
        ("market_feature", "included", "discounts", "fees", "note"),
    )
    reader = _Reader(source, bare.currency_code(said["currency"], "$.currency"))
    items = (
        *reader.each(said["base"], "$.base", reader.base),
        *reader.each(said["features"], "$.features", reader.feature),
        *reader.each(said["packages"], "$.packages", reader.package),
    )
    included = reader.each(said.get("included", []), "$.included", reader.words)
    reader.once([(item.feature, item.place) for item in items] + [(name, "$.included") for name in included])
    discounts = reader.each(said.get("discounts", []), "$.discounts", reader.discount)
    fees = reader.each(said.get("fees", []), "$.fees", reader.fee)
    reader.once([(one.code, one.place) for one in discounts] + [(one.code, one.place) for one in fees])
    return PriceList(
        market=reader.code(said["market"], "$.market"),
        line=reader.words(said["line"], "$.line"),
        version=reader.words(said["version"], "$.version"),
        currency=reader.currency,
        period=reader.period(said, "$"),
        gross=reader.word(said["basis"], "$.basis", ("gross", "net")) == "gross",
        quote_days=reader.days(said["quote_days"], "$.quote_days"),
        items=items,
        included=frozenset(included) if "included" in said else None,
        market_feature=reader.words(said["market_feature"], "$.market_feature") if "market_feature" in said else "",
        discounts=discounts,
        fees=fees,
        digest=digest(reader.canonical(said)),
    )


@functools.lru_cache(maxsize=256)
def tax_rules(text: bytes, source: str = "tax rules") -> TaxRules:
    """Tax rules from their JSON text. Raises InputError."""
    bare = Reader(source)
    said = bare.parsed(text)
    bare.kind(said, RULES_KIND)
    bare.keys(
        said,
        "$",
        ("kind", "market", "version", "currency", "from", "until", "rounding", "vat", "levies"),
        ("circumstances", "regions", "note"),
    )
    reader = _Reader(source, bare.currency_code(said["currency"], "$.currency"))
    reader.keys(said["rounding"], "$.rounding", ("vat", "mode"))
    vat = reader.each(said["vat"], "$.vat", reader.vat)
    levies = reader.each(said["levies"], "$.levies", reader.levy)
    per_line = reader.word(said["rounding"]["vat"], "$.rounding.vat", ("line", "total")) == "line"
    rules = TaxRules(
        market=reader.code(said["market"], "$.market"),
        version=reader.words(said["version"], "$.version"),
        currency=reader.currency,
        period=reader.period(said, "$"),
        per_line=per_line,
        mode=Mode(reader.word(said["rounding"]["mode"], "$.rounding.mode", tuple(Mode))),
        vat=vat,
        levies=levies,
        circumstances=reader.mapping(said.get("circumstances", {}), "$.circumstances", reader.words),
        regions=reader.mapping(said.get("regions", {}), "$.regions", reader.words),
        digest=digest(reader.canonical(said)),
    )
    reader.consistent(rules)
    return rules


def unknown_names(prices: PriceList, rules: TaxRules | None, model: FeatureModel) -> list[tuple[str, str]]:
    """(feature, place) of every name in a list and its rules that the model does not have."""
    used: list[tuple[str, str]] = [(item.feature, item.place) for item in prices.items]
    used += [(member, f"{item.place}.members") for item in prices.items for member in item.members]
    used += [(name, "$.included") for name in sorted(prices.included or ())]
    used += [(prices.market_feature, "$.market_feature")] if prices.market_feature else []
    named: list[tuple[Condition | None, str]] = [(case.condition, item.place) for item in prices.items for case in item.cases]
    named += [(one.condition, one.place) for one in prices.discounts]
    named += [(one.condition, one.place) for one in (rules.levies if rules else ())]
    used += [(name, place) for condition, place in named if condition for name in evaluate.names(condition.formula)]
    return [(name, place) for name, place in used if name not in model.features]


def unpriced(prices: PriceList, model: FeatureModel) -> list[str]:
    """Features without children that the list neither prices nor names as included, nor a package contains: forgotten, or not sold here."""
    known = (
        {item.feature for item in prices.items} | {member for item in prices.items for member in item.members} | (prices.included or set())
    )
    return [name for name, feature in model.features.items() if not feature.groups and name not in known]


class _Reader(Reader):
    def once(self, named: list[tuple[str, str]]) -> None:
        seen: dict[str, str] = {}
        for name, place in named:
            if name in seen:
                self.fault(place, f"{name!r} is priced a second time", f"It stands in {seen[name]} already; use cases there.")
            seen[name] = place

    def base(self, said: Any, place: str) -> Item:
        self.keys(said, place, _PRICED, ("cases",))
        return self._item(ItemKind.BASE, said, place)

    def feature(self, said: Any, place: str) -> Item:
        self.keys(said, place, _PRICED, ("cases",))
        return self._item(ItemKind.FEATURE, said, place)

    def package(self, said: Any, place: str) -> Item:
        self.keys(said, place, (*_PRICED, "members"), ("cases",))
        return self._item(ItemKind.PACKAGE, said, place)

    def _item(self, kind: ItemKind, said: dict[str, Any], place: str) -> Item:
        members = self.mapping(said.get("members", {}), f"{place}.members", self.amount)
        feature = self.words(said["feature"], f"{place}.feature")
        if feature in members:
            self.fault(f"{place}.members", f"the package {feature!r} contains itself", "Take it out.")
        cases = self.each(said.get("cases", []), f"{place}.cases", self._case)
        return Item(kind, feature, self.amount(said["price"], f"{place}.price"), cases, members, place)

    def _case(self, said: Any, place: str) -> Case:
        self.keys(said, place, ("if", "price"))
        return Case(self.condition(said["if"], f"{place}.if"), self.amount(said["price"], f"{place}.price"))

    def condition(self, said: Any, place: str) -> Condition:
        return evaluate.read(self.words(said, place), self.source, place)

    def discount(self, said: Any, place: str) -> Discount:
        self.keys(said, place, ("code", "name"), ("of", "percent", "amount", "cap", "if", "from", "until", "on_request"))
        if ("percent" in said) == ("amount" in said):
            self.fault(place, "it needs percent or amount, one of them", "Leave the other out.")
        return Discount(
            code=self.code(said["code"], f"{place}.code"),
            name=self.words(said["name"], f"{place}.name"),
            of=Of(self.word(said.get("of", "vehicle"), f"{place}.of", (Of.BASE, Of.OPTIONS, Of.VEHICLE))),
            share=self.share(said["percent"], f"{place}.percent") if "percent" in said else None,
            amount=self.amount(said["amount"], f"{place}.amount") if "amount" in said else None,
            cap=self.amount(said["cap"], f"{place}.cap") if "cap" in said else None,
            condition=self.condition(said["if"], f"{place}.if") if "if" in said else None,
            period=self.period(said, place),
            on_request=self.flag(said.get("on_request", False), f"{place}.on_request"),
            place=place,
        )

    def fee(self, said: Any, place: str) -> Fee:
        self.keys(said, place, ("code", "name", "price", "taxed"), ("regions",))
        return Fee(
            code=self.code(said["code"], f"{place}.code"),
            name=self.words(said["name"], f"{place}.name"),
            price=self.amount(said["price"], f"{place}.price"),
            regions=self.mapping(said.get("regions", {}), f"{place}.regions", self.amount),
            taxed=self.flag(said["taxed"], f"{place}.taxed"),
            place=place,
        )

    def source_of(self, said: Any, place: str) -> Source:
        self.keys(said, place, ("title", "date"), ("memory",))
        return Source(
            self.words(said["title"], f"{place}.title"),
            self.words(said["date"], f"{place}.date"),
            self.flag(said.get("memory", False), f"{place}.memory"),
        )

    def vat(self, said: Any, place: str) -> Vat:
        self.keys(said, place, ("percent", "source"), ("above", "from", "until"))
        return Vat(
            share=self.share(said["percent"], f"{place}.percent"),
            above=self.amount(said.get("above", "0"), f"{place}.above"),
            period=self.period(said, place),
            source=self.source_of(said["source"], f"{place}.source"),
            place=place,
        )

    def levy(self, said: Any, place: str) -> Levy:
        self.keys(
            said,
            place,
            ("code", "name", "kind", "of", "source"),
            (
                "percent",
                "amount",
                "quantity",
                "above",
                "regions",
                "cap",
                "round_to",
                "within",
                "needs",
                "unless",
                "if",
                "relief",
                "from",
                "until",
            ),
        )
        of = Of(self.word(said["of"], f"{place}.of", (Of.ONE, Of.NET, Of.GROSS, Of.BASE_NET, Of.QUANTITY)))
        figure = "percent" if of in {Of.NET, Of.GROSS, Of.BASE_NET} else "amount"
        if figure not in said or ({"percent", "amount"} - {figure}) & set(said):
            self.fault(place, f"what is of {of} needs {figure} and only that", f"Write {figure}.")
        if ("quantity" in said) != (of is Of.QUANTITY):
            self.fault(place, "quantity belongs to what is of quantity, and only there", "Name it, for example mass_kg, or leave it out.")
        for key, place_of in (("above", Of.QUANTITY), ("regions", Of.ONE)):
            if key in said and of is not place_of:
                self.fault(f"{place}.{key}", f"{key} belongs to what is of {place_of}", "Leave it out.")
        within_of, within = self._within(said, place)
        return Levy(
            code=self.code(said["code"], f"{place}.code"),
            name=self.words(said["name"], f"{place}.name"),
            kind=LevyKind(self.word(said["kind"], f"{place}.kind", tuple(LevyKind))),
            of=of,
            share=self.share(said["percent"], f"{place}.percent") if "percent" in said else Fraction(0),
            amount=self.amount(said["amount"], f"{place}.amount") if "amount" in said else 0,
            quantity=self.code(said["quantity"], f"{place}.quantity") if "quantity" in said else "",
            above=self.number(said.get("above", "0"), f"{place}.above"),
            regions=self.mapping(said.get("regions", {}), f"{place}.regions", self.amount),
            cap=self.amount(said["cap"], f"{place}.cap") if "cap" in said else None,
            unit=max(1, self.amount(said["round_to"], f"{place}.round_to")) if "round_to" in said else 1,
            within_of=within_of,
            within=within,
            needs=self.each(said.get("needs", []), f"{place}.needs", self.code),
            unless=self.each(said.get("unless", []), f"{place}.unless", self.code),
            condition=self.condition(said["if"], f"{place}.if") if "if" in said else None,
            relief=self._relief(said["relief"], f"{place}.relief") if "relief" in said else None,
            period=self.period(said, place),
            source=self.source_of(said["source"], f"{place}.source"),
            place=place,
        )

    def _within(self, said: dict[str, Any], place: str) -> tuple[Of | None, tuple[int | None, int | None]]:
        if "within" not in said:
            return None, (None, None)
        place, within = f"{place}.within", said["within"]
        self.keys(within, place, ("of",), ("least", "most"))
        least, most = (self.amount(within[key], f"{place}.{key}") if key in within else None for key in ("least", "most"))
        return Of(self.word(within["of"], f"{place}.of", (Of.NET, Of.GROSS, Of.BASE_NET))), (least, most)

    def _relief(self, said: Any, place: str) -> Relief:
        self.keys(said, place, ("name", "percent"), ("cap",))
        return Relief(
            self.words(said["name"], f"{place}.name"),
            self.share(said["percent"], f"{place}.percent"),
            self.amount(said["cap"], f"{place}.cap") if "cap" in said else None,
        )

    def consistent(self, rules: TaxRules) -> None:
        for number, one in enumerate(rules.vat):
            if rules.per_line and one.above:
                self.fault(f"{one.place}.above", "VAT above a limit of the total cannot be rounded line by line", "Round on the total.")
            self._apart(one.period, [(other.period, other.place) for other in rules.vat[:number]], one.place, "two rates of VAT")
        for number, levy in enumerate(rules.levies):
            same = [(other.period, other.place) for other in rules.levies[:number] if other.code == levy.code]
            self._apart(levy.period, same, levy.place, f"two rules {levy.code!r}")
            for code in (*levy.needs, *levy.unless):
                if code not in rules.circumstances:
                    self.fault(levy.place, f"{code!r} is not among the circumstances", "Say there what it means.")
            for region in levy.regions:
                if region not in rules.regions:
                    self.fault(f"{levy.place}.regions", f"{region!r} is not among the regions", "Name it there.")

    def _apart(self, period: Period, others: list[tuple[Period, str]], place: str, what: str) -> None:
        for other, where in others:
            if period.meets(other):
                self.fault(place, f"{what} hold on one day, this and {where}", "End the earlier one the day before; until is its last day.")
