"""One first second for several futures: what a doubt changes in the choice, and what it must not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roads import observation, to_lane, two_way

from marque.driving.contingency import branch
from marque.driving.guard import NOTHING, guard, no_stop
from marque.driving.lines import LINES
from marque.driving.occupancy import REASON, block, look_ahead
from marque.driving.pilot import Pilot
from marque.driving.plan import BEST, choose, efforts
from marque.driving.speed import GROUP, SAMPLED, TICK_S
from marque.driving.tracks import CAPACITY
from marque.driving.view import Reason
from marque.driving.worth import terms
from marque.vehicle import VehicleState

ROAD = two_way()
SECOND = round(1.0 / TICK_S)
SLOT = 5


def planned(risk, why, first, since, speed):
    """(choice of single profiles, choice with branches, mind): somebody takes 8 m of every line, `first` m ahead, from an instant on."""
    pilot = Pilot(ROAD)
    pilot.begin(to_lane(ROAD, "ours"))
    pilot.cycle(VehicleState(40.0, 0.0, 0.0, speed, 0.0, 0.0), observation(0.0, ROAD))
    mind, task = pilot._mind, pilot._task
    for i in range(mind.lines.used[0]):
        block(mind.lines, i, first, first + 8, since, 30, risk, why, mind.occupancy)
        look_ahead(mind.lines, i, mind.occupancy)
    effort, cycle = efforts(mind.profiles, mind.pressed, task), terms(mind.lines, mind.paths, task, False, 0.0)
    given_all = mind.lines, mind.paths, mind.profiles, mind.occupancy, task, effort, cycle, 0, 0.0
    choose(*given_all, mind.choice)
    single = tuple(np.copy(part) for part in mind.choice)
    branch(*given_all, mind.futures, mind.choice)
    return single, mind.choice, mind


doubts = st.tuples(st.floats(0.05, 0.85), st.integers(15, 70), st.integers(5, 20), st.floats(3.0, 13.0))


@settings(max_examples=15, deadline=None)
@given(doubts)
def test_with_a_doubt_the_best_is_worth_no_less_and_the_group_begins_alike(doubt):
    risk, first, since, speed = doubt
    single, branched, mind = planned(risk, Reason.FOLLOW * REASON + SLOT, first, since, speed)
    assert branched.cost[0] <= single[2][0]
    row = int(branched.profile[0])
    if branched.cost[0] < single[2][0]:
        assert LINES <= row < LINES + SAMPLED
        begin = LINES + (row - LINES) // GROUP * GROUP
        assert np.ptp(mind.profiles.s[begin : begin + GROUP, : SECOND + 1], axis=0).max() == 0.0


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([0.0, 0.95, 1.0]), st.integers(15, 70), st.integers(5, 20), st.floats(3.0, 13.0))
def test_where_nothing_is_in_doubt_nothing_changes(risk, first, since, speed):
    single, branched, _ = planned(risk, Reason.FOLLOW * REASON + SLOT, first, since, speed)
    assert all(np.array_equal(a, b) for a, b in zip(single, branched, strict=True))


def test_for_who_hardly_comes_it_does_not_brake_yet_and_could_still_stop():
    single, branched, mind = planned(0.1, Reason.FOLLOW * REASON + SLOT, 45, 12, 11.0)
    assert branched.cost[0] < single[2][0]
    before, after = int(single[1][0]), int(branched.profile[0])
    assert mind.profiles.v[after, SECOND] > mind.profiles.v[before, SECOND] - 1e-9
    assert mind.profiles.s[after, -1] < 45.0  # if it comes, the car has stopped before it


@pytest.mark.parametrize("first", [20, 30, 45])
def test_the_guard_demands_a_stop_for_the_worst_of_the_futures(first):
    """Who comes out of hiding is blocked for as surely as anybody: no passed candidate is in its way before it could stop."""
    _, _, mind = planned(1.0, Reason.HIDDEN * REASON, first, 0, 11.0)
    stop = no_stop()
    tracks = mind.perception.tracks
    assert len(tracks) == CAPACITY
    passed = guard(mind.lines, mind.profiles, mind.occupancy, tracks, mind.choice, 0, BEST, 0.1, stop)
    if passed == NOTHING:
        assert math.isclose(stop.now_s[0], -1.0)
    else:
        assert stop.s[-1] < first
