from __future__ import annotations

from datetime import date
from fractions import Fraction

import demo_cars
import numpy as np
import pytest

from marque.product.prices import LineKind, Purchase, incomplete, list_units, price, price_terms, unknown_names, unpriced
from marque.product.prices.arithmetic import listed

DAYS = (date(2026, 4, 15), date(2026, 10, 15))


@pytest.fixture(scope="module")
def dead():
    """Features that no car of a market has, by market."""
    from pysat.solvers import Solver

    cnf, order = demo_cars.formula(), demo_cars.model().order
    found = {}
    with Solver("glucose4") as solver:
        for clause in range(cnf.clauses):
            solver.add_clause(cnf.literals[cnf.offsets[clause] : cnf.offsets[clause + 1]].tolist())
        for market, feature in demo_cars.MARKETS.items():
            found[market] = {name for name, number in order.items() if not solver.solve([order[feature], number])}
    return found


@pytest.mark.parametrize("market", demo_cars.MARKETS)
@pytest.mark.parametrize("day", DAYS)
def test_lists_know_every_feature_that_is_sold_and_name_no_other(market, day, dead):
    prices, rules = demo_cars.prices().on(market, day)
    assert unknown_names(prices, rules, demo_cars.model()) == []
    assert [name for name in unpriced(prices, demo_cars.model()) if name not in dead[market]] == []


@pytest.mark.parametrize("market", demo_cars.MARKETS)
def test_every_drawn_car_is_complete_and_has_a_price_in_a_believable_span(market):
    span = {"cn": (200_000, 750_000), "de": (54_000, 160_000), "uk": (47_000, 140_000)}[market]
    for day in DAYS:
        prices, rules = demo_cars.prices().on(market, day)
        for car in demo_cars.cars(market, day, 40, seed=3):
            assert incomplete(demo_cars.model(), car, day) is None
            made = price(prices, rules, car, Purchase(day, day, min(rules.regions)))
            assert span[0] <= made.payable.amount <= span[1]


@pytest.mark.parametrize("market", demo_cars.MARKETS)
def test_no_package_costs_more_than_what_it_replaces(market):
    """A buyer would take the parts one by one; of members of which a car has one, the cheapest counts."""
    model = demo_cars.model()
    for day in DAYS:
        prices, _ = demo_cars.prices().on(market, day)
        own = {item.feature: item.price for item in prices.items}
        for item in prices.items:
            if item.members and item.feature.endswith("Package"):
                groups: dict[str, int] = {}
                for member, still in item.members.items():
                    parent = model.features[member].parent
                    alone = any(member in group.children and group.most == 1 for group in model.features[parent].groups)
                    key = parent if alone else member
                    groups[key] = min(groups.get(key, 10**12), own[member] - still)
                assert item.price <= sum(groups.values()), item.feature


def line(made, code, kind=None):
    return next(one for one in made.lines if one.code == code and kind in {None, one.kind})


def bought(market, day, registered=None, **asked):
    prices, rules = demo_cars.prices().on(market, day)
    car = next(iter(demo_cars.cars(market, day, 1, seed=1)))
    circumstances = frozenset(asked.pop("circumstances", ()))
    return price(prices, rules, car, Purchase(day, registered or day, min(rules.regions), circumstances, **asked))


