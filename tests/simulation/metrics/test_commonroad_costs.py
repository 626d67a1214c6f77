"""Partial costs against integrals known in closed form, and against CommonRoad's own tool (bench/peers)."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.goal import Goal
from marque.simulation.judge import Trajectory
from marque.simulation.metrics.commonroad_costs import (
    COST_FUNCTIONS,
    OnLane,
    costs,
    integral,
    lane_jerks,
    partial_costs,
    smoothed,
    without_jumps,
)

BENCH = Path(__file__).parents[3] / "bench"
STEP_S = 0.1


def straight(steps, acceleration=0.0, speed=10.0):
    t = np.arange(steps) * STEP_S
    zero = np.zeros(steps)
    x = speed * t + 0.5 * acceleration * t**2
    return Trajectory(x, zero, zero, speed + acceleration * t, zero), OnLane(x, zero, zero, np.full(steps, np.inf))


@given(st.integers(3, 40), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_the_integral_of_a_parabola_is_exact_for_any_number_of_samples(samples, a, b):
    t = np.arange(samples) * STEP_S
    end = t[-1]
    assert integral(a * t**2 + b * t + 1.0, STEP_S) == pytest.approx(a * end**3 / 3.0 + b * end**2 / 2.0 + end)


def test_a_steady_drive_costs_its_time_and_length_only():
    driven, lane = straight(51)
    found = partial_costs(driven, lane, (), STEP_S)
    assert found["T"] == pytest.approx(5.0)
    assert found["L"] == pytest.approx(50.0)
    assert {name for name, cost in found.items() if abs(cost) > 1e-9} == {"T", "L", "ID"}


def test_an_acceleration_costs_its_square_times_the_time_it_lasts():
    found = partial_costs(*straight(51, acceleration=2.0), (), STEP_S)
    assert found["A"] == pytest.approx(4.0 * 4.9)  # between 51 states there are 50 accelerations, 4.9 s apart
    assert found["J"] == pytest.approx(0.0, abs=1e-9)


def test_speed_is_measured_against_the_slowest_a_goal_asks():
    goals = tuple(Goal((0.0, 5.0), speed_mps=interval) for interval in ((12.0, 14.0), (13.0, 20.0)))
    assert partial_costs(*straight(51), goals, STEP_S)["V"] == pytest.approx(4.0 * 5.0)


def test_whoever_is_ahead_costs_the_more_the_nearer_it_is():
    driven, lane = straight(51)
    near, far = (partial_costs(driven, lane._replace(ahead_m=np.full(51, gap)), (), STEP_S)["D"] for gap in (5.0, 50.0))
    assert near == pytest.approx(5.0 * np.exp(-1.0))
    assert far < near


def test_a_jump_of_the_lanes_coordinates_is_no_motion():
    places = np.arange(30.0)
    jumped = places.copy()
    jumped[12:] += 40.0
    assert without_jumps(jumped, 10.0, 1.0, STEP_S) == pytest.approx(places)
    along, across = lane_jerks(OnLane(jumped, np.zeros(30), np.zeros(30), np.zeros(30)), 10.0, STEP_S)
    assert np.abs(along).max() < 1e-6
    assert np.abs(across).max() == 0.0


def test_smoothing_leaves_what_is_a_cubic():
    t = np.linspace(-1.0, 1.0, 25)
    values = 3.0 * t**3 - t + 2.0
    assert smoothed(values, 11, 3) == pytest.approx(values)


def test_cost_functions_are_weighted_sums():
    parts = dict.fromkeys({part for weights in COST_FUNCTIONS.values() for part in weights}, 2.0)
    assert costs(parts)["JB1"] == 2.0
    assert costs(parts)["WX1"] == pytest.approx(2.0 * 21.3)


@pytest.mark.slow
def test_costs_are_those_of_commonroads_tool(shared_data, monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    spec = importlib.util.spec_from_file_location("bench_costs", BENCH / "costs.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    if not bench.PEER.exists():
        pytest.skip("bench/peers/make commonroad has not been run")
    names = ["DEU_A9-3_1_T-1", "DEU_Ffb-1_6_T-1", "USA_US101-22_2_T-1", "ZAM_Tjunction-1_47_T-1"]
    same, own, _, _ = bench.compare([shared_data / "commonroad" / f"{name}.xml" for name in names], 0)
    assert set(same) >= set(COST_FUNCTIONS)
    assert all(max(differences) < 1e-6 for differences in same.values())
    assert np.median(own["LC"]) < 0.05
