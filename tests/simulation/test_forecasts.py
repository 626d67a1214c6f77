"""How predictions are scored, against closed forms and against the same thing counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenes
from marque.driving.predict import HYPOTHESES, STEP_S
from marque.simulation.commonroad import read_scenario
from marque.simulation.forecasts import (
    TIMES_S,
    Forecasts,
    alternatives,
    brier,
    choose,
    constant_turn,
    constant_velocity,
    errors,
    fitted_spread,
    forecast,
    join,
    min_ade,
    min_fde,
    most_probable,
    negative_log_likelihood,
    own_spread,
    reach_to,
    reliability,
)


def made(probability, ways, truth, *, known=None, now=(0.0, 0.0, 0.0, 10.0, 0.0), heading=0.0):
    """One forecast; ways (h, T, 2), truth (T, 2)."""
    ways, truth = np.asarray(ways, float), np.asarray(truth, float)
    shape = ways.shape[:2]
    whole = np.zeros(1, np.int32)
    return Forecasts(
        np.asarray(probability, float)[None], ways[None, :, :, 0], ways[None, :, :, 1], np.full((1, *shape), heading), truth[None, :, 0],
        truth[None, :, 1], np.ones((1, shape[1]), bool) if known is None else np.asarray(known)[None], np.array([now]), whole, whole, whole,
    )  # fmt: skip


random_ways = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(random_ways)
def test_displacement_scores_are_those_counted_point_by_point(random):
    ways, truth, known = random.normal(0, 5, (3, 6, 2)), random.normal(0, 5, (6, 2)), np.arange(6) < random.integers(1, 7)
    f = made([0.5, 0.5, 0.0], ways, truth, known=known)
    distance = [[np.hypot(*(ways[h, t] - truth[t])) for t in range(6) if known[t]] for h in range(2)]
    assert min_ade(f)[0] == pytest.approx(min(np.mean(d) for d in distance))
    assert min_fde(f)[0] == pytest.approx(min(d[-1] for d in distance))
    assert np.isinf(errors(f)[0, 2, 0])


@given(random_ways)
def test_the_likelihood_is_that_of_a_mixture_of_turned_gaussians(random):
    p, sigma, heading = random.dirichlet([1, 1, 1]), random.uniform(0.3, 3.0, (1, 3, 2, 2)), random.uniform(-3, 3)
    ways, truth = random.normal(0, 2, (3, 2, 2)), random.normal(0, 2, (2, 2))
    loss = negative_log_likelihood(made(p, ways, truth, heading=heading), sigma)
    turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
    for t in range(2):
        density = 0.0
        for h in range(3):
            covariance = turn @ np.diag(sigma[0, h, t] ** 2) @ turn.T
            away = truth[t] - ways[h, t]
            density += p[h] * np.exp(-0.5 * away @ np.linalg.solve(covariance, away)) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
        assert loss[0, t] == pytest.approx(-np.log(density))


def test_the_fitted_spread_is_likelier_than_any_other():
    random = np.random.default_rng(1)
    truth = random.normal(0, [3.0, 0.5], (50, 4, 2))
    f = join([made([1.0], np.zeros((1, 4, 2)), row) for row in truth])
    fitted = fitted_spread(f, np.zeros(50, int))
    best = negative_log_likelihood(f, fitted).mean()
    for factor in (0.9, 1.1):
        assert negative_log_likelihood(f, fitted * factor).mean() > best


def test_constant_velocity_and_constant_turn_follow_a_line_and_a_circle():
    f = made([1.0], np.zeros((1, 30, 2)), np.zeros((30, 2)), now=(1.0, 2.0, 0.5, 8.0, 0.4))
    straight, round_ = constant_velocity(f), constant_turn(f)
    assert np.allclose(straight.x_m[0, 0], 1.0 + 8.0 * TIMES_S * np.cos(0.5))
    radius = 8.0 / 0.4
    assert np.allclose(round_.x_m[0, 0], 1.0 + radius * (np.sin(0.5 + 0.4 * TIMES_S) - np.sin(0.5)))
    assert np.allclose(round_.y_m[0, 0], 2.0 - radius * (np.cos(0.5 + 0.4 * TIMES_S) - np.cos(0.5)))


def test_only_forecasts_whose_truth_reaches_the_horizon_are_scored_there():
    ways = np.zeros((1, 30, 2))
    f = join([made([1.0], ways, ways[0], known=np.arange(30) < n) for n in (5, 10, 30)])
    assert [len(reach_to(f, h)) for h in (1, 2, 6)] == [3, 2, 1]
    assert reach_to(f, 2).x_m.shape[2] == round(2 / STEP_S)
    assert len(choose(f, np.array([True, False, True]))) == 2


def test_ways_that_cannot_be_told_apart_are_one_alternative():
    ends = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 9.0]])[:, None]
    p, came = alternatives(made([0.5, 0.2, 0.3], ends, [[0.4, 0.1]]), np.ones((1, 3, 1, 2)))
    assert p.tolist() == [[0.7, 0.0, 0.3]]
    assert came.tolist() == [[True, False, False]]
    assert brier(p, came)[0] == pytest.approx(0.3**2 + 0.3**2)
    assert len(alternatives(made([0.5, 0.5, 0.0], ends, [[0.4, 0.1]]), np.ones((1, 3, 1, 2)))[0]) == 0


def test_a_forecaster_who_is_right_as_often_as_stated_is_calibrated_and_one_who_boasts_is_not():
    random = np.random.default_rng(2)
    stated = random.uniform(0.5, 1.0, 40_000)
    right = random.random(40_000) < stated
    p, came = np.column_stack((stated, 1.0 - stated)), np.column_stack((right, ~right))
    assert reliability(p, came).calibration_error < 0.01
    boasts = np.column_stack((np.full(40_000, 0.99), np.full(40_000, 0.01)))
    assert reliability(boasts, came).calibration_error == pytest.approx(0.24, abs=0.02)


def test_a_recorded_drive_is_forecast_once_a_second_of_it_has_been_seen(tmp_path):
    path = [(20.0 + 0.1 * k * 8.0, 0.0, 0.0, 8.0) for k in range(60)]
    document = scenes.document(
        scenes.TWO_LANES, scenes.car(3, path), scenes.parked(4, 150.0, 0.0), scenes.problem(5.0, 3.5, 5.0, scenes.goal(10, 50))
    )
    f = forecast(read_scenario(scenes.write(tmp_path, document)), every_s=0.2, file=7)
    assert set(f.subject) == {3}
    assert set(f.file) == {7}
    assert len(f) == 20  # from 1.0 s to 4.8 s: a second before, a second after
    assert np.allclose(f.true_x_m[0, :10], 20.0 + 8.0 * (1.0 + TIMES_S[:10]))
    assert min_ade(constant_velocity(f)).max() < 1e-6
    assert np.allclose(f.probability.sum(axis=1), 1.0)
    assert f.probability.shape[1] == HYPOTHESES
    assert min_ade(f).max() < min_ade(most_probable(f)).max() + 1e-9
    assert own_spread(f).shape == (*f.x_m.shape, 2)