def test_china_halves_the_purchase_tax_in_2026_and_2027_and_takes_it_whole_from_2028():
    day = date(2026, 10, 15)
    half, whole = bought("cn", day), bought("cn", day, date(2028, 1, 1))
    net = sum(one.net.minor for one in half.lines if one.vat.minor)
    tax = line(half, "purchase_tax", LineKind.TAX).gross.minor
    assert abs(tax - Fraction(net, 10)) <= Fraction(1, 2)
    assert line(half, "purchase_tax", LineKind.RELIEF).gross.minor == -min(15_000_00, (tax + 1) // 2)
    assert whole.state.minor - half.state.minor == -line(half, "purchase_tax", LineKind.RELIEF).gross.minor
    assert half.vat.minor == round(Fraction(half.seller.minor * 13, 113))


def test_china_gives_one_trade_in_subsidy_not_two():
    both = bought("cn", date(2026, 10, 15), circumstances=("trade_in_scrapped", "trade_in_replaced"))
    assert [(one.code, one.gross.minor) for one in both.lines if one.kind is LineKind.SUBSIDY] == [("trade_in_scrapped", -20_000_00)]


def test_the_german_environmental_bonus_has_ended_and_the_premium_depends_on_income():
    day = date(2026, 10, 15)
    assert not any(one.kind is LineKind.SUBSIDY for one in bought("de", day, circumstances=("private",)).lines)
    told = bought("de", day, circumstances=("private", "income_80", "income_60", "child"))
    assert sum(one.gross.minor for one in told.lines if one.kind is LineKind.SUBSIDY) == -4500_00


def test_german_vat_is_rounded_on_every_line():
    made = bought("de", date(2026, 10, 15))
    for one in made.lines:
        if one.vat.minor:
            assert abs(one.vat.minor - Fraction(one.gross.minor * 19, 119)) <= Fraction(1, 2)


def test_no_british_grant_for_cars_above_its_limit():
    made = bought("uk", date(2026, 10, 15), circumstances=("grant_band_1",))
    assert not any(one.kind is LineKind.SUBSIDY for one in made.lines)
    assert line(made, "vehicle_tax").gross.minor == 10_00


def test_every_figure_of_the_law_says_where_it_stands():
    for rules, _ in demo_cars.prices().rules:
        for one in (*rules.vat, *rules.levies):
            assert one.source.title
            assert one.source.date


def test_a_package_makes_its_members_free_in_the_demonstration_line():
    prices, _ = demo_cars.prices().on("de", DAYS[0])
    heat_pump = next(item for item in prices.items if item.feature == "drive.HeatPump")
    assert listed(heat_pump, prices.items, {"drive.HeatPump"})[0] == 990_00
    assert listed(heat_pump, prices.items, {"drive.HeatPump", "WinterPackage"})[0] == 0
    assert listed(heat_pump, prices.items, {"drive.HeatPump", "Ultra"})[0] == 0


@pytest.mark.parametrize("market", demo_cars.MARKETS)
def test_the_formula_and_the_definition_of_the_model_agree_on_what_is_a_car(market):
    """Of a drawn car with one to three features changed: complete by the definition exactly if it solves the formula."""
    from pysat.solvers import Solver

    cnf, model, chance = demo_cars.formula(), demo_cars.model(), np.random.default_rng(5)
    names, built = list(model.features), 0
    with Solver("glucose4") as solver:
        for clause in range(cnf.clauses):
            solver.add_clause(cnf.literals[cnf.offsets[clause] : cnf.offsets[clause + 1]].tolist())
        for car in demo_cars.cars(market, DAYS[1], 60, seed=9):
            for _ in range(5):
                changed = car ^ set(chance.choice(names, int(chance.integers(1, 4)), replace=False).tolist())
                solves = solver.solve([number if name in changed else -number for name, number in model.order.items()])
                assert (incomplete(model, changed) is None) == solves, car ^ changed
                built += solves
    assert built > 0


def test_the_search_over_cars_has_an_exact_price_by_conditions_of_the_formula():
    """The terms of the list price, encoded beside the model: in every drawn car their literals say what it costs."""
    from pysat.solvers import Solver

    from marque.product.encoding.conditions import with_formulas

    prices, _ = demo_cars.prices().on("de", DAYS[1])
    terms = price_terms(prices)
    cnf, literals = with_formulas(demo_cars.formula(), [one.formula for one in terms], demo_cars.model())
    with Solver("glucose4") as solver:
        for clause in range(cnf.clauses):
            solver.add_clause(cnf.literals[cnf.offsets[clause] : cnf.offsets[clause + 1]].tolist())
        for car in demo_cars.cars("de", DAYS[1], 25, seed=13):
            assert solver.solve([number if name in car else -number for name, number in demo_cars.model().order.items()])
            true = set(solver.get_model())
            units = sum(one.units for one, literal in zip(terms, literals.tolist(), strict=True) if literal in true)
            assert units == list_units(prices, car)
