"""Bills of materials from JSON: a file for each group of slots.

    {"group": "battery", "slots": [
      {"slot": "battery.pack", "name": "Battery pack", "name_zh": "动力电池包", "required": "true", "items": [
        {"item": "BT-1001", "name": "Battery pack 78 kWh", "name_zh": "78度电池包", "side": "carmaker", "when": "drive.Pack78"},
        …

`required` and `when` are formulas as in UVL's constraints; left out, they hold always. Besides, an item may say `quantity` (1 unless said),
`unit` (piece), `plants` (a list of features), `from` and `until` (ISO dates, both included). An item that comes again says its name once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.product.model import Constant, Formula, Place
from marque.product.parts.bill import Bill, Item, Side, Slot, Usage

LONGEST_FILE = 16_000_000
_SLOT = {"slot", "name", "name_zh", "required", "items"}
_ITEM = {"item", "name", "name_zh", "side", "when", "quantity", "unit", "plants", "from", "until"}
_UNITS = ("piece", "m", "kg", "l")


def read(path: Path) -> Bill:
    """The bill in a file, or in all `*.json` files of a folder, by name. InputError names the file and the element in it."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(path.name, "", "the folder holds no bill of materials (*.json)", "Name a file or a folder of files.")
    reading = _Reading()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as fault:
            raise InputError(file.name, "", f"the file cannot be read ({fault.strerror or fault})") from fault
        reading.file(file.name, content)
    return Bill(reading.slots, reading.items)


def parse(texts: Mapping[str, str | bytes]) -> Bill:
    """The bill in texts by file name."""
    reading = _Reading()
    for name, content in texts.items():
        reading.file(name, content)
    return Bill(reading.slots, reading.items)


