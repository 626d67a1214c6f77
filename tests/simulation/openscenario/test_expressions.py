"""Expressions of attribute values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.simulation.openscenario.expressions import ExpressionError, evaluate, resolve

numbers = st.floats(0.01, 1000.0).map(lambda x: repr(round(x, 3)))


def combined(parts):
    binary = st.tuples(parts, st.sampled_from(["+", "-", "*"]), parts).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
    return binary | parts.map(lambda p: f"({p})") | parts.map(lambda p: f"-({p})") | parts.map(lambda p: f"abs({p})")


@given(st.recursive(numbers, combined, max_leaves=12))
def test_arithmetic_is_that_of_python(text):
    assert evaluate(text, {}) == pytest.approx(eval(text), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14.0),
        ("-2 - -3", 1.0),
        ("7 % 4", 3.0),
        ("pow(2, 3) / 4", 2.0),
        ("max(1.0, 100.0 - $a)", 58.0),
        ("sign(-3) * round(2.5)", -3.0),
        ("acos(cos(1))", 1.0),
        ("sqrt( $a * $a )", 42.0),
        ("2*pi", 2.0 * math.pi),
        ("not (1 > 2) and true", True),
        ("1 == 1 or false", True),
    ],
)
def test_what_the_standard_knows_has_its_value(text, value):
    assert evaluate(text, {"a": "42"}) == pytest.approx(value)


def test_a_parameter_is_put_in_as_it_is_and_an_expression_by_its_value():
    given_here = {"name": "car", "v": "36"}
    assert resolve("$name", given_here) == "car"
    assert resolve("${$v / 3.6}", given_here) == "10"
    assert resolve("plain", given_here) == "plain"


@pytest.mark.parametrize(
    "text", ["", "1 +", "(1", "1 / 0", "sqrt(-1)", "$gone", "2 2", "pow(1)", "import os", "1; 2", "(" * 500, "true + $word"]
)
def test_what_has_no_value_is_refused(text):
    with pytest.raises(ExpressionError):
        evaluate(text, {"word": "x"})
