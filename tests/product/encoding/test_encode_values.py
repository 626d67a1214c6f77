"""Typed features: each value of a feature is a car of its own, and constraints may compare and count values."""

from __future__ import annotations

import re

import pytest
from car_oracle import Car, cars
from hypothesis import given, settings
from hypothesis import strategies as st
from models import feature_models
from small_models import domains_of, drawn
from test_encode import car_sets, models_of

from marque.common import InputError
from marque.product import uvl
from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import encode
from marque.product.encoding.values import domains
from marque.product.model import FeatureModel


def cars_of(model: FeatureModel, cnf: Cnf) -> list[Car]:
    found = []
    of_variable = {one.first + place: (name, value) for name, one in domains(model).items() for place, value in enumerate(one.values)}
    for each in models_of(cnf):
        chosen = [literal for literal in each[: cnf.counted] if literal > 0]
        names = frozenset(cnf.names[variable - 1] for variable in chosen if variable <= len(cnf.names))
        found.append(Car(names, dict(of_variable[variable] for variable in chosen if variable > len(cnf.names))))
    return found


def same_cars(model: FeatureModel) -> None:
    found = [car.key for car in cars_of(model, encode(model))]
    assert len(found) == len(set(found))
    assert set(found) == {car.key for car in cars(model, domains_of(model))}


@given(st.integers(0, 10**9))
@settings(max_examples=50)
def test_the_formula_has_each_car_once_with_each_of_its_values(seed):
    same_cars(drawn(seed, features=6, constraints=3, numbers=True, types=True))


@given(st.integers(0, 10**9))
@settings(max_examples=50)
def test_many_values_by_a_chain_and_sums_by_adders_give_the_same_cars(seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.values._PAIRWISE_UP_TO", 0)
        patch.setattr("marque.product.encoding.pseudo_boolean.MOST_EDGES", 0)
        same_cars(drawn(seed, features=6, constraints=3, numbers=True, types=True))


def model_of(feature: str, *constraints: str) -> FeatureModel:
    written = "".join(f"\n\t{constraint}" for constraint in constraints)
    return uvl.parse(f"features\n\tCar\n\t\tmandatory\n\t\t\t{feature}\n\t\toptional\n\t\t\tA {{mass 4}}\nconstraints{written}\n")


@pytest.mark.parametrize(
    ("feature", "constraints", "values"),
    [
        ("Integer Seats {min 2, max 5}", [], (2, 3, 4, 5)),
        ("Integer Seats {values [2, 5, 7]}", [], (2, 5, 7)),
        ("Integer Seats", ["Seats >= 2 & Seats < 6"], (2, 3, 4, 5)),
        ("Integer Seats", ["!Seats", "Seats > 2"], (0,)),
        ("Integer Seats {min 3}", ["Seats < 6"], (3, 4, 5)),
        ("Integer Seats", ["Seats * 2 - 1 > 2", "A => Seats < 3", "2 * Seats + A.mass <= 12"], (2, 3, 4, 5, 6)),
        ("Integer Seats", ["Seats == 4 | Seats == 6 | Seats == 1"], (1, 2, 3, 4, 5, 6)),
        ("Integer Seats", ["!(Seats < 1 | Seats > 3)"], (1, 2, 3)),
        ("String Paint {values ['red', 'blue']}", [], ("red", "blue")),
        ("String Paint", ["Paint == 'red' => A"], ("red", "\0")),
        ("String Paint", ["len(Paint) < 2", "A => Paint != 'x'"], ("x", "", "\0", "\0\0", "\0\0\0")),
    ],
)
def test_values_come_from_attributes_or_from_what_constraints_leave(feature, constraints, values):
    model = model_of(feature, *constraints)
    (domain,) = domains(model).values()
    assert domain.values == values
    assert encode(model).counted == len(model.features) + len(values)


def test_a_typed_feature_that_no_constraint_uses_distinguishes_no_cars():
    cnf = encode(model_of("Real Length"))
    assert cnf.counted == cnf.variables == 3


@pytest.mark.parametrize(
    ("feature", "constraint", "told"),
    [
        ("Real Length", "Length < 4.7", "Integer in a smaller unit"),
        ("Integer Seats", "Seats > 2", "no upper limit"),
        ("Integer Seats {min 1, max 9000}", "Seats > 2", "9,000 values"),
        ("Integer Seats {min 9, max 1}", "Seats > 2", "above max"),
        ("Integer Seats {values [1, 'two']}", "Seats > 2", "not all of type Integer"),
    ],
)
def test_a_feature_whose_values_nobody_can_list_is_refused_by_name(feature, constraint, told):
    with pytest.raises(InputError, match=told) as refusal:
        encode(model_of(feature, constraint))
    assert refusal.value.place.startswith("line 4, ")


def test_an_integer_with_thousands_of_values_needs_few_clauses():
    cnf = encode(model_of("Integer Range {min 1, max 4000}", "Range + A.mass >= 3000", "A => Range < 3500"))
    assert cnf.counted == 4003
    assert cnf.clauses < 40_000


def test_a_feature_with_a_cardinality_counts_its_copies():
    model = model_of("Plug cardinality [1..3]")
    assert len(list(models_of(encode(model)))) == 2 * 3


def test_copies_that_could_differ_are_refused_by_name():
    model = uvl.parse("features\n\tCar\n\t\toptional\n\t\t\tSeat cardinality [1..5]\n\t\t\t\toptional\n\t\t\t\t\tHeating\n")
    with pytest.raises(InputError, match="“Seat” has the cardinality"):
        encode(model)


@settings(max_examples=150)
@given(feature_models(arithmetic=True, types=True))
def test_whatever_can_be_written_is_encoded_or_refused_with_its_place(model):
    try:
        cnf = encode(model)
    except InputError as refusal:
        assert re.fullmatch(r"line \d+, column \d+", refusal.place)  # noqa: PT017
        assert refusal.remedy  # noqa: PT017
    else:
        assert cnf.counted >= len(model.features)


@settings(max_examples=60)
@given(feature_models(arithmetic=True))
def test_models_of_every_shape_have_each_car_once(model):
    try:
        found = car_sets(encode(model))
    except InputError:
        return
    assert len(found) == len(set(found))
    assert set(found) == {car.features for car in cars(model)}
