"""The guard's own decisions: whom it leaves to brake, and what it drives when nothing is verified."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import observation, to_lane, two_way

from marque.driving.guard import BRAKING_MPS2, NOTHING, _is_to_brake, guard, stop_on
from marque.driving.observation import Kind
from marque.driving.occupancy import REASON, block, look_ahead
from marque.driving.pilot import Pilot
from marque.driving.plan import BEST, CANDIDATES, choose_each, efforts
from marque.driving.rules import to_pass
from marque.driving.speed import TICK_S
from marque.driving.tracks import no_tracks
from marque.driving.view import Reason
from marque.driving.worth import terms
from marque.vehicle import BMW_320I, VehicleState

ROAD, SPEED_MPS = two_way(), 11.0
STATE = VehicleState(40.0, 0.0, 0.0, SPEED_MPS, 0.0, 0.0)


def mind(*others):
    pilot = Pilot(ROAD)
    pilot.begin(to_lane(ROAD, "ours"))
    pilot.cycle(STATE, observation(0.0, ROAD, *others))
    return pilot._mind


def rolls_on(stop):
    """A stop held that goes on at an even speed."""
    stop.s[:], stop.v[:] = SPEED_MPS * TICK_S * np.arange(len(stop.s)), SPEED_MPS
    stop.curvature[:], stop.now_s[0] = 0.0, TICK_S


def shut(m, first):
    """Every line is blocked from a metre on, at any time: no candidate passes."""
    for i in range(m.lines.used[0]):
        block(m.lines, i, first, first + 30, 0, 30, 1.0, Reason.HIDDEN * REASON, m.occupancy)
        look_ahead(m.lines, i, m.occupancy)


def ask(m):
    tracks = m.perception.tracks
    passed = guard(m.lines, m.profiles, m.occupancy, tracks, m.choice, 0, CANDIDATES, TICK_S, m.stop)
    if passed == NOTHING:
        stop_on(m.lines, m.profiles, m.occupancy, tracks, m.predictions, STATE, BMW_320I, TICK_S, m.stop)
    return passed


def test_where_nothing_is_verified_and_the_stop_held_would_touch_somebody_it_brakes_at_once():
    m = mind((7, Kind.CAR, 52.0, 0.0, 0.0, 0.0, 4.5, 1.8))
    rolls_on(m.stop)
    shut(m, 8)  # it comes to rest there, just
    assert ask(m) == NOTHING
    assert m.stop.v[1] == pytest.approx(SPEED_MPS - BRAKING_MPS2 * TICK_S)
    assert m.stop.now_s[0] == pytest.approx(TICK_S)


def test_a_stop_held_that_touches_nobody_is_driven_on():
    m = mind()
    rolls_on(m.stop)
    shut(m, 1)
    assert ask(m) == NOTHING
    assert m.stop.v[1] == SPEED_MPS
    assert m.stop.now_s[0] == pytest.approx(2.0 * TICK_S)


def test_where_none_of_the_best_will_do_it_is_handed_the_best_of_each_line():
    m = mind()
    assert np.isinf(m.choice.cost[BEST:]).all()
    task = Pilot(ROAD)._task
    passing = to_pass(ROAD.arrays, BMW_320I, m.paths, m.lines, m.perception.tracks, np.zeros(0, np.uint8), m.occupancy)
    effort, shared = efforts(m.profiles, m.pressed, task), terms(m.lines, m.paths, task, passing, 0.0)
    choose_each(m.lines, m.paths, m.profiles, m.occupancy, task, effort, shared, 0, 0.0, m.choice)
    alone = m.choice.line[BEST:CANDIDATES][np.isfinite(m.choice.cost[BEST:CANDIDATES])]
    assert sorted(alone) == list(range(m.lines.used[0]))
    assert m.choice.cost[BEST] == m.choice.cost[0]
    assert (np.diff(m.choice.cost[BEST : BEST + len(alone)]) >= 0.0).all()


@given(st.floats(0.0, 60.0), st.floats(1.0, 30.0), st.floats(0.0, 30.0))
def test_who_is_behind_has_to_brake_just_where_it_could_stop_behind_the_braking_car(away, follower_mps, own_mps):
    """Oracle: both braked in small steps, the follower 0.35 s later and with 7 m/s²."""
    tracks = no_tracks()
    track, cell = tracks[3], mind().lines.cell[0, 0]
    track["x"], track["y"] = cell["body_x"] - away - 2.4 - 2.25, cell["body_y"]
    track["heading"], track["speed"], track["length"] = cell["heading"], follower_mps, 4.5
    own_stop = own_mps**2 / (2.0 * BRAKING_MPS2)
    stop = follower_mps * 0.35 + follower_mps**2 / 14.0
    room = away + own_stop - stop
    if abs(room) > 0.05 and away > 0.05:
        assert _is_to_brake(Reason.FOLLOW * REASON + 3, tracks, cell, own_mps) == (
            room > 0.0 and not (follower_mps < own_mps and follower_mps < 0.5)
        )


def test_nobody_is_left_to_brake_who_comes_from_elsewhere():
    tracks, cell = no_tracks(), mind().lines.cell[0, 0]
    tracks[3]["x"], tracks[3]["y"], tracks[3]["speed"], tracks[3]["length"] = cell["body_x"] - 50.0, cell["body_y"], 5.0, 4.5
    assert _is_to_brake(Reason.FOLLOW * REASON + 3, tracks, cell, 10.0)
    assert not _is_to_brake(Reason.YIELD * REASON + 3, tracks, cell, 10.0)
    tracks[3]["heading"] = math.pi / 2
    assert not _is_to_brake(Reason.FOLLOW * REASON + 3, tracks, cell, 10.0)
