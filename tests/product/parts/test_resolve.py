"""One car's parts."""

from __future__ import annotations

from datetime import date

import pytest
from bills import Line, bill, buildable, fitting, of, slot, usage
from car_oracle import Car, holds
from demo import cars, product, whole_bill

from marque.common import InputError
from marque.product.model import Name, Not
from marque.product.parts import resolve
from marque.product.uvl import parse

MODEL = """
features
    Car
        mandatory
            Year
                alternative
                    Year1 {until '2026-10-30'}
                    Year2 {from '2026-11-01'}
        optional
            Hook
"""


def line() -> Line:
    return of(parse(MODEL))


def test_a_demo_car_gets_the_items_that_fit_it() -> None:
    for car in cars(5, seed=9):
        day = next(day for day in (date(2026, 7, 15), date(2026, 10, 1)) if buildable(product().model, car, day))
        lines = {one.slot.code: one for one in resolve(product(), whole_bill(), car, day)}
        for code, each in whole_bill().slots.items():
            numbers = fitting(product().model, each, car, day)
            if not holds(product().model, each.required, Car(car, {})):
                assert code not in lines
            else:
                (number,) = numbers
                assert lines[code].item.number == each.usages[number].item
                assert lines[code].quantity == each.usages[number].quantity


def test_the_day_decides_between_items_and_is_the_first_possible_one_unless_told() -> None:
    whole = bill(slot("unit", usage("U1", until=date(2026, 11, 30)), usage("U2", since=date(2026, 12, 1))))
    car = {"Car", "Year", "Year2"}
    assert [one.item.number for one in resolve(line(), whole, car)] == ["U1"]
    assert [one.item.number for one in resolve(line(), whole, car, date(2026, 12, 24))] == ["U2"]


def test_what_a_wrong_bill_says_of_a_car_is_refused() -> None:
    whole = bill(slot("unit", usage("U1", Name("Hook"))), slot("horn", usage("H1"), usage("H2", Not(Name("Hook")))))
    with pytest.raises(InputError, match="slot unit: the car needs one item here, and none fits"):
        resolve(line(), whole, {"Car", "Year", "Year1"})
    with pytest.raises(InputError, match="slot horn: H1 and H2 fit this car"):
        resolve(line(), bill(whole.slots["horn"]), {"Car", "Year", "Year1"})


def test_a_car_of_another_model_is_refused() -> None:
    with pytest.raises(InputError, match="no such feature"):
        resolve(line(), bill(slot("unit", usage("U1"))), {"Car", "Wings"})


def test_a_car_that_no_day_has_is_refused() -> None:
    with pytest.raises(InputError, match="no day to build it on"):
        resolve(line(), bill(slot("unit", usage("U1"))), {"Car", "Year", "Year1", "Year2"})
