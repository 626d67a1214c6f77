"""Driving backwards by order: straight, at its speed, and never into anybody."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.observation import Kind, Observation
from marque.driving.reversing import Reverser
from marque.vehicle import BMW_320I, VehicleState, boxes_overlap, step

STEP_S = 0.1


def pedestrian(time_s, x, y, heading, speed):
    one = np.ones(1)
    return Observation(
        time_s, np.array([3], np.int32), np.array([Kind.PEDESTRIAN], np.uint8), one * x, one * y, one * heading, one * speed,
        one * 0.6, one * 0.5, np.zeros(0, np.uint8),
    )  # fmt: skip


def driven(seconds, speed, x, y, heading=0.0, walks=0.0):
    """(states, whether it ever ran into the pedestrian while it moved)."""
    reverser, state = Reverser(BMW_320I, speed), VehicleState(0.0, 0.0, 0.0, -speed, 0.0, 0.0)
    reverser.begin(())
    states, touched = [state], False
    for k in range(round(seconds / STEP_S)):
        t = k * STEP_S
        at = x + walks * t * math.cos(heading), y + walks * t * math.sin(heading)
        state = step(state, reverser.cycle(state, pedestrian(t, *at, heading, walks)), STEP_S, BMW_320I)
        states.append(state)
        later = at[0] + walks * STEP_S * math.cos(heading), at[1] + walks * STEP_S * math.sin(heading)
        hit = boxes_overlap(state.x_m, state.y_m, state.heading_rad, BMW_320I.length_m, BMW_320I.width_m, *later, heading, 0.6, 0.5)
        touched = touched or (hit and state.speed_mps < -0.05)
    return states, touched


def test_with_nobody_there_it_keeps_its_speed_and_its_line():
    states, _ = driven(8.0, 2.0, 50.0, 0.0)
    assert math.isclose(states[-1].x_m, -16.0, abs_tol=0.05)
    assert abs(states[-1].y_m) < 1e-6


def test_it_stops_before_whoever_stands_behind_and_drives_on_past_who_stands_aside():
    states, touched = driven(12.0, 2.0, -12.0, 0.3)
    assert not touched
    assert states[-1].speed_mps == 0.0
    assert -9.0 < states[-1].x_m < -6.0
    assert driven(12.0, 2.0, -12.0, 2.0)[0][-1].x_m < -20.0


@given(st.floats(-14.0, -5.0), st.floats(2.0, 6.0), st.sampled_from([1.0, -1.0]), st.floats(0.5, 2.0), st.floats(0.8, 2.3))
def test_it_never_drives_into_who_crosses_behind_it(x, beside, side, walks, speed):
    _, touched = driven(10.0, speed, x, beside * side, -side * 0.5 * math.pi, walks)
    assert not touched
