"""What-if: a car put together click by click. The address holds every decision, so that it leads whoever opens it to the same car.

A click is a form; it is answered by the address of the next state, or by the page again with what stands against it and what to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.app.console.car_pages import Car, car_of, filled, properties
from marque.app.console.line_pages import against, around, asked_of, counted, opened
from marque.app.console.product_lines import CONTEXTS, Asked, Shown, configured
from marque.app.console.product_words import Teller, label, money
from marque.app.console.visit import Submitting, Visit, Visiting, to
from marque.product.configure.decisions import Conflict, Decision, Verb
from marque.product.configure.repair import Limits, Repair, repairs
from marque.product.configure.session import Answer, Standing, click
from marque.product.model import Feature, GroupKind
from marque.product.prices import list_units
from marque.product.prices.model import PriceList
from marque.product.prices.money import MINOR_DIGITS

routes = APIRouter(prefix="/console/product/lines")
_BASICS = "basics"
_HITS = 60
_REPAIRS = Limits(count=3, seconds=4.0)
_MOST_CHANGES = 6


@dataclass(frozen=True)
class Option:
    """A feature that can be clicked. price: as the list has it for the feature alone."""

    name: str
    label: str
    standing: Standing
    price: str
    built: str

    @property
    def held(self) -> bool:
        return self.standing in {Standing.CHOSEN, Standing.GIVEN, Standing.FORCED}


@dataclass(frozen=True)
class Block:
    """Options under one heading; of an alternative exactly one is taken."""

    name: str
    label: str
    kind: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    open: int
    decided: int


@routes.get("/{line}/configure")
def configure(visit: Visiting, line: str) -> HTMLResponse:
    shown = opened(visit, line)
    return _page(visit, shown, asked_of(visit, shown))


@routes.post("/{line}/configure")
def clicked(visit: Submitting, line: str) -> Response:
    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    form = visit.form
    at = {"at": form["at"][:120]} if form.get("at") else {}
    if form.get("fill"):
        state = configured(shown, wanted)
        own = filled(shown, wanted, state) if isinstance(state, Answer) else wanted.decisions
        return to(f"{shown.here}/car?{replace(wanted, decisions=own).query()}")
    said = form.get("click", "")
    name = said.lstrip("!~")
    if name not in shown.model.order:
        return to(f"{shown.here}/configure?{wanted.query(**at)}")
    after = _after(shown, wanted, said, name)
    if isinstance(after, Conflict):
        return _page(visit, shown, wanted, after)
    return to(f"{shown.here}/configure?{wanted.deciding(said).query(**at)}#{_anchor(name)}")


def _after(shown: Shown, wanted: Asked, said: str, name: str) -> Conflict | None:
    """What stands against a click; None where nothing does. From a state that leaves no car every decision may be taken back."""
    state = configured(shown, wanted)
    if isinstance(state, Conflict) or said.startswith("~"):
        return None
    after = click(state, Verb.DESELECT if said.startswith("!") else Verb.SELECT, name)
    return after if isinstance(after, Conflict) else None


def _page(visit: Visit, shown: Shown, wanted: Asked, refused: Conflict | None = None) -> HTMLResponse:
    context = around(visit, shown, wanted, "configure")
    tell: Teller = context["tell"]
    query, state = visit.form if visit.fields else visit.request.query_params, configured(shown, wanted)
    context |= {"state": None, "refused": None, "why": None, "stuck": None}
    if isinstance(state, Conflict):
        context |= {"stuck": against(tell, state), "taken": _taken(tell, wanted), "context_fields": list(CONTEXTS)}
        return visit.page("product_configure.html", context)
    priced = shown.priced(wanted)
    prices = priced[0] if priced else None
    draw = _Drawing(shown, tell, state, prices)
    tabs = draw.tabs()
    at = query.get("at", "")
    at = at if any(one.name == at for one in tabs) else tabs[0].name
    text = query.get("q", "").strip()[:60]
    asked_why = query.get("why", "")
    car = car_of(wanted, state)
    context |= {
        "state": state, "tabs_of": tabs, "at": at, "q_text": text, "blocks": draw.found(text) if text else draw.blocks(at),
        "count": counted(shown, state, visit.words), "taken": _taken(tell, wanted), "prices": prices,
        "car": car, "properties": properties(shown, car, visit.words) if car else [],
        "sofar": draw.price_so_far(), "link": f"{shown.here}/configure?{wanted.query()}",
        "why_of": asked_why, "why": _why(tell, state, asked_why) if asked_why in shown.model.order else None,
    }  # fmt: skip
    if refused is not None:
        context["refused"] = against(tell, refused) | {"repairs": _repairs(shown, wanted, state, refused, tell, prices)}
    page = visit.page("product_configure.html", context)
    page.status_code = 200 if refused is None else 409
    return page


def _taken(tell: Teller, wanted: Asked) -> list[dict[str, Any]]:
    """The buyer's decisions, oldest first."""
    return [
        {"click": f"~{one.feature}", "said": tell.decision(one, tell.built), "chosen": one.chosen, "label": tell.name(one.feature)}
        for one in wanted.own()
    ]


