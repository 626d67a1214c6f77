"""Who comes towards the car in its way is met at rest; whoever only passes changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.lines import CELLS, no_lines
from marque.driving.oncoming import BRAKING_MPS2, ROOM_M, fastest, meet_at_rest
from marque.driving.tracks import no_tracks
from marque.vehicle import BMW_320I, VehicleState

FRONT_M = 0.5 * BMW_320I.length_m + BMW_320I.rear_axle_m
FREE_MPS = 30.0


def allowed(ahead_m, beside_m, heading, speed, offset_m=0.0):
    """Allowed speeds on a straight line, cell by cell, with somebody at a place on it."""
    lines, tracks = no_lines(), no_tracks()
    lines.used[0] = 1
    lines.line[0]["cells"] = CELLS
    cells = lines.cell[0]
    cells["x"], cells["y"], cells["ux"], cells["allowed"] = np.arange(CELLS), offset_m, 1.0, FREE_MPS
    one = tracks[5]
    one["id"], one["seen"], one["x"], one["y"], one["heading"], one["speed"] = 1, 1, ahead_m, beside_m, heading, speed
    one["length"], one["width"] = 4.5, 1.8
    meet_at_rest(VehicleState(0.0, 0.0, 0.0, 15.0, 0.0, 0.0), BMW_320I, lines, tracks)
    return cells["allowed"].copy()


@given(st.floats(0.0, 100.0), st.floats(2.5, 35.0))
def test_who_brakes_from_the_fastest_speed_stands_when_the_other_one_arrives(gap, towards):
    speed = fastest(gap, towards)
    seconds = speed / BRAKING_MPS2
    assert 0.5 * speed * seconds + towards * seconds == pytest.approx(gap, abs=1e-6)


@given(st.integers(20, 100), st.floats(5.0, 25.0))
def test_driven_as_allowed_the_car_stands_with_room_left_before_they_meet(ahead, speed):
    curve = allowed(float(ahead), 0.3, math.pi, speed)
    at, v, t = 0.0, float(curve[0]), 0.0
    while v > 0.0:
        slower = max(0.0, v - BRAKING_MPS2 * 0.01)
        at, v, t = at + 0.5 * (v + slower) * 0.01, slower, t + 0.01
        assert v**2 <= np.interp(at, np.arange(CELLS), curve**2) + 0.02
    assert ahead - 0.5 * 4.5 - speed * t - (at + FRONT_M) == pytest.approx(ROOM_M, abs=2.5) or curve[0] == 0.0


@pytest.mark.parametrize(
    ("beside", "heading", "speed", "offset"),
    [(3.5, math.pi, 15.0, 0.0), (0.0, 0.0, 15.0, 0.0), (0.0, math.pi, 0.0, 0.0), (0.0, 0.5 * math.pi, 8.0, 0.0), (0.0, math.pi, 15.0, 2.8)],
    ids=["on its own side", "goes the same way", "stands", "crosses", "the line leads past it"],
)
def test_whoever_is_not_met_head_on_changes_nothing(beside, heading, speed, offset):
    assert (allowed(60.0, beside, heading, speed, offset) == FREE_MPS).all()


@given(st.floats(-150.0, -5.0), st.floats(-1.5, 1.5), st.floats(5.0, 25.0))
def test_whoever_has_passed_and_crosses_the_way_behind_the_car_changes_nothing(behind, beside, speed):
    assert (allowed(behind, beside, math.pi, speed) == FREE_MPS).all()


@given(st.floats(10.0, 100.0), st.floats(10.0, 100.0))
def test_the_nearer_it_is_the_slower_one_drives(one, other):
    near, far = (allowed(at, 0.0, math.pi, 12.0)[0] for at in sorted((one, other)))
    assert near <= far
