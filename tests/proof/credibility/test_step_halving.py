"""Against equations with known solutions, solved by methods of known order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.proof.credibility.step_halving import Outcome, apart, change, convergence, extrapolated_error, observed_order


def euler(slope, y, h):
    return y + h * slope(y)


def midpoint(slope, y, h):
    return y + h * slope(y + 0.5 * h * slope(y))


def runge_kutta(slope, y, h):
    k1 = slope(y)
    k2 = slope(y + 0.5 * h * k1)
    k3 = slope(y + 0.5 * h * k2)
    k4 = slope(y + h * k3)
    return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def solved(method, parts):
    """Decay and oscillation, at the ten instants that every level has."""
    slope = lambda y: np.array([-y[0], y[2], -4.0 * y[1]])  # noqa: E731
    y, kept = np.array([1.0, 0.0, 1.0]), []
    for _ in range(10):
        for _ in range(parts):
            y = method(slope, y, 0.1 / parts)
        kept.append(y)
    return np.array(kept)


def exact():
    t = 0.1 * np.arange(1, 11)
    return np.column_stack([np.exp(-t), 0.5 * np.sin(2.0 * t), np.cos(2.0 * t)])


@pytest.mark.parametrize(("method", "order"), [(euler, 1), (midpoint, 2), (runge_kutta, 4)])
def test_the_order_of_a_method_is_found_and_its_error_foretold(method, order):
    levels = [solved(method, parts) for parts in (1, 2, 4, 8, 16)]
    found = convergence([0.1 / parts for parts in (1, 2, 4, 8, 16)], levels)
    assert found.order == pytest.approx(order, abs=0.1)
    assert found.error == pytest.approx(np.abs(levels[0] - exact()).max(), rel=0.15)


def test_what_does_not_change_has_no_order():
    found = convergence([0.1, 0.05, 0.025], [np.ones(3)] * 3)
    assert found.differences == (0.0, 0.0)
    assert math.isnan(found.order)
    assert math.isnan(found.error)


@given(st.floats(0.5, 8.0), st.floats(1e-6, 1e3))
def test_richardson_is_exact_for_a_pure_power_of_the_step(order, error):
    coarse, middle, fine = (error * 0.5 ** (order * k) for k in range(3))
    assert observed_order(coarse - middle, middle - fine) == pytest.approx(order, rel=1e-6)
    assert extrapolated_error(coarse - middle, order) == pytest.approx(error, rel=1e-9)


def test_one_level_is_too_few():
    with pytest.raises(ValueError, match="two levels"):
        convergence([0.1], [np.ones(2)])


def outcome(verdict="goal", failed=False, ttc=math.inf, places=((0.0, 0.0),)):
    return Outcome(verdict, failed, ttc, np.array(places))


def test_changed_verdicts_are_counted_and_bounded_exactly():
    coarse = [outcome()] * 9 + [outcome("collision", True)]
    found = change(coarse, [outcome("late"), *[outcome()] * 9])
    assert (found.cases, found.verdicts, found.failures) == (10, 2, 1)
    assert found.share.low == pytest.approx(0.002529, abs=1e-5)  # Clopper, Pearson 1934: 1 of 10
    assert found.share.high == pytest.approx(0.445016, abs=1e-5)


def test_a_time_to_collision_beyond_the_horizon_counts_as_the_horizon():
    found = change([outcome(ttc=3.0), outcome(ttc=math.inf), outcome(ttc=20.0)], [outcome(ttc=2.5), outcome(ttc=9.0), outcome(ttc=30.0)])
    assert found.ttc_s.tolist() == [0.5, 1.0]


def test_courses_are_compared_up_to_the_end_of_the_shorter_one():
    assert apart(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0]])) == 5.0
