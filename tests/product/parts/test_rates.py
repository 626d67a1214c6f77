"""Take rates, against the trial of every car and against cars drawn at random."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from functools import cache
from random import Random

import pytest
import small_models
from bills import buildable, drawn, fitting, of
from demo import circuit, product, whole_bill
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import cars as all_cars

from marque.common import InputError
from marque.product.parts import Planned, TakeRates, sampled_rates, take_rates
from marque.product.parts.rates import compiled

DAY = date(2026, 10, 1)


@cache
def known():
    return compiled(product(), whole_bill())


def rates(plan: tuple[Planned, ...] = (), on: date = DAY) -> TakeRates:
    return take_rates(product(), whole_bill(), on, plan=plan, known=known())


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_shares_are_those_of_all_cars_one_by_one(seed: int) -> None:
    model = small_models.drawn(seed, features=6)
    whole, on = drawn(Random(seed), model), date(2026, 6, 15)
    every = [car.features for car in all_cars(model) if buildable(model, car.features, on)]
    assume(every)
    told = take_rates(of(model), whole, on)
    assert told.cars == len(every)
    for rate in told.rates:
        used = sum(rate.number in fitting(model, whole.slots[rate.slot], car, on) for car in every)
        assert rate.share == Fraction(used, len(every))


def test_the_items_of_a_slot_that_every_car_has_share_all_cars_among_them() -> None:
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for rate in rates().rates:
        sums[rate.slot] += rate.share
    assert all(0 < share <= 1 for share in sums.values())
    assert all(sums[code] == 1 for code in ("battery.pack", "chassis.tyres", "exterior.headlamps", "documents.type_plate"))


def test_drawn_cars_use_items_as_often_as_counted() -> None:
    """Within six standard errors, some 700 times; conditions are evaluated on the cars."""
    counted, estimated = rates(), sampled_rates(product(), whole_bill(), DAY, cars=4_000, seed=2, circuit=circuit())
    for exact, rough in zip(counted.rates, estimated.rates, strict=True):
        assert (exact.slot, exact.number) == (rough.slot, rough.number)
        error = (float(exact.share * (1 - exact.share)) / 4_000) ** 0.5
        assert abs(float(exact.share - rough.share)) <= 6 * error + 0.001


def test_a_plan_weighs_kinds_of_cars_by_their_number() -> None:
    plan = (Planned(("Corvus", "germany.Germany"), 30_000), Planned(("Vela", "china.China"), 10_000))
    told, corvus = rates(plan), rates(plan[:1])
    shares = {rate.usage.item: rate.share for rate in told.rates if rate.slot == "body.front_lid"}
    assert sorted(shares.values()) == [Fraction(1, 4), Fraction(3, 4)]
    vela = rates(plan[1:])
    for both, first, second in zip(told.rates, corvus.rates, vela.rates, strict=True):
        assert both.share == (3 * first.share + second.share) / 4


def test_quantities_count() -> None:
    told = rates()
    rim = [rate for rate in told.rates if rate.slot == "chassis.rims"]
    assert sum(rate.per_car for rate in rim) == 4
    assert told.of(rim[0].usage.item) == rim[0].per_car


def test_an_item_before_its_first_day_is_in_no_car() -> None:
    def share(on: date, item: str) -> Fraction:
        return next(rate.share for rate in rates(on=on).rates if rate.usage.item == item)

    old, new = [one.item for one in whole_bill().slots["restraint.control"].usages]
    assert (share(date(2026, 8, 31), old), share(date(2026, 8, 31), new)) == (1, 0)
    assert (share(date(2026, 9, 1), old), share(date(2026, 9, 1), new)) == (0, 1)


def test_a_plan_for_cars_that_do_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="no such car may be built"):
        rates((Planned(("Corvus", "Vela"), 1),))
    with pytest.raises(InputError, match="no such feature"):
        rates((Planned(("Aquila",), 1),))