def _why(tell: Teller, state: Answer, name: str) -> dict[str, Any]:
    standing = state.standing(name)
    found = state.why(name)
    return {
        "label": tell.name(name),
        "standing": standing,
        "against": against(tell, found) if found is not None else None,
        "name": name,
    }


def _repairs(shown: Shown, wanted: Asked, state: Answer, refused: Conflict, tell: Teller, prices: PriceList | None) -> list[dict[str, Any]]:
    """The cheapest changes that make the click possible, each with the address that it leads to."""
    assert refused.wanted is not None
    units = shown.units(prices)
    found = repairs(state, refused.wanted, price=(lambda name: units.get(name, 0)) if prices else None, limits=_REPAIRS)
    return [_repair(shown, wanted, one, tell, prices) for one in found]


def _repair(shown: Shown, wanted: Asked, one: Repair, tell: Teller, prices: PriceList | None) -> dict[str, Any]:
    words = tell.words
    said = []
    for given_up in one.given_up:
        instead = one.swaps.get(given_up.feature)
        if instead:
            said.append(words("product.repair.change", before=tell.name(given_up.feature), after=tell.name(instead)))
        else:
            said.append(words("product.repair.give-up" if given_up.chosen else "product.repair.take", name=tell.name(given_up.feature)))
    own = tuple(told.feature if told.chosen else f"!{told.feature}" for told in one.decisions)
    moved = "" if prices is None else money(_moved(shown, one, prices), prices.currency, MINOR_DIGITS[prices.currency], sign=True)
    return {
        "said": words("list.semicolon").join(said) or words("product.repair.nothing"),
        "added": _some(tell, one.added), "removed": _some(tell, one.removed), "price": moved, "optimal": one.optimal,
        "address": f"{shown.here}/configure?{replace(wanted, decisions=own).query()}#{_anchor(one.wanted.feature)}",
    }  # fmt: skip


def _moved(shown: Shown, repair: Repair, prices: PriceList) -> int:
    """By how much the repair changes the list price of the car as it stood, packages counted, beside the wanted feature's own price."""
    before, after = (
        set(shown.product.names[1:][car[1 : shown.product.features + 1].astype(bool)].tolist()) for car in (repair.before, repair.car)
    )
    own = shown.units(prices).get(repair.wanted.feature, 0) * ((repair.wanted.feature in after) - (repair.wanted.feature in before))
    return list_units(prices, after) - list_units(prices, before) - own


def _some(tell: Teller, names: tuple[str, ...]) -> str:
    if len(names) <= _MOST_CHANGES:
        return tell.names(names)
    return tell.names(names[:_MOST_CHANGES], "list.comma") + tell.words("product.and-more", number=len(names) - _MOST_CHANGES)


def _anchor(name: str) -> str:
    return f"f-{name.replace(' ', '_')}"


