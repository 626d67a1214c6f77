"""Figures of a drive against what can be found by going there step by step."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.simulation.judge import Trajectory, comfort
from marque.simulation.judge.metrics import time_to_collision
from marque.vehicle import BMW_320I, boxes_overlap

places, headings, speeds, sizes = st.floats(-40.0, 40.0), st.floats(-3.2, 3.2), st.floats(0.0, 20.0), st.floats(0.5, 6.0)
boxes = st.tuples(places, places, headings, speeds, sizes, sizes)


@given(boxes, boxes)
def test_time_to_collision_is_when_the_moving_boxes_first_overlap(a, b):
    found = time_to_collision(*a, *b)

    def overlap(t):
        (ax, ay, ah, av, al, aw), (bx, by, bh, bv, bl, bw) = a, b
        return boxes_overlap(
            ax + av * t * np.cos(ah), ay + av * t * np.sin(ah), ah, al, aw, bx + bv * t * np.cos(bh), by + bv * t * np.sin(bh), bh, bl, bw
        )

    if np.isinf(found):
        assert not any(overlap(t) for t in np.linspace(0.0, 20.0, 400))
    else:
        assume(found < 100.0)
        assert found == 0.0 or not any(overlap(t) for t in np.linspace(0.0, found - 1e-6, 100))
        assert found == 0.0 or overlap(found + 1e-3) or not overlap(found - 1e-3)


def test_comfort_is_the_greatest_of_each():
    speed = np.array([10.0, 10.1, 10.1, 9.6])
    driven = Trajectory(np.zeros(4), np.zeros(4), np.zeros(4), speed, np.array([0.0, 0.1, 0.0, 0.0]))
    felt = comfort(driven, 0.1, BMW_320I)
    assert felt.acceleration_max_mps2 == pytest.approx(1.0)
    assert felt.braking_max_mps2 == pytest.approx(5.0)
    assert felt.jerk_max_mps3 == pytest.approx(50.0)
    assert felt.lateral_max_mps2 == pytest.approx(10.1**2 * np.tan(0.1) / BMW_320I.wheelbase_m)
