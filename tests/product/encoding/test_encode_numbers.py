"""Constraints that count attributes: the formula has exactly the cars of the model, whatever way they are written down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from car_oracle import cars
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import drawn
from test_encode import car_sets

from marque.common import InputError
from marque.product import uvl
from marque.product.encoding.encode import encode
from marque.product.model import Aggregate, Attribute, Compare, Constant, Constraint, FeatureModel, Name, Place


def same_cars(model: FeatureModel) -> None:
    found = car_sets(encode(model))
    assert len(found) == len(set(found))
    assert set(found) == {car.features for car in cars(model)}


@given(st.integers(0, 10**9))
@settings(max_examples=50)
def test_the_formula_has_each_car_once_and_nothing_else(seed):
    same_cars(drawn(seed, features=8, numbers=True))


@given(st.integers(0, 10**9), st.sampled_from([0, 3]))
@settings(max_examples=50)
def test_diagrams_give_the_same_cars_as_clauses(seed, direct):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.pseudo_boolean._DIRECT_UP_TO", direct)
        same_cars(drawn(seed, features=8, numbers=True))


@given(st.integers(0, 10**9))
@settings(max_examples=50)
def test_adders_give_the_same_cars_as_diagrams(seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.pseudo_boolean.MOST_EDGES", 0)
        same_cars(drawn(seed, features=8, numbers=True))


def model_of(constraint: str) -> FeatureModel:
    return uvl.parse(
        "features\n\tCar {base 0.1}\n\t\toptional\n\t\t\tA {mass 0.1, price 3}\n\t\t\tB {mass 0.2, price 4, fast}\n"
        f"\t\t\tC {{mass 0.3, price -2, colour 'red'}}\nconstraints\n\t{constraint}\n"
    )


def cars_with(constraint: str) -> set[str]:
    found = car_sets(encode(model_of(constraint)))
    assert len(found) == len(set(found))
    return {"".join(sorted(car - {"Car"})) for car in found}


EVERY = {"", "A", "B", "C", "AB", "AC", "BC", "ABC"}


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        ("A.mass + B.mass == C.mass", {"", "ABC"}),
        ("sum(mass) == 0.3", {"C", "AB"}),
        ("sum(price) >= 5", {"AB", "ABC"}),
        ("avg(price) == 0.5", {"AC"}),
        ("A.price * B.price == 12", {"AB", "ABC"}),
        ("A.price / B.price < 1", {"B", "BC", "AB", "ABC"}),
        ("!(A.price / B.price < 1)", {"", "A", "C", "AC"}),
        ("C.colour == 'red'", {"C", "AC", "BC", "ABC"}),
        ("C.colour != 'red'", {"", "A", "B", "AB"}),
        ("len(C.colour) < 3", {"", "A", "B", "AB"}),
        ("floor(avg(price)) == 1", {"ABC", "BC"}),
        ("ceil(Car.base + A.mass) == 1", EVERY),
    ],
)
def test_terms_are_worth_what_is_written(constraint, wanted):
    assert cars_with(constraint) == wanted


def test_an_upper_limit_on_a_count_gives_the_usual_clauses():
    cnf = encode(model_of("sum(price) <= 3"))
    assert cnf.variables == cnf.counted == 4


@pytest.mark.parametrize(
    ("compare", "told"),
    [
        (Compare(">", Aggregate("sum", "colour"), Constant(2)), "not a number"),
        (Compare(">", Attribute("C", "colour"), Constant("blue")), "no order"),
        (Compare("==", Attribute("C", "colour"), Constant(3)), "compared with a number"),
        (Compare("==", Name("A"), Constant(1)), "is Boolean"),
        (Compare("==", Attribute("A", "width"), Constant(1)), "no attribute"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_its_place(compare, told):
    model = replace(model_of("A"), constraints=(Constraint(compare, "…", Place("line.uvl", 8, 2)),))
    with pytest.raises(InputError, match=told) as refusal:
        encode(model)
    assert (refusal.value.source, refusal.value.place) == ("line.uvl", "line 8, column 2")
