"""The 150 % bill of materials: whether every car gets exactly one part in each slot, how often each is used, what one car is built from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from marque.app.console.line_pages import around, asked_of, opened
from marque.app.console.product_lines import Asked, Shelf, Shown, configured
from marque.app.console.product_words import Teller
from marque.app.console.visit import Visiting
from marque.app.words import Words
from marque.common import Bools, InputError
from marque.product.configure.session import Answer
from marque.product.model import GroupKind

if TYPE_CHECKING:
    from marque.product.parts import Finding, Slot, Usage, Witness

routes = APIRouter(prefix="/console/product/lines")
_proofs, _samples = Shelf(), Shelf()
CARS = 4_000
"""Drawn for shares: of a part in half of all cars, two times in three less than one percent off."""
_MOST = 60
"""Findings on one page."""


@dataclass(frozen=True)
class Row:
    """A usage as it is shown. share: of the cars left, in percent; None where it is not counted."""

    usage: Usage
    name: str
    side: str
    when: str
    bounds: str
    share: float | None


@dataclass(frozen=True)
class Told:
    """A slot as it is shown."""

    slot: Slot
    name: str
    required: str
    rows: tuple[Row, ...]


def lines_of(shown: Shown, asked: Asked, car: frozenset[str], words: Words) -> list[dict[str, Any]]:
    """The parts of one car; empty where the line has no bill, or none that holds for it."""
    from marque.product import parts

    if shown.bill is None:
        return []
    try:
        found = parts.resolve(shown.product, shown.bill, car, asked.day)
    except InputError:
        return []
    chinese = words.language == "zh"
    return [
        {
            "code": one.slot.code, "slot": one.slot.name_zh if chinese else one.slot.name, "number": one.item.number,
            "item": one.item.name_zh if chinese else one.item.name, "side": str(one.item.side), "quantity": one.quantity,
            "unit": one.item.unit,
        }
        for one in found
    ]  # fmt: skip


def proof(shown: Shown) -> list[Finding]:
    from marque.product import parts

    assert shown.bill is not None
    bill = shown.bill
    return _proofs.get(f"{shown.product.cnf.named_digest} {bill.digest}", lambda: parts.prove(shown.product, bill))


@routes.get("/{line}/parts")
def coverage(visit: Visiting, line: str) -> HTMLResponse:
    from marque.product import parts

    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    context = around(visit, shown, wanted, "parts")
    if shown.bill is None:
        return visit.page("product_coverage.html", context | {"bill": None})
    tell: Teller = context["tell"]
    found = proof(shown)
    state = configured(shown, wanted)
    group = visit.request.query_params.get("group", "")
    groups = list(dict.fromkeys(slot.group for slot in shown.bill.slots.values()))
    group = group if group in groups else groups[0]
    rates = _shares(shown, state, wanted, group) if isinstance(state, Answer) else {}
    context |= {
        "bill": shown.bill, "findings": [_finding(one, shown, tell) for one in found[:_MOST]], "faults": len(found),
        "wrong": sum(one.kind in {parts.Kind.GAP, parts.Kind.OVERLAP, parts.Kind.SURPLUS} for one in found),
        "group": group, "groups": [(one, sum(slot.group == one for slot in shown.bill.slots.values())) for one in groups],
        "slots": [_slot(slot, shown, tell, rates) for slot in shown.bill.slots.values() if slot.group == group],
        "usages": sum(len(slot.usages) for slot in shown.bill.slots.values()), "rated": bool(rates),
    }  # fmt: skip
    return visit.page("product_coverage.html", context)


def _shares(shown: Shown, state: Answer, wanted: Asked, group: str) -> dict[tuple[str, int], float]:
    """Percent of the cars left that use each usage of the group's slots, by a uniform sample; empty for a line that is not compiled."""
    from marque.product.knowledge import counting

    circuit = getattr(shown.product.reasoner, "circuit", None)
    if circuit is None or shown.bill is None:
        return {}
    literals = np.array(state.literals, dtype=np.int32)
    key = f"{shown.product.cnf.named_digest} {literals.tobytes().hex()}"
    cars = _samples.get(key, lambda: counting.sample(circuit, literals, CARS, 1))
    if cars is None:
        return {}
    return {
        (slot.code, number): 100.0 * float(_used(usage, cars, shown, wanted.day).mean())
        for slot in shown.bill.slots.values()
        if slot.group == group
        for number, usage in enumerate(slot.usages)
    }


def _used(usage: Usage, cars: Bools, shown: Shown, day: date) -> Bools:
    """Bool [cars]: which of them, built on the day, use a part here. cars: bool [cars, variables]."""
    from marque.product.parts.rates import condition
    from marque.product.parts.vectors import holds

    if (usage.since and day < usage.since) or (usage.until and day > usage.until):
        return np.zeros(len(cars), dtype=bool)
    return holds(condition(usage), cars, shown.model)


def _slot(slot: Slot, shown: Shown, tell: Teller, rates: dict[tuple[str, int], float]) -> Told:
    assert shown.bill is not None
    chinese = tell.words.language == "zh"
    rows = []
    for number, usage in enumerate(slot.usages):
        item = shown.bill.items[usage.item]
        when = tell.formula(usage.when) if usage.text != "true" else tell.words("product.rule.always")
        bounds = [tell.names(usage.plants)] if usage.plants else []
        bounds += [tell.words("product.built.from", first=usage.since)] if usage.since else []
        bounds += [tell.words("product.built.until", last=usage.until)] if usage.until else []
        name = item.name_zh if chinese else item.name
        rows.append(Row(usage, name, str(item.side), when, tell.words("list.comma").join(bounds), rates.get((slot.code, number))))
    required = tell.words("product.rule.always") if slot.text == "true" else tell.formula(slot.required)
    return Told(slot, slot.name_zh if chinese else slot.name, required, tuple(rows))


def _finding(one: Finding, shown: Shown, tell: Teller) -> dict[str, Any]:
    assert shown.bill is not None
    slot = shown.bill.slots.get(one.slot)
    name = one.slot if slot is None else slot.name_zh if tell.words.language == "zh" else slot.name
    return {
        "kind": str(one.kind), "slot": name, "code": one.slot, "items": one.items, "sentence": one.sentence,
        "place": f"{one.place.file}:{one.place.line}", "witness": _witness(one.witness, shown, tell) if one.witness else [],
        "day": one.witness.on if one.witness else None,
    }  # fmt: skip


def _witness(witness: Witness, shown: Shown, tell: Teller) -> list[tuple[str, str]]:
    """The choices of a car that shows a fault: of every alternative group that it has, what it took."""
    model = shown.model
    return [
        (tell.name(feature.name), tell.name(child))
        for feature in model.features.values()
        if feature.name in witness.features
        for group in feature.groups
        if group.kind is GroupKind.ALTERNATIVE
        for child in group.children
        if child in witness.features
    ]
