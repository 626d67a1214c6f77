"""Take rates, against the trial of every car and against cars drawn at random."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from functools import cache
from math import prod
from random import Random

import pytest
import small_models
from bills import bill, buildable, drawn, fitting, of, slot, usage
from car_oracle import cars as all_cars
from demo import circuit, product, whole_bill
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marque.common import InputError
from marque.product.model import Name
from marque.product.parts import Planned, TakeRates, expected_rates, sampled_rates, take_rates
from marque.product.parts.rates import compiled

DAY = date(2026, 10, 1)


@cache
def known():
    return compiled(product(), whole_bill())


@cache
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


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_expected_rates_of_features_are_met_and_cars_are_weighed_by_factors(seed: int) -> None:
    """Against the same factors found by going through all cars one by one."""
    random = Random(seed)
    model = small_models.drawn(seed, features=6)
    every = [car.features for car in all_cars(model)]
    names = [name for name in model.features if 0 < sum(name in car for car in every) < len(every)]
    assume(names)
    # Rates that some weighing of the cars has, so that they can be met.
    weights = [random.random() + 0.05 for _ in every]
    chosen = random.sample(names, min(len(names), 3))
    wanted = {name: sum(w for w, car in zip(weights, every, strict=True) if name in car) / sum(weights) for name in chosen}
    factors = dict.fromkeys(chosen, 1.0)

    def share(name: str) -> float:
        mass = [prod(factors[one] for one in chosen if one in car) for car in every]
        return sum(one for one, car in zip(mass, every, strict=True) if name in car) / sum(mass)

    for _ in range(3_000):
        for name in chosen:
            now = share(name)
            factors[name] *= wanted[name] / (1 - wanted[name]) * (1 - now) / now
        if all(abs(share(name) - wanted[name]) < 1e-11 for name in chosen):
            break
    else:
        assume(False)
    whole = bill(slot("unit", *(usage(f"U{number}", Name(name)) for number, name in enumerate(names))))
    try:
        told = expected_rates(of(model), whole, date(2026, 6, 15), wanted)
    except InputError:  # Slow to meet, which a plain search through all cars may afford.
        assume(False)
        raise
    for rate, name in zip(told.rates, names, strict=True):
        assert float(rate.share) == pytest.approx(share(name), abs=1e-6)


def test_rates_of_the_demo_line_may_be_expected() -> None:
    wanted = {"Vela": 0.4, "china.China": 0.6, "uk.UnitedKingdom": 0.1, "body.TowBarSwivel": 0.03, "software.CityPilot": 0.35}
    told = expected_rates(product(), whole_bill(), DAY, wanted, known=known())
    shares = {rate.usage.item: float(rate.share) for rate in told.rates}
    assert shares[whole_bill().slots["body.tow_bar"].usages[0].item] == pytest.approx(0.03, abs=1e-8)
    sums: dict[str, float] = defaultdict(float)
    for rate in told.rates:
        sums[rate.slot] += float(rate.share)
    assert all(share <= 1 + 1e-6 for share in sums.values())
    assert sums["battery.pack"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ({"Vela": 0.7, "body.TowBarSwivel": 0.5}, "body.TowBarSwivel"),
        ({"germany.Germany": 0.7, "china.China": 0.7}, ""),
        ({"Vela": 1.5}, "Vela"),
        ({"body.Body": 0.5}, "body.Body"),
    ],
)
def test_rates_that_cannot_be_had_are_refused(wanted: dict[str, float], place: str) -> None:
    with pytest.raises(InputError) as caught:
        expected_rates(product(), whole_bill(), DAY, wanted, known=known())
    assert caught.value.place in wanted
    assert place in ("", caught.value.place) or place in wanted