@dataclass
class _Reading:
    slots: dict[str, Slot] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    source: str = ""
    text: str = ""
    _seen: int = 0

    def file(self, name: str, content: str | bytes) -> None:
        self.source, self._seen = name, 0
        if len(content) > LONGEST_FILE:
            raise self.fault("", f"the file is longer than {LONGEST_FILE // 1_000_000} MB", "Divide it by groups of slots.")
        try:
            self.text = content.decode() if isinstance(content, bytes) else content
            told = json.loads(self.text, object_pairs_hook=self._object)
        except UnicodeDecodeError as fault:
            raise self.fault(f"byte {fault.start + 1}", "the text is not UTF-8") from fault
        except json.JSONDecodeError as fault:
            raise self.fault(f"line {fault.lineno}, column {fault.colno}", f"this is not JSON: {fault.msg}") from fault
        except RecursionError as fault:
            raise self.fault("", "the JSON is nested too deeply", "A bill has slots, and they have items, no more.") from fault
        group = self._object_of(told, "", {"group", "slots"})
        code = self._word(group, "group", "")
        for number, slot in enumerate(self._list(group, "slots", ""), 1):
            self._slot(slot, code, f"slot {number}")

    def _slot(self, told: Any, group: str, where: str) -> None:
        slot = self._object_of(told, where, _SLOT)
        code = self._word(slot, "slot", where)
        where = f"slot {code}"
        if code in self.slots:
            raise self.fault(where, f"there is a slot of this code already, in {self.slots[code].place.file}", "Codes of slots are unique.")
        place = self._place("slot", code)
        text, required = self._formula(slot, "required", where, place)
        name, name_zh = self._word(slot, "name", where), self._word(slot, "name_zh", where)
        usages = tuple(self._usage(item, f"{where}, item {number}") for number, item in enumerate(self._list(slot, "items", where), 1))
        self.slots[code] = Slot(code, name, name_zh, group, required, text, usages, place)

    def _usage(self, told: Any, where: str) -> Usage:
        item = self._object_of(told, where, _ITEM)
        number = self._word(item, "item", where)
        where = f"{where.rpartition(',')[0]}, item {number}"
        self._item(item, number, where)
        place = self._place("item", number)
        text, when = self._formula(item, "when", where, place)
        quantity = item.get("quantity", 1)
        if type(quantity) is not int or not 1 <= quantity <= 100_000:
            raise self.fault(where, f"the quantity is {quantity!r}, expected a whole number from 1")
        plants = self._list(item, "plants", where) if "plants" in item else []
        if not all(isinstance(plant, str) and plant for plant in plants):
            raise self.fault(where, "plants is a list of names of features")
        since, until = self._day(item, "from", where), self._day(item, "until", where)
        if since and until and until < since:
            raise self.fault(where, f"it is used until {until}, which is before {since}")
        return Usage(number, when, text, quantity, place, tuple(plants), since, until)

    def _item(self, told: dict[str, Any], number: str, where: str) -> None:
        known = self.items.get(number)
        if known is None:
            sides, units = [side.value for side in Side], list(_UNITS)
            side, unit = told.get("side"), told.get("unit", "piece")
            if side not in sides:
                raise self.fault(where, f"side is {side!r}, expected one of {', '.join(sides)}")
            if unit not in units:
                raise self.fault(where, f"unit is {unit!r}, expected one of {', '.join(units)}")
            name, name_zh = self._word(told, "name", where), self._word(told, "name_zh", where)
            self.items[number] = Item(number, name, name_zh, Side(side), unit)
            return
        for key, value in (("name", known.name), ("name_zh", known.name_zh), ("side", known.side.value), ("unit", known.unit)):
            if key in told and told[key] != value:
                raise self.fault(where, f"{key} is {told[key]!r} here and {value!r} elsewhere", "An item says its name once.")

    # Pieces

    def _formula(self, told: dict[str, Any], key: str, where: str, place: Place) -> tuple[str, Formula]:
        from marque.product.uvl import parse_formula

        text = told.get(key, "true")
        if not isinstance(text, str):
            raise self.fault(where, f"{key} is {text!r}, expected a formula as a text")
        try:
            return text, Constant(value=True) if text == "true" else parse_formula(text, place)
        except InputError as fault:
            raise self.fault(f"line {place.line}, {where}", f"{key} “{text}” cannot be read: {fault.problem}", fault.remedy) from fault

    def _day(self, told: dict[str, Any], key: str, where: str) -> date | None:
        if key not in told:
            return None
        try:
            return date.fromisoformat(told[key])
        except (TypeError, ValueError):
            raise self.fault(where, f"{key} is {told[key]!r}, expected a day as 2026-09-01") from None

    def _word(self, told: dict[str, Any], key: str, where: str) -> str:
        value = told.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(where, f"{key} is {value!r}, expected a text" if key in told else f"{key} is missing")
        return value

    def _list(self, told: dict[str, Any], key: str, where: str) -> list[Any]:
        value = told.get(key)
        if not isinstance(value, list) or not value:
            raise self.fault(where, f"{key} is {'not a list' if value else 'missing or empty'}", f"Expected a list of {key}.")
        return value

    def _object_of(self, told: Any, where: str, keys: Iterable[str]) -> dict[str, Any]:
        keys = set(keys)
        if not isinstance(told, dict):
            raise self.fault(where, f"expected an object with {', '.join(sorted(keys))}, found {type(told).__name__}")
        for unknown in told.keys() - keys:
            raise self.fault(where, f"“{unknown}” is not known here", f"Known are {', '.join(sorted(keys))}.")
        return told

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise self.fault(f"an object with {', '.join(keys)[:80]}", f"“{twice}” is there twice")
        return found

    def _place(self, key: str, value: str) -> Place:
        """Where the next element with this key and value stands, from those already seen on."""
        quoted = json.dumps(value, ensure_ascii=False)
        for space in (" ", ""):
            at = self.text.find(f'"{key}":{space}{quoted}', self._seen)
            if at >= 0:
                self._seen = at + 1
                return Place(self.source, self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at))
        return Place(self.source, 1, 1)

    def fault(self, where: str, problem: str, remedy: str = "") -> InputError:
        return InputError(self.source, where, problem, remedy)
