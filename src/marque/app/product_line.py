"""`marque product parts`, `price` and `differences`: what a line's files say together, as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marque.app.product import Opening, first
from marque.app.terminal import wide_console
from marque.common import InputError, ok
from marque.product import configure


def parts(opening: Opening, bill: Path, out: Path | None) -> bool:
    """Whether nothing is wrong with the bill. Raises InputError."""
    from marque.product import parts as room

    product, read = opening.product(), room.read(bill)
    found = room.prove(product, read)
    console = Console()
    usages = sum(len(slot.usages) for slot in read.slots.values())
    console.print(f"{len(read.slots)} slots, {usages} usages of {len(read.items)} parts: ", end="")
    console.print(f"{len(found)} findings" if found else "every car has exactly one part in each slot that it needs")
    for one in found:
        console.print(escape(f"  {one.kind}: {one.sentence} ({one.place})"))
    _written(
        out,
        [
            {
                "kind": str(one.kind), "slot": one.slot, "items": list(one.items), "sentence": one.sentence, "place": str(one.place),
                "witness": None if one.witness is None else sorted(one.witness.features),
            }
            for one in found
        ],
    )  # fmt: skip
    return not found


def price(opening: Opening, folder: Path, where: tuple[str, str], select: Sequence[str], deselect: Sequence[str], out: Path | None) -> None:
    """The breakdown of the cheapest car. where: market and region, the latter may be empty.

    Raises InputError, NoCar, and Refused for what list and rules have no price for.
    """
    from marque.product import prices as room
    from marque.product.configure.complete import cheapest

    market, region = where
    answer = opening.begin()
    for verb, names in ((configure.Verb.SELECT, select), (configure.Verb.DESELECT, deselect)):
        for name in names:
            clicked = configure.click(answer, verb, name)
            assert isinstance(clicked, configure.Answer | configure.Conflict)
            answer = first(clicked)
    day = date.fromisoformat(opening.on) if opening.on else datetime.now(UTC).date()
    listed, rules = room.read_folder(folder).on(market, day)
    car = cheapest(answer, room.minor_units(listed).units)
    mass = sum((Fraction(repr(one)) for one in _numbers(answer.product.model, car, "mass_kg")), Fraction(0))
    bought = room.Purchase(on=day, registered=day, built=day, region=region, quantities={"mass_kg": mass})
    made = ok(room.price(listed, rules, car, bought))
    table = Table("line", "kind", "net", "VAT", "gross", title=f"{market} {day}: list {listed.version}, rules {rules.version}")
    for one in made.lines:
        if one.gross.minor:
            table.add_row(escape(one.name), str(one.kind), str(one.net), str(one.vat), str(one.gross))
    table.add_section()
    table.add_row("to pay in all", "", str(made.net), str(made.vat), str(made.payable))
    wide_console().print(table)
    _written(out, {"car": sorted(car), "payable": str(made.payable.amount), "currency": made.currency, "lines": [
        {"kind": str(one.kind), "code": one.code, "name": one.name, "gross": str(one.gross.amount), "rule": one.rule} for one in made.lines
    ]})  # fmt: skip


def _numbers(model: Any, car: frozenset[str], attribute: str) -> list[int | float]:
    found = [model.features[name].attributes.get(attribute) for name in car]
    return [one for one in found if isinstance(one, int | float) and not isinstance(one, bool)]


def differences(opening: Opening, before: str, after: str, bill: Path | None, out: Path | None) -> None:
    """Raises InputError for names that there are not, and for variants without a car."""
    from marque.product import parts as room

    if before == after:
        raise InputError("BEFORE and AFTER", before, "they are the same", "Name two variants, such as two model years.")
    found = room.differences(opening.product(), before, after, room.read(bill) if bill else None, opening.given)
    console = Console()
    told = {"new": found.new, "gone": found.gone, "now in all": found.now_in_all, "no longer in all": found.no_longer_in_all}
    for word, names in told.items():
        console.print(f"{word}: {len(names)}", style="bold")
        for name in names:
            console.print(f"  {escape(name)}")
    for one in found.slots:
        console.print(
            escape(f"{one.slot.code}: " + ", ".join([*(f"+{use.item}" for use in one.new), *(f"-{use.item}" for use in one.gone)]))
        )
    slots = [
        {"slot": one.slot.code, "new": [use.item for use in one.new], "gone": [use.item for use in one.gone]} for one in found.slots
    ]  # fmt: skip
    _written(out, {word.replace(" ", "_"): list(names) for word, names in told.items()} | {"slots": slots})


def _written(out: Path | None, said: Any) -> None:
    if out is not None:
        out.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", "utf-8")
