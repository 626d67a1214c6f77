"""Dead time and lag: with them reckoned with, a car does what it would do without, a moment later."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import observation, to_lane, two_lanes

from marque.driving.ahead import Ahead, move_on
from marque.driving.observation import Health
from marque.driving.pilot import Pilot
from marque.driving.tracks import NO_ID, no_tracks
from marque.vehicle import IDEAL, MODELS, PRODUCTION, Actuators, Command, VehicleState, drive, resting

STEP_S = 0.1
CAR = MODELS["vela"].vehicle
WELL = Health()
START = VehicleState(0.0, 0.0, 0.0, 14.0, 0.01, 0.0)
rates = st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=12)  # slow enough for the limit on how fast a rate changes


def ask(wished, late_s=0.0):
    """(states, what was foreseen from each) of a car that comes so much later than usual, and knows it."""
    ahead, held, state, health = Ahead(CAR, PRODUCTION, STEP_S), resting(STEP_S), START, Health(delay_s=late_s)
    states, foreseen = [state], []
    later = Actuators(*(one._replace(delay_s=one.delay_s + late_s) for one in PRODUCTION[:3]))
    for rate in wished:
        foreseen.append(ahead.foresee(state, health))
        asked = ahead.ask(state, Command(-1.0, rate, 1.0), health)
        state, held = drive(state, held, asked, STEP_S, CAR, later)
        states.append(state)
    return states, foreseen


@given(rates, st.sampled_from([0.0, 0.1, 0.3]))
def test_where_it_will_be_is_where_it_then_is(wished, late_s):
    states, foreseen = ask(wished, late_s)
    steps = round((PRODUCTION.steering.delay_s + late_s) / STEP_S)
    for k, (then, ahead_s) in enumerate(foreseen[: len(states) - steps]):
        assert ahead_s == pytest.approx(steps * STEP_S)
        if k > 8:  # from then on the acceleration, which is foreseen to go on, does
            assert then[:3] == pytest.approx(states[k + steps][:3], abs=1e-9)
        assert then.steering_rad == pytest.approx(states[k + steps].steering_rad, abs=1e-9)


@given(rates)
def test_wheels_turn_as_far_as_was_wished_when_it_takes_hold(wished):
    states, _ = ask(wished)
    turned = np.diff([state.steering_rad for state in states[1:]]) / STEP_S
    assert turned == pytest.approx(wished[:-1], abs=1e-9)


def test_with_ideal_actuators_nothing_is_changed():
    ahead = Ahead(CAR, IDEAL, STEP_S)
    command = Command(-2.0, 0.3, 1.0)
    for _ in range(3):
        assert ahead.foresee(START, WELL) == (START, 0.0)
        assert ahead.ask(START, command, WELL) == command


def test_others_are_moved_on_along_their_headings():
    tracks = no_tracks()
    tracks[0]["id"], tracks[0]["speed"], tracks[0]["heading"] = 1, 10.0, math.pi / 2.0
    move_on(tracks, 0.3)
    assert (tracks[0]["x"], tracks[0]["y"]) == pytest.approx((0.0, 3.0))
    assert np.all(tracks[1:]["id"] == NO_ID)


@pytest.mark.parametrize("actuators", [IDEAL, PRODUCTION])
def test_a_car_beside_the_middle_of_its_lane_comes_back_to_it_without_swinging(actuators):
    road_map = two_lanes()
    pilot = Pilot(road_map, CAR, STEP_S, actuators=actuators)
    pilot.begin(to_lane(road_map, "right"))
    state, held = VehicleState(20.0, 0.3, 0.02, 13.0, 0.0, 0.0), resting(STEP_S)
    beside = []
    for k in range(60):
        command = pilot.cycle(state, observation(k * STEP_S, road_map))
        state, held = drive(state, held, command, STEP_S, CAR, actuators)
        state = VehicleState(*state)
        beside.append(state.y_m)
    assert max(map(abs, beside[30:])) < 0.05
    assert min(beside) > -0.05
