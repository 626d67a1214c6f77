"""What the guard takes away of a command: RSS's own theorem with an adversary for a planner, and how the rules tell cases apart."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roads import bend, crossroads, drive, to_lane, two_lanes, two_way

from marque.driving.answer import answer
from marque.driving.interventions import KEPT, Rule, no_interventions, note, told
from marque.driving.map.query import project
from marque.driving.observation import Kind
from marque.driving.path import lay_paths, no_paths
from marque.driving.predict import no_predictions, predict
from marque.driving.responsibility import ENFORCED, ENFORCES, no_duties, owe
from marque.driving.rss import Crossing, answering_distance, crossing_safety, safe_distance_following
from marque.driving.tracks import no_tracks
from marque.vehicle import BMW_320I, Command, VehicleState, boxes_overlap, step

STEP_S = 0.1
LENGTH, WIDTH = 4.5, 1.8
NO_SIGNALS = np.zeros(0, np.uint8)
TWO_LANES, TWO_WAY, CROSSROADS = two_lanes(), two_way(), crossroads(ego_yields=True)


class Guard:
    """The guard alone, with the paths and predictions it reads, on one lane of a road."""

    def __init__(self, road, lane, rules=ENFORCES):
        self.road, self.lane, self.duties, self.log = road, lane, no_duties(rules=rules), no_interventions()
        self.tracks, self.paths, self.predictions = no_tracks(), no_paths(), no_predictions()
        self.history, self.zeros = np.full(8, -1, np.int32), np.zeros(len(road.arrays.lanes))
        self.now_s, self.reason = 0.0, np.zeros(4)

    def answer(self, state, wanted, *others):
        """The command that is left of the one wanted. others: (x, y, heading, speed)."""
        m = self.road.arrays
        self.tracks[:] = no_tracks()
        for slot, (x, y, heading, speed) in enumerate(others):
            track = self.tracks[slot]
            track["id"], track["kind"], track["cycles"], track["seen"] = slot + 1, Kind.CAR, 9, 1
            track["x"], track["y"], track["heading"], track["speed"] = x, y, heading, speed
            track["length"], track["width"] = LENGTH, WIDTH
        s, _, _ = project(m, self.lane, state.x_m, state.y_m, -1)
        lay_paths(m, self.lane, s, state, BMW_320I, self.zeros, self.zeros, self.history, self.paths)
        predict(m, self.tracks, NO_SIGNALS, np.full(len(m.lanes), np.inf), self.predictions)
        left = owe(m, state, BMW_320I, self.paths, self.tracks, self.predictions, NO_SIGNALS, self.now_s, STEP_S, self.duties)
        given = answer(
            wanted, left, self.paths, self.tracks, state, BMW_320I, self.now_s, STEP_S, self.duties, self.log, self.reason
        )  # fmt: skip
        self.now_s += STEP_S
        return Command(*given)


def lane_of(road, name):
    return road.lane_ids.index(name)


def touch(state, x, y, heading):
    ego = (state.x_m, state.y_m, state.heading_rad, BMW_320I.length_m, BMW_320I.width_m)
    return boxes_overlap(*ego, x, y, heading, LENGTH, WIDTH)


def whims(low, high):
    """Accelerations, each held for half a second."""
    return st.lists(st.floats(low, high), min_size=20, max_size=20)


def rolled(place, speed, acceleration):
    after = max(0.0, speed + acceleration * STEP_S)
    moving_s = STEP_S if speed + acceleration * STEP_S >= 0.0 else speed / -acceleration
    return place + 0.5 * (speed + after) * moving_s, after


quick = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
long = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nobody_runs_into_the_one_ahead(ego_mps, front_mps, spare, planner, front):
    guard, lane = Guard(TWO_LANES, lane_of(TWO_LANES, "right")), "right"
    guard.lane = lane_of(TWO_LANES, lane)
    gap = safe_distance_following(ego_mps, front_mps, ENFORCED.ego, ENFORCED.other) + spare
    state, x, speed = VehicleState(20.0, 0.0, 0.0, ego_mps, 0.0, 0.0), 20.0 + 0.5 * (BMW_320I.length_m + LENGTH) + gap, front_mps
    for k in range(100):
        wanted = Command(planner[k // 5], 0.0, 1.0)
        given = guard.answer(state, wanted, (x, 0.0, 0.0, speed))
        assert given.acceleration_mps2 <= wanted.acceleration_mps2
        state = VehicleState(*step(state, given, STEP_S, BMW_320I))
        x, speed = rolled(x, speed, front[k // 5])
        assert not touch(state, x, 0.0, 0.0)
        if x > 370.0:
            break


following = given(st.floats(0.0, 25.0), st.floats(0.0, 25.0), st.floats(0.01, 20.0), whims(-2.0, 3.0), whims(-8.0, 3.0))


@quick
@following
def test_behind_whoever_drives_as_it_likes_no_planner_makes_the_car_run_into_it(ego_mps, front_mps, spare, planner, front):
    nobody_runs_into_the_one_ahead(ego_mps, front_mps, spare, planner, front)


@pytest.mark.slow
@long
@following
def test_behind_whoever_drives_as_it_likes_no_planner_makes_the_car_run_into_it_600_times(ego_mps, front_mps, spare, planner, front):
    nobody_runs_into_the_one_ahead(ego_mps, front_mps, spare, planner, front)


def its_answer(wanted, state, enter, leave, speed, ego_enter, ego_leave, its, since, now_s, priority):
    """RSS's answer of the other one at a crossing: it may do as it likes until its response time is over, then it brakes."""
    verdict = crossing_safety(
        enter, leave, speed, its, priority, ego_enter, ego_leave, state.speed_mps, ENFORCED.ego, not priority, 0.0
    )  # fmt: skip
    since = min(since, now_s) if verdict == Crossing.DANGEROUS else math.inf
    brakes = since <= now_s - its.response_s + STEP_S + 1e-6 and enter > 0.0
    return (min(wanted, -its.braking_min_mps2) if brakes else wanted), since


