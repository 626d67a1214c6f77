"""The filters' arithmetic against textbook formulas written with matrices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.filter import BODY, EVEN, MANOEUVRING, MODES, POINT, SIZE, STANDING, merge, mix, observe, predict, to_body, to_point

SEEDS = st.integers(0, 2**32 - 1)


def state_of(seed, form=BODY):
    """A state that moves, and a covariance with everything correlated; a point has no more than four numbers."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1.0, 1.0, SIZE) * [50.0, 50.0, 3.0, 1.0, 0.4, 1.5]
    x[3] += 8.0
    root = random.uniform(-1.0, 1.0, (SIZE, SIZE)) * 0.4
    P = root @ root.T + 0.01 * np.eye(SIZE)
    if form == POINT:
        x[2], x[3] = random.uniform(-9.0, 9.0, 2)
        x[4:] = 0.0
        P[4:] = P[:, 4:] = 0.0
    return x, P


def moved(form, mode, x, dt, P=None):
    x, P = x.copy(), np.zeros((SIZE, SIZE)) if P is None else P.copy()
    predict(form, mode, x, P, dt)
    return x, P


@given(SEEDS, st.sampled_from([POINT, BODY]), st.sampled_from([EVEN, MANOEUVRING]), st.floats(0.01, 0.3))
def test_a_prediction_spreads_uncertainty_by_the_derivative_of_the_motion(seed, form, mode, dt):
    x, P = state_of(seed, form)
    h = 1e-6
    F = np.column_stack([(moved(form, mode, x + h * e, dt)[0] - moved(form, mode, x - h * e, dt)[0]) / (2 * h) for e in np.eye(SIZE)])
    Q = moved(form, mode, x, dt)[1]
    after = moved(form, mode, x, dt, P)[1]
    used = slice(0, 4 if form == POINT else SIZE)
    assert np.allclose(after[used, used], (F @ P @ F.T + Q)[used, used], atol=1e-6)


def test_a_turning_body_follows_the_circle_that_its_yaw_rate_and_speed_describe():
    x = np.array([0.0, 0.0, 0.0, 10.0, 0.5, 0.0])
    for _ in range(100):
        x[4] = 0.5
        x, _ = moved(BODY, EVEN, x, 0.01)
    assert np.allclose(x[:3], [20.0 * math.sin(0.5), 20.0 * (1.0 - math.cos(0.5)), 0.5], atol=1e-3)


def test_braking_ends_where_the_car_stands():
    x = np.array([0.0, 0.0, 0.0, 2.0, 0.0, -6.0])
    speeds = []
    for _ in range(20):
        x, _ = moved(BODY, EVEN, x, 0.1)
        speeds.append(x[3])
    assert min(speeds) >= 0.0
    assert speeds[-1] == pytest.approx(0.0, abs=1e-9)


@given(SEEDS, st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.01, 4.0))
def test_an_observation_is_the_kalman_update(seed, hi, hj, variance):
    x, P = state_of(seed)
    H = np.zeros((1, SIZE))
    H[0, 1], H[0, 3] = hi, hj
    residual = 0.7
    S = (H @ P @ H.T)[0, 0] + variance
    K = P @ H.T / S
    likelihood = math.exp(-0.5 * residual**2 / S) / math.sqrt(2.0 * math.pi * S)
    wanted_x, wanted_P = x + K[:, 0] * residual, (np.eye(SIZE) - K @ H) @ P
    assert observe(x, P, 1, hi, 3, hj, residual, variance) == pytest.approx(math.log(likelihood))
    assert np.allclose(x, wanted_x)
    assert np.allclose(P, wanted_P)


@given(SEEDS)
def test_a_mixture_has_the_mean_and_covariance_of_its_parts(seed):
    random = np.random.default_rng(seed)
    parts = [state_of(seed + k, POINT) for k in range(MODES)]
    share = random.dirichlet(np.ones(MODES))
    xs, Ps = np.array([x for x, _ in parts]), np.array([P for _, P in parts])
    x, P = np.empty(SIZE), np.empty((SIZE, SIZE))
    merge(POINT, xs, Ps, tuple(share), x, P)
    mean = share @ xs
    assert np.allclose(x, mean)
    assert np.allclose(P, np.einsum("m,mij->ij", share, Ps) + np.einsum("m,mi,mj->ij", share, xs - mean, xs - mean))


def test_headings_either_side_of_a_half_turn_mix_to_one_between_them():
    xs = np.zeros((MODES, SIZE))
    xs[:, 2] = np.pi - 0.1, -np.pi + 0.1, np.pi - 0.1
    x, P = np.empty(SIZE), np.empty((SIZE, SIZE))
    merge(BODY, xs, np.zeros((MODES, SIZE, SIZE)), (0.25, 0.5, 0.25), x, P)
    assert abs(math.cos(x[2]) + 1.0) < 1e-9
    assert P[2, 2] == pytest.approx(0.01)


@given(SEEDS, st.sampled_from([POINT, BODY]))
def test_mixing_keeps_chances_a_distribution_and_lets_the_standing_stand(seed, form):
    random = np.random.default_rng(seed)
    parts = [state_of(seed + k, form) for k in range(MODES)]
    xs, Ps = np.array([x for x, _ in parts]), np.array([P for _, P in parts])
    chance = random.dirichlet(np.ones(MODES))
    mix(form, xs, Ps, chance, 0.1, np.empty_like(xs), np.empty_like(Ps))
    assert chance.sum() == pytest.approx(1.0)
    assert (chance > 0.0).all()
    first = 2 if form == POINT else 3
    assert not xs[STANDING, first:].any()
    assert not Ps[STANDING, first:].any()
    assert all(np.linalg.eigvalsh(P).min() > -1e-9 for P in Ps)


@given(SEEDS)
def test_a_body_that_becomes_a_point_and_a_body_again_is_the_same(seed):
    x, P = state_of(seed)
    x[3] = abs(x[3])
    point_x, point_P = x.copy(), P.copy()
    to_point(point_x, point_P)
    to_body(point_x, point_P, math.atan2(point_x[3], point_x[2]), 0.0, 1.0 / x[3])
    assert np.allclose(np.cos(point_x[2] - x[2]), 1.0)
    assert np.allclose(point_x[[0, 1, 3]], x[[0, 1, 3]])
    assert np.allclose(point_P[:4, :4], P[:4, :4])


@given(SEEDS, st.floats(-3.0, 3.0))
def test_a_measured_heading_leaves_place_and_the_speed_along_it(seed, heading):
    x, P = state_of(seed, POINT)
    along = np.array([math.cos(heading), math.sin(heading)])
    wanted_speed, wanted_variance = along @ x[2:4], along @ P[2:4, 2:4] @ along
    place, place_P = x[:2].copy(), P[:2, :2].copy()
    to_body(x, P, heading, 0.04, 0.0)
    assert np.array_equal(x[:2], place)
    assert np.array_equal(P[:2, :2], place_P)
    assert x[3] == pytest.approx(wanted_speed)
    assert P[3, 3] == pytest.approx(wanted_variance)
    assert (x[2], P[2, 2]) == (heading, 0.04)
