"""Bills of materials in JSON: what is read, and how a fault in them is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from marque.common import InputError
from marque.product.model import And, Name, Not
from marque.product.parts import Side, parse, read

GOOD = """{"group": "battery", "slots": [
  {"slot": "battery.pack", "name": "Battery pack", "name_zh": "电池包", "items": [
    {"item": "B1", "name": "Pack", "name_zh": "包", "side": "carmaker", "when": "drive.Pack78 & !\\"Tow hook\\"", "quantity": 2},
    {"item": "B2", "name": "Film", "name_zh": "膜", "side": "partner", "unit": "m", "plants": ["East"], "from": "2026-09-01"}
  ]},
  {"slot": "battery.film", "name": "Film", "name_zh": "膜", "required": "Film", "items": [
    {"item": "B2", "when": "Film"}
  ]}
]}"""


def test_slots_items_and_usage_conditions_are_read() -> None:
    whole = parse({"battery.json": GOOD})
    pack, film = whole.slots.values()
    first, second = pack.usages
    assert first.when == And((Name("drive.Pack78"), Not(Name("Tow hook"))))
    assert (first.quantity, first.place.line, second.plants, second.since, second.until) == (2, 3, ("East",), date(2026, 9, 1), None)
    assert (whole.items["B2"].side, whole.items["B2"].unit) == (Side.PARTNER, "m")
    assert (film.required, film.group) == (Name("Film"), "battery")


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "battery.json").write_text(GOOD, encoding="utf-8")
    (tmp_path / "other.json").write_text(GOOD.replace("battery.", "other.").replace('"B', '"O'), encoding="utf-8")
    assert len(read(tmp_path).slots) == 4


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ('"slots": [', '"slots": [,', "line 1, column 32", "this is not JSON"),
        ("drive.Pack78 &", "drive.Pack78 &&", "line 3, slot battery.pack, item B1", "cannot be read"),
        ('"quantity": 2', '"quantity": 0', "slot battery.pack, item B1", "a whole number from 1"),
        ('"quantity": 2', '"quantity": true', "slot battery.pack, item B1", "a whole number from 1"),
        ('"side": "partner"', '"side": "supplier"', "slot battery.pack, item B2", "expected one of carmaker, partner"),
        ('"unit": "m"', '"unit": "metre"', "slot battery.pack, item B2", "expected one of piece"),
        ("2026-09-01", "1 September", "slot battery.pack, item B2", "expected a day"),
        ('"from": "2026-09-01"', '"from": "2026-09-01", "until": "2026-08-01"', "slot battery.pack, item B2", "which is before"),
        ('"when": "Film"', '"wenn": "Film"', "slot battery.film, item 1", "“wenn” is not known here"),
        ('"when": "Film"', '"when": 3', "slot battery.film, item B2", "expected a formula"),
        ('{"item": "B2", "when": "Film"}', "", "slot battery.film", "items is missing or empty"),
        ('"slot": "battery.film"', '"slot": "battery.pack"', "slot battery.pack", "there is a slot of this code already"),
        ('"item": "B2", "when"', '"item": "B2", "name": "Foil", "when"', "slot battery.film, item B2", "here and 'Film' elsewhere"),
        ('"name_zh": "电池包", ', "", "slot battery.pack", "name_zh is missing"),
        ('"plants": ["East"]', '"plants": "East"', "slot battery.pack, item B2", "plants is not a list"),
        ('"item": "B2", "when"', '"item": "B2", "item": "B2", "when"', "an object with item", "“item” is there twice"),
    ],
)
def test_a_fault_is_told_with_file_and_element(old: str, new: str, place: str, problem: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        parse({"battery.json": GOOD.replace(old, new, 1)})
    assert caught.value.source == "battery.json"
    assert place in caught.value.place
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"group": "a", "slots": {}}', '{"group": "a", "slots": [3]}', "[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_bill_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError):
        parse({"bill.json": text})


def test_a_folder_without_a_bill_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no bill"):
        read(tmp_path)