def nobody_meets_at_the_crossing(ego_yields, ego_mps, other_mps, ego_away, its_away, planner, other):
    road = crossroads(ego_yields=ego_yields)
    guard = Guard(road, lane_of(road, "west"), (Rule.CROSSING,))
    m, across = road.arrays, lane_of(road, "across")
    conflict = m.conflicts[m.lanes["conflict_first"][across]]
    its = ENFORCED.other
    zone, its_zone = 90.0 + conflict["enter_s"], 10.0 - conflict["other_enter_s"]
    state = VehicleState(zone - 0.5 * BMW_320I.length_m - ego_away, 0.0, 0.0, ego_mps, 0.0, 0.0)
    way, speed, since = its_zone + 0.5 * LENGTH + its_away, other_mps, math.inf  # m that its centre has to y = 0
    ego_stops = answering_distance(ego_mps, ENFORCED.ego.braking_min_mps2, ENFORCED.ego) <= ego_away
    it_stops = answering_distance(other_mps, its.braking_min_mps2, its) <= its_away
    if not (ego_stops and it_stops):
        return
    for k in range(100):
        guard.lane = lane_of(road, "west" if state.x_m < 90.0 else "across" if state.x_m < 110.0 else "east")
        enter, leave = zone - state.x_m - 0.5 * BMW_320I.length_m, 90.0 + conflict["leave_s"] - state.x_m + 0.5 * BMW_320I.length_m
        its_enter = way - its_zone - 0.5 * LENGTH
        its_leave = way + conflict["other_leave_s"] - 10.0 + 0.5 * LENGTH
        wanted = Command(planner[k // 5], 0.0, 1.0)
        given = guard.answer(state, wanted, (100.0, way, -0.5 * math.pi, speed))
        assert given.acceleration_mps2 <= wanted.acceleration_mps2
        asked, since = its_answer(other[k // 5], state, its_enter, its_leave, speed, enter, leave, its, since, 0.1 * k, ego_yields)
        state = VehicleState(*step(state, given, STEP_S, BMW_320I))
        there, speed = rolled(-way, speed, min(asked, its.acceleration_max_mps2))
        way = -there
        assert not touch(state, 100.0, way, -0.5 * math.pi)
        if state.x_m > 130.0 or way < -60.0:
            break


crossing = given(
    st.booleans(), st.floats(0.0, 15.0), st.floats(0.0, 15.0), st.floats(0.5, 45.0), st.floats(0.5, 90.0),
    whims(-2.0, 3.0), whims(-4.0, 3.0),
)  # fmt: skip


@quick
@crossing
def test_at_a_crossing_two_who_answer_do_not_meet(ego_yields, ego_mps, other_mps, ego_away, its_away, planner, other):
    nobody_meets_at_the_crossing(ego_yields, ego_mps, other_mps, ego_away, its_away, planner, other)


@pytest.mark.slow
@long
@crossing
def test_at_a_crossing_two_who_answer_do_not_meet_600_times(ego_yields, ego_mps, other_mps, ego_away, its_away, planner, other):
    nobody_meets_at_the_crossing(ego_yields, ego_mps, other_mps, ego_away, its_away, planner, other)


@quick
@given(
    st.floats(0.0, 20.0), st.floats(-0.2, 0.2), st.floats(-8.0, 3.5), st.floats(-0.4, 0.4),
    st.lists(st.tuples(st.floats(20.0, 120.0), st.floats(-1.0, 5.0), st.floats(-0.2, 0.2), st.floats(0.0, 20.0)), max_size=4),
)  # fmt: skip
def test_it_takes_acceleration_away_and_adds_none_and_turns_the_car_no_further_from_its_path(speed, turn, acceleration, rate, others):
    guard = Guard(TWO_LANES, lane_of(TWO_LANES, "right"), tuple(Rule)[:4])
    wanted = Command(acceleration, rate, 1.0)
    for _ in range(4):
        state = VehicleState(60.0, 0.0, turn, speed, 0.0, 0.0)
        left = guard.answer(state, wanted, *others)
        assert left.acceleration_mps2 <= wanted.acceleration_mps2
        assert speed + left.acceleration_mps2 * STEP_S >= min(0.0, speed + acceleration * STEP_S) - 1e-9
        if left.steering_rate_radps != rate:  # towards the path's own direction, and no further than that
            after = step(state, left, STEP_S, BMW_320I)
            assert abs(after.heading_rad) <= max(abs(turn), abs(step(state, wanted, STEP_S, BMW_320I).heading_rad)) + 1e-6


def test_beside_a_car_the_change_to_its_lane_is_not_begun():
    guard = Guard(TWO_LANES, lane_of(TWO_LANES, "right"))
    state, wanted = VehicleState(60.0, 0.0, 0.0, 15.0, 0.0, 0.0), Command(0.0, 0.1, 1.0)
    for k in range(30):
        given = guard.answer(state, wanted, (58.0 + 1.5 * k, 3.5, 0.0, 15.0))
        state = VehicleState(*step(state, given, STEP_S, BMW_320I))
        wanted = Command(0.0, (0.02 - state.steering_rad) / STEP_S, 1.0)
    assert not touch(state, 58.0 + 1.5 * 29, 3.5, 0.0)
    assert {one.rule for one in told(guard.log).interventions} == {"beside"}


def test_who_cuts_in_is_not_answered_by_braking_but_one_who_was_ahead_is():
    """RSS, definition 10: the answer is owed in the direction that became unsafe last."""
    state, wanted = VehicleState(60.0, 0.0, 0.0, 15.0, 0.0, 0.0), Command(0.0, 0.0, 1.0)
    cut_in, braking = Guard(TWO_LANES, lane_of(TWO_LANES, "right")), Guard(TWO_LANES, lane_of(TWO_LANES, "right"))
    for k in range(10):
        beside = cut_in.answer(state, wanted, (68.0, max(0.0, 3.5 - 0.4 * k), -0.1 if k > 0 else 0.0, 15.0))
        behind = braking.answer(state, wanted, (80.0 - 1.4 * k, 0.0, 0.0, 15.0))
    assert beside.acceleration_mps2 == 0.0
    assert behind.acceleration_mps2 < -4.0


def test_whoever_follows_the_same_bend_on_its_own_side_is_no_oncoming_one_either():
    road = bend()
    guard, state = Guard(road, lane_of(road, "in")), VehicleState(70.0, 0.0, 0.0, 4.0, 0.0, 0.0)
    for k in range(15):  # round (80, 12), inside of the bend, against our way
        angle = -0.05 * k
        x, y = 80.0 + 8.7 * math.cos(angle), 12.0 + 8.7 * math.sin(angle)
        assert guard.answer(state, Command(0.0, 0.0, 1.0), (x, y, angle - 0.5 * math.pi, 4.35)) == Command(0.0, 0.0, 1.0)


@pytest.mark.parametrize("speed", [4.0, 8.0, 12.0])
def test_whoever_drives_straight_on_past_a_bend_of_the_cars_way_is_no_oncoming_one(speed):
    road = bend()
    guard, state = Guard(road, lane_of(road, "in")), VehicleState(62.0, 0.0, 0.0, 4.0, 0.0, 0.0)
    for k in range(30):  # it comes from beyond the bend, on its own side all the way
        wanted = Command(0.0, 0.0, 1.0)
        assert guard.answer(state, wanted, (90.0 - 0.1 * k * speed, -3.3, math.pi, speed)) == wanted


def test_one_who_comes_towards_the_car_on_its_own_side_is_passed_and_in_ours_is_braked_for():
    state, wanted = VehicleState(60.0, 0.0, 0.0, 12.0, 0.0, 0.0), Command(0.5, 0.0, 1.0)
    for y, brakes in ((3.5, False), (0.5, True)):
        guard = Guard(TWO_WAY, lane_of(TWO_WAY, "ours"))
        for k in range(8):
            given = guard.answer(state, wanted, (110.0 - 1.2 * k, y, math.pi, 12.0))
        assert (given.acceleration_mps2 < -2.0) == brakes


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 3), st.floats(0.05, 3.0)), max_size=200))
@settings(deadline=None)
def test_the_log_counts_every_intervention_and_keeps_the_first_of_them(done):
    log, now_s, count = no_interventions(), 0.0, 0
    last = {}
    for rule, subject, pause in done:
        now_s += pause
        count += now_s - last.get((rule, subject), -math.inf) >= 1.0
        note(log, now_s, rule, subject, 0.0, 0.0, 1.0, -pause)
        last[rule, subject] = now_s
    logged = told(log)
    assert len(logged.interventions) == min(KEPT, logged.count)
    assert logged.count >= count
    assert all(one.since_s <= one.until_s for one in logged.interventions)


def test_the_pilot_says_whom_it_kept_its_distance_from():
    """Somebody comes to a halt at once, as nobody who brakes can: the plan did not reckon with it."""

    def ahead(t):
        return ((4, Kind.CAR, 55.0 + min(t, 3.0) * 13.0, 0.0, 0.0, 13.0 if t < 3.0 else 0.0, 4.5, 1.8),)

    pilot, _, _ = drive(TWO_WAY, to_lane(TWO_WAY, "ours"), VehicleState(35.0, 0.0, 0.0, 13.0, 0.0, 0.0), 6.0, ahead)
    seen = pilot.guard_log().interventions
    assert seen
    assert {one.subject for one in seen} == {4}
    assert all(one.given_mps2 < one.planned_mps2 for one in seen if one.rule == "following")