class _Drawing:
    """What is shown of a state: tabs for the parts of the tree below the root, and their options in blocks."""

    def __init__(self, shown: Shown, tell: Teller, state: Answer, prices: PriceList | None) -> None:
        self.shown, self.tell, self.state, self.prices = shown, tell, state, prices
        self.units = shown.units(prices)
        self.features = shown.model.features
        self.settled = {CONTEXTS[name] for name in ("year", "plant")}
        self.decided = {one.feature for one in state.decisions}

    def tabs(self) -> list[Tab]:
        """Plain choices of the whole car come first, in one tab; then each part of the tree that any car left may have."""
        first = Tab(
            _BASICS, self.tell.words("product.configure.basics"), *self._open(name for one in self._basics() for name in self._below(one))
        )
        return [first, *(Tab(one.name, self.tell.name(one.name), *self._open(self._below(one))) for one in self._parts())]

    def _top(self) -> Iterator[Feature]:
        for group in self.shown.model.root.groups:
            yield from (self.features[child] for child in group.children)

    def _basics(self) -> list[Feature]:
        names = set(CONTEXTS.values())
        return [one for one in self._top() if _plain(self.features, one) and one.name.rpartition(".")[2] not in names]

    def _parts(self) -> list[Feature]:
        found = []
        for one in self._top():
            local = one.name.rpartition(".")[2]
            if local == CONTEXTS["market"]:
                chosen = [self.features[child] for group in one.groups for child in group.children if self._domain(child) == 1]
                found += [market for market in chosen if market.groups]
            elif local not in self.settled and not _plain(self.features, one) and self._domain(one.name) >= 0:
                found.append(one)
        return found

    def _below(self, feature: Feature) -> Iterator[str]:
        return (one.name for one in self.shown.model.below(feature.name))

    def _open(self, names: Iterator[str]) -> tuple[int, int]:
        listed = list(names)
        return sum(self._domain(one) == 0 for one in listed), sum(one in self.decided for one in listed)

    def _domain(self, name: str) -> int:
        return int(self.state.domains[self.shown.model.order[name]])

    def blocks(self, at: str) -> list[Block]:
        if at == _BASICS:
            return [one for feature in self._basics() for one in self._blocks(feature)]
        return list(self._blocks(self.features[at]))

    def _blocks(self, feature: Feature) -> Iterator[Block]:
        """Of a feature: its alternatives as blocks, what it has otherwise in one block; then those of its children."""
        for group in feature.groups:
            if group.kind not in {GroupKind.MANDATORY, GroupKind.OPTIONAL}:
                options = tuple(self._option(child) for child in group.children)
                yield Block(feature.name, self.tell.name(feature.name), str(group.kind), options)
        for group in feature.groups:
            for child in group.children:
                below = self.features[child]
                if not below.groups:
                    continue
                if self._heading(child) and group.kind is GroupKind.OPTIONAL:
                    yield Block(child, self.tell.name(child), "optional", (self._option(child),))
                if self._domain(child) >= 0:
                    yield from self._blocks(below)
        loose = [child for group in feature.groups if group.kind is GroupKind.OPTIONAL for child in group.children]
        options = tuple(self._option(child) for child in loose if not self._heading(child))
        if options:
            yield Block(feature.name, self.tell.name(feature.name), "optional", options)

    def _heading(self, name: str) -> bool:
        """Whether it only holds others together, without being anything one would order."""
        feature = self.features[name]
        return bool(feature.groups) and feature.attributes.get("abstract", False) is not False

    def found(self, text: str) -> list[Block]:
        plain = text.casefold()
        names = [
            name for name, feature in self.features.items()
            if not self._heading(name) and feature.parent
            and (plain in label(feature, self.tell.words).casefold() or plain in name.casefold())
        ]  # fmt: skip
        options = tuple(self._option(name) for name in names[:_HITS])
        return [Block("found", self.tell.words("product.found", number=len(names)), "found", options)] if options else []

    def _option(self, name: str) -> Option:
        price = ""
        if self.prices is not None and (units := self.units.get(name)) is not None:
            digits = MINOR_DIGITS[self.prices.currency]
            price = money(units, self.prices.currency, digits, sign=True) if units else self.tell.words("product.price.included")
        return Option(name, self.tell.name(name), self.state.standing(name), price, self.tell.built(name))

    def price_so_far(self) -> str:
        """The list price of all that is certain."""
        if self.prices is None:
            return ""
        certain = set(self.shown.product.names[np.flatnonzero(self.state.domains == 1)].tolist())
        if not any(item.kind == "base" and item.feature in certain for item in self.prices.items):
            return ""
        return money(list_units(self.prices, certain), self.prices.currency, MINOR_DIGITS[self.prices.currency])


def _plain(features: Mapping[str, Feature], feature: Feature) -> bool:
    """A choice of one among features that have nothing below them."""
    kinds = {group.kind for group in feature.groups}
    return kinds == {GroupKind.ALTERNATIVE} and not any(features[child].groups for group in feature.groups for child in group.children)


__all__ = ["Car", "Decision", "clicked", "configure", "routes"]
