"""Minimal risk manoeuvres: which one is called for, and how the car carries it out on the road."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import crossroads, lane, observation, straight, to_lane, two_lanes

from marque.driving.localise import Trust
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.minimal_risk import Fallback, Manoeuvre, Mode, choose, straight_braking
from marque.driving.observation import Conditions, Health, Kind
from marque.driving.odd import CITY_AND_MOTORWAY, Attribute, Border, Monitor, Odd, Status
from marque.driving.pilot import Pilot
from marque.driving.view import Reason
from marque.vehicle import BMW_320I, VehicleState, boxes_overlap, step
from marque.vehicle.sensors import THREE_LIDARS, Sensing

STEP_S = 0.1
INSIDE, SEES = Border(Status.INSIDE), (3, 3, 3, 3)
WELL = Health()
FOG = Border(Status.OUTSIDE, Attribute.VISIBILITY, 40.0, 80.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("border", "covered", "trust", "health", "late", "manoeuvre", "reason"),
    [
        (INSIDE, SEES, Trust.FULL, WELL, False, Manoeuvre.NONE, Reason.CRUISE),
        (FOG, SEES, Trust.FULL, WELL, False, Manoeuvre.PULL_OVER, Reason.LEAVES_ODD),
        (INSIDE, (0, 3, 3, 3), Trust.FULL, WELL, False, Manoeuvre.IMMEDIATE, Reason.SENSORS_LOST),
        (INSIDE, (1, 3, 3, 3), Trust.FULL, WELL, False, Manoeuvre.IN_LANE, Reason.SENSORS_LOST),
        (INSIDE, SEES, Trust.PLACE, WELL, False, Manoeuvre.IN_LANE, Reason.LOCALISATION_LOST),
        (INSIDE, SEES, Trust.SPEED, WELL, False, Manoeuvre.PULL_OVER, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(braking=0.5), False, Manoeuvre.PULL_OVER, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(drive=0.0), False, Manoeuvre.PULL_OVER, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(steering=0.3), False, Manoeuvre.IN_LANE, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(steering=0.0), False, Manoeuvre.STRAIGHT, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(delay_s=0.3), False, Manoeuvre.IN_LANE, Reason.VEHICLE_FAULT),
        (INSIDE, SEES, Trust.FULL, Health(perception=0.0), False, Manoeuvre.IMMEDIATE, Reason.SENSORS_LOST),
        (INSIDE, SEES, Trust.FULL, WELL, True, Manoeuvre.PULL_OVER, Reason.COMPUTE_LATE),
        (FOG, (2, 0, 2, 2), Trust.FULL, WELL, False, Manoeuvre.IN_LANE, Reason.LEAVES_ODD),
    ],
)
def test_the_manoeuvre_fits_what_still_works(border, covered, trust, health, late, manoeuvre, reason):
    assert choose(border, covered, trust, health, late) == (manoeuvre, reason)


shares = st.sampled_from([0.0, 0.3, 1.0])
healths = st.builds(Health, shares, shares, shares, shares, st.sampled_from([0.0, 0.3]))
states = st.tuples(st.sampled_from([INSIDE, FOG]), st.tuples(*[st.integers(0, 3)] * 4), st.sampled_from(Trust), healths, st.booleans())


@given(states)
def test_one_more_fault_never_calls_for_less(state):
    border, covered, trust, health, late = state
    now = choose(*state).manoeuvre
    worse = [
        (FOG, covered, trust, health, late),
        (border, (0, *covered[1:]), trust, health, late),
        (border, covered, Trust.PLACE, health, late),
        (border, covered, trust, health._replace(steering=0.0), late),
        (border, covered, trust, health, True),
    ]
    assert all(choose(*one).manoeuvre >= now for one in worse)


def test_stuck_wheels_that_lead_out_of_the_lane_need_all_the_brakes():
    wide, narrow = (4.0, 1.1), (4.0, 0.6)
    assert straight_braking(15.0, 0.0, 0.0, 0.0, wide, 3.7, 11.0) == 4.0
    assert straight_braking(15.0, 0.0, 0.1, 0.0, wide, 3.7, 11.0) == 11.0
    assert straight_braking(15.0, 0.0, 0.0, 0.01, wide, 3.7, 11.0) == 11.0
    assert straight_braking(3.0, 0.0, 0.1, 0.01, wide, 3.7, 11.0) == 4.0
    assert straight_braking(8.0, 0.0, -0.05, 0.0, wide, 3.7, 11.0) == 4.0
    assert straight_braking(8.0, 0.0, -0.05, 0.0, narrow, 3.7, 11.0) == 11.0
    assert straight_braking(5.0, 0.0, -0.1, 0.0, wide, 3.7, 11.0) == 4.0
    assert straight_braking(5.0, 0.0, -0.1, 0.0, wide, 6.0, 11.0) == 11.0  # its nose would reach over the edge


class Drive:
    """A pilot in a closed loop on a hand-laid road, with whatever a test says of its health and sensors."""

    def __init__(self, road_map, target, state, odd=CITY_AND_MOTORWAY):
        self.map, self.state = road_map, state
        self.pilot = Pilot(road_map, suite=THREE_LIDARS, odd=odd)
        self.pilot.begin(to_lane(road_map, target))
        self.time_s, self.states = 0.0, [state]

    def run(self, seconds, *others, health=WELL, conditions=Conditions(), working=None, late=False, braking_mps2=math.inf):  # noqa: B008
        for _ in range(round(seconds / STEP_S)):
            there = [(k + 1, Kind.CAR, *other(self.time_s)) for k, other in enumerate(others)]
            seen = observation(self.time_s, self.map, *there)
            working_now = np.ones(len(THREE_LIDARS), np.uint8) if working is None else working
            seen = seen._replace(health=health, conditions=conditions, working=working_now)
            command = self.pilot.late(self.state, seen) if late else self.pilot.cycle(self.state, seen)
            command = command._replace(acceleration_mps2=max(command.acceleration_mps2, -braking_mps2))
            self.state = VehicleState(*step(self.state, command, STEP_S, BMW_320I))
            self.states.append(self.state)
            self.time_s += STEP_S
            for _, _, x, y, heading, _, length, width in there:
                size = BMW_320I.length_m, BMW_320I.width_m
                assert not boxes_overlap(self.state.x_m, self.state.y_m, self.state.heading_rad, *size, x, y, heading, length, width)
        return self

    @property
    def mode(self):
        return self.pilot.fallback.mode

    def hardest(self):
        speeds = np.array([state.speed_mps for state in self.states])
        return -np.diff(speeds).min() / STEP_S


def on_the_left_lane(speed=13.0):
    return Drive(two_lanes(), "left", VehicleState(20.0, 3.5, 0.0, speed, 0.0, 0.0)).run(1.0)


def test_it_pulls_over_to_the_edge_of_the_rightmost_lane_and_stays_with_hazard_lights_on():
    drive = on_the_left_lane().run(30.0, health=Health(braking=0.5))
    assert drive.mode == Mode.CONDITION
    assert drive.pilot.view().hazards
    assert drive.pilot.reason() == Reason.VEHICLE_FAULT
    assert drive.state.speed_mps == 0.0
    assert -1.75 < drive.state.y_m - 0.5 * BMW_320I.width_m < -1.2
    assert drive.hardest() < 2.6


def test_it_does_not_pull_over_into_somebody_beside_it():
    def beside(t):
        return 20.0 + 13.0 * t, 0.0, 0.0, 13.0, 4.5, 1.8

    assert on_the_left_lane().run(25.0, beside, health=Health(drive=0.5)).mode == Mode.CONDITION


def test_whose_sensors_do_not_see_beside_it_stops_in_its_lane_with_at_most_4_mps2():
    ahead = np.isin(np.arange(len(THREE_LIDARS)), [3, 8]).astype(np.uint8)
    assert THREE_LIDARS["kind"][3] == Sensing.CAMERA
    drive = on_the_left_lane().run(20.0, working=ahead)
    assert drive.mode == Mode.CONDITION
    assert drive.state.y_m == pytest.approx(3.5, abs=0.3)
    assert drive.hardest() <= 4.0


def test_who_sees_nothing_at_all_drives_the_stop_that_was_verified_while_it_saw():
    drive = on_the_left_lane().run(6.0, working=np.zeros(len(THREE_LIDARS), np.uint8))
    assert drive.mode == Mode.CONDITION
    assert drive.hardest() > 5.0


def test_whose_brakes_do_less_than_its_stop_was_planned_with_turns_its_wheels_where_the_line_bends():
    drive = on_the_left_lane()
    drive.pilot._mind.stop.curvature[:] = np.where(np.arange(len(drive.pilot._mind.stop.curvature)) < 20, 0.0, 0.02)
    begin, count = drive.state, len(drive.states)
    drive.run(4.0, working=np.zeros(len(THREE_LIDARS), np.uint8), braking_mps2=3.0)
    turned = next(state for state in drive.states[count:] if state.steering_rad > 0.01)
    assert turned.x_m - begin.x_m == pytest.approx(20.0, abs=2.0)


@given(st.lists(st.floats(0.0, 30.0), min_size=2, max_size=20))
def test_the_place_to_stop_in_the_lane_is_never_farther_than_its_speed_needs(speeds):
    fallback = Fallback(Monitor(CITY_AND_MOTORWAY, two_lanes(), THREE_LIDARS), STEP_S)
    for k, speed in enumerate(speeds):
        ask = fallback.decide(k * STEP_S, INSIDE, Trust.PLACE, WELL, Conditions(), speed, outermost=True)
        assert ask.stop_m <= speed * speed / 5.0 + speed + 4.0 + 1e-9


def test_the_watchdog_stops_a_car_whose_computer_is_silent_and_it_goes_on_when_that_was_a_hiccup():
    silent = on_the_left_lane().run(5.0, late=True)
    assert silent.state.speed_mps == 0.0
    hiccup = on_the_left_lane().run(0.2, late=True).run(8.0)
    assert hiccup.mode == Mode.NOMINAL
    assert hiccup.state.speed_mps > 11.0


def test_what_heals_before_standstill_is_driven_on_and_what_heals_after_it_waits_for_clearance():
    early = on_the_left_lane().run(1.5, health=Health(braking=0.5))
    assert early.mode == Mode.FALLBACK
    early.run(8.0)
    assert early.mode == Mode.NOMINAL
    assert early.state.speed_mps > 11.0
    late = on_the_left_lane().run(30.0, health=Health(braking=0.5)).run(10.0)
    assert late.mode == Mode.CONDITION
    late.pilot.fallback.begin()
    assert late.run(5.0).state.speed_mps > 3.0


def test_a_fault_of_a_moment_in_a_queue_needs_no_clearance():
    def queue(_):
        return 40.0, 0.0, 0.0, 0.0, 4.5, 1.8

    drive = Drive(two_lanes(), "right", VehicleState(33.0, 0.0, 0.0, 0.0, 0.0, 0.0)).run(1.0, queue)
    assert drive.run(0.5, queue, health=Health(braking=0.5)).mode == Mode.FALLBACK
    assert drive.run(4.0, queue).mode == Mode.NOMINAL


@pytest.mark.parametrize("x", [50.0, 60.0, 70.0, 75.0])
def test_it_does_not_come_to_rest_where_others_cross(x):
    drive = Drive(crossroads(ego_yields=False), "east", VehicleState(x, 0.0, 0.0, 10.0, 0.0, 0.0)).run(0.3)
    drive.run(25.0, health=Health(drive=0.9))
    front, rear = drive.state.x_m + 0.5 * BMW_320I.length_m, drive.state.x_m - 0.5 * BMW_320I.length_m
    assert drive.mode == Mode.CONDITION
    assert front < 98.0 or rear > 102.0


def test_it_stops_before_the_road_leaves_its_domain():
    lanes = [lane("town", straight(0, 0, 300, 0), successors=["fast"]), lane("fast", straight(300, 0, 900, 0), limit=33.0)]
    road_map = build_road_map(RoadSpec("town and motorway", "test", lanes))
    drive = Drive(road_map, "fast", VehicleState(20.0, 0.0, 0.0, 13.0, 0.0, 0.0), odd=Odd("town only", speed_limit_mps=20.0)).run(5.0)
    assert drive.mode == Mode.NOMINAL
    drive.run(40.0)
    assert drive.mode == Mode.CONDITION
    assert drive.pilot.reason() == Reason.LEAVES_ODD
    assert 250.0 < drive.state.x_m + 0.5 * BMW_320I.length_m < 300.0
    assert drive.hardest() < 2.6


def test_in_fog_it_drives_only_as_fast_as_it_can_stop_within_sight():
    fog = Conditions(visibility_m=85.0, grip=0.4)
    drive = Drive(two_lanes(), "right", VehicleState(20.0, 0.0, 0.0, 13.0, 0.0, 0.0)).run(20.0, conditions=fog)
    assert drive.mode == Mode.NOMINAL
    assert drive.state.speed_mps**2 / (2.0 * 4.0 * 0.4) < 90.0
    assert math.isclose(drive.state.y_m, 0.0, abs_tol=0.3)
