"""Faults: nothing before their onset, exactly their own effect behind it; and road users that react to a car that stops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marque.driving.map.query import signal_colours
from marque.driving.observation import Conditions, Health
from marque.simulation import campaign
from marque.simulation.campaign import CELLS, Outcome, drive_cell
from marque.simulation.faults import FAULTS, TOLERABLE, Fault, FaultKind, wrong_map
from marque.simulation.injection import Injection
from marque.simulation.library import junctions, motorways, streets
from marque.simulation.library.actors import CAR, STEP_S, drive
from marque.simulation.reactive import Crowd
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I, Command, VehicleState, boxes_overlap
from marque.vehicle.sensors import THREE_LIDARS, Sensing

STATE = VehicleState(30.0, 0.0, 0.0, 12.0, 0.02, 0.0)
COMMAND = Command(-6.0, 0.3, 1.0)


@pytest.fixture(scope="module")
def scene():
    return motorways.follow(limit_mps=22.2, gap_m=35.0, slow_mps=8.0, braking_mps2=3.5)


@pytest.fixture(scope="module")
def road_map(scene):
    return campaign._read(scene)[0].road_map


def injected(road_map, *faults, conditions=None):
    sensors = Sensors(THREE_LIDARS, seed=1, conditions=conditions)
    return Injection(faults, sensors, road_map, BMW_320I, STEP_S, heading_rad=0.0, seed=1, perfect=True)


def world(scene, road_map, time_s=0.0):
    signals = np.zeros(len(road_map.signal_ids), np.uint8)
    signal_colours(road_map.arrays, time_s, signals)
    return Crowd(scene.actors, seed=1).observation(signals)._replace(time_s=time_s)


def same(told, truth):
    names = ("ids", "kinds", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m", "signals")
    return all(np.array_equal(getattr(told, name), getattr(truth, name)) for name in names)


@pytest.mark.parametrize("kind", FaultKind)
def test_before_its_onset_a_fault_changes_nothing(kind, scene, road_map):
    injection = injected(road_map, FAULTS[kind]._replace(onset_s=4.0))
    for time_s in (0.0, 1.5, 3.9):
        truth = world(scene, road_map, time_s)
        told, believed = injection.sense(truth, STATE)
        assert same(told, truth)
        assert believed == STATE
        assert (told.health, told.conditions, told.working.all()) == (Health(), Conditions(), True)
        assert injection.actuate(COMMAND, STATE, time_s) == pytest.approx(COMMAND)
        assert injection.vehicle_at(time_s) == BMW_320I
        assert not injection.is_late(time_s)


def told_at(scene, road_map, kind, time_s=6.0, **conditions):
    injection = injected(road_map, FAULTS[kind]._replace(onset_s=4.0), **conditions)
    for t in np.arange(0.0, time_s + 0.05, STEP_S):
        told, believed = injection.sense(world(scene, road_map, float(t)), STATE)
    return told, believed


def test_lost_sensors_report_nothing_and_who_only_they_saw_is_not_seen(scene, road_map):
    for kind, sensing in ((FaultKind.CAMERAS, Sensing.CAMERA), (FaultKind.LIDARS, Sensing.LIDAR), (FaultKind.RADARS, Sensing.RADAR)):
        told, _ = told_at(scene, road_map, kind)
        assert np.array_equal(told.working == 0, THREE_LIDARS["kind"] == sensing)
        assert len(told.ids) == 1
        assert told.markings_m == pytest.approx((1.875, 1.875), abs=0.2)
    told, _ = told_at(scene, road_map, FaultKind.BLIND)
    assert len(told.ids) == 0
    assert math.isnan(told.markings_m[0])


def test_dirt_halves_the_sight_of_all_but_radars_and_goes_when_it_is_gone(scene, road_map):
    injection = injected(road_map, FAULTS[FaultKind.DEGRADED]._replace(onset_s=4.0, duration_s=2.0))
    for time_s, share in ((3.0, 1.0), (4.5, 0.5), (5.5, 0.5), (7.0, 1.0)):
        injection.sense(world(scene, road_map, time_s), STATE)
        radar = THREE_LIDARS["kind"] == Sensing.RADAR
        assert injection.sensors.suite["range"] == pytest.approx(THREE_LIDARS["range"] * np.where(radar, 1.0, share))


def test_a_leap_of_the_place_leaves_everybody_where_he_is_as_seen_from_the_car(scene, road_map):
    truth = world(scene, road_map, 6.0)
    told, believed = told_at(scene, road_map, FaultKind.PLACE_JUMP)
    assert (believed.x_m - STATE.x_m, believed.y_m - STATE.y_m) == (3.0, 3.0)
    assert told.x_m - believed.x_m == pytest.approx(truth.x_m - STATE.x_m)
    assert told.markings_m == pytest.approx((1.875, 1.875), abs=0.2)


def test_actuators_do_what_is_left_to_them_and_the_diagnosis_says_so_a_moment_later(scene, road_map):
    def act(kind, command, time_s=6.0):
        return injected(road_map, FAULTS[kind]._replace(onset_s=4.0)).actuate(command, STATE, time_s)

    assert act(FaultKind.BRAKES, Command(-9.0, 0.0)).acceleration_mps2 == -0.5 * BMW_320I.braking_max_mps2
    assert act(FaultKind.BRAKES, Command(-2.0, 0.0)).acceleration_mps2 == -2.0
    assert act(FaultKind.DRIVE, Command(2.0, 0.0)).acceleration_mps2 < 0.0
    assert act(FaultKind.STEERING_SLOW, Command(0.0, 0.4)).steering_rate_radps == pytest.approx(0.1)
    assert act(FaultKind.STEERING_FROZEN, Command(0.0, -0.4)).steering_rate_radps == 0.0
    for kind, name in ((FaultKind.BRAKES, "braking"), (FaultKind.DRIVE, "drive"), (FaultKind.STEERING_SLOW, "steering")):
        assert getattr(told_at(scene, road_map, kind, 4.1)[0].health, name) == 1.0
        assert getattr(told_at(scene, road_map, kind, 4.5)[0].health, name) == FAULTS[kind].magnitude


def test_a_delayed_actuator_does_later_what_it_was_asked_earlier(road_map):
    injection = injected(road_map, Fault(FaultKind.DELAY, 0.3, 0.0))
    got = [injection.actuate(Command(float(k), 0.0), STATE, k * STEP_S).acceleration_mps2 for k in range(8)]
    assert got == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]


def test_ice_that_nobody_sees_takes_the_grip_but_not_the_conditions(scene, road_map):
    injection = injected(road_map, FAULTS[FaultKind.GRIP_UNSEEN])
    told, _ = injection.sense(world(scene, road_map, 6.0), STATE)
    assert told.conditions.grip == 1.0
    assert injection.vehicle_at(6.0).braking_max_mps2 == pytest.approx(0.4 * BMW_320I.braking_max_mps2)


def test_weather_comes_gradually_and_is_seen(scene, road_map):
    sight = [told_at(scene, road_map, FaultKind.FOG, t)[0].conditions.visibility_m for t in (3.0, 5.0, 9.0, 20.0)]
    assert sight == sorted(sight, reverse=True)
    assert sight[-1] == FAULTS[FaultKind.FOG].magnitude
    night = told_at(scene, road_map, FaultKind.NIGHT, 20.0, conditions=Conditions(light_lux=0.5))[0]
    assert night.conditions.light_lux == pytest.approx(0.5)  # it does not get lighter


def test_a_light_that_is_stuck_stays_red_and_one_that_is_not_read_counts_as_red():
    scene = junctions.light(limit_mps=13.9, red_s=8.0, amber_first=False, crossing_m=())
    road_map = campaign._read(scene)[0].road_map
    start = VehicleState(*scene.start, 12.0, 0.0, 0.0)
    truth = world(scene, road_map, 20.0)
    injection = injected(road_map, Fault(FaultKind.LIGHT_STUCK, 1.0, 4.0))
    first, _ = injection.sense(world(scene, road_map, 4.0), start)
    later, _ = injection.sense(truth, start)
    assert 1 in first.signals
    assert np.all(later.signals[first.signals == 1] == 1)
    assert not np.array_equal(later.signals, truth.signals)
    unread, _ = injected(road_map, FAULTS[FaultKind.LIGHT_UNREAD]).sense(truth, start)
    assert set(unread.signals.tolist()) == {1}


def test_a_wrong_map_is_shifted_ahead_of_the_start_or_ends_there_and_the_road_itself_stays(scene):
    start, path = scene.start, scene.road.lanelets["0"].path.copy()
    shifted = wrong_map(scene.road, (FAULTS[FaultKind.MAP_SHIFTED],), start, 20.0).lanelets["0"].path
    assert np.array_equal(scene.road.lanelets["0"].path, path)
    beside = shifted[:, 1] - path[:, 1]
    assert beside.min() == 0.0
    assert beside.max() == pytest.approx(0.9)
    cut = wrong_map(scene.road, (FAULTS[FaultKind.MAP_LANE],), start, 20.0).lanelets["0"].path
    assert start[0] + 75.0 < cut[-1, 0] < start[0] + 85.0
    assert wrong_map(scene.road, (FAULTS[FaultKind.BRAKES],), start, 20.0) is scene.road


@pytest.mark.parametrize("seed", range(4))
def test_whoever_follows_a_car_that_stops_hard_stops_behind_it(seed):
    road = streets.follow(limit_mps=13.9, gap_m=25.0, stops=False, bend_rad=0.0).road
    crowd = Crowd([drive(CAR, road.way("ahead"), 10.0, [(0.0, 13.9)])], seed=seed)
    x, speed = 40.0, 13.9
    for _ in range(150):
        crowd.step(VehicleState(x, -1.75, 0.0, speed, 0.0, 0.0), BMW_320I)
        x, speed = x + speed * STEP_S, max(0.0, speed - 7.0 * STEP_S)
        (ox, oy, heading), length, width = crowd.poses()[0], *crowd.sizes()
        assert not boxes_overlap(x, -1.75, 0.0, BMW_320I.length_m, BMW_320I.width_m, ox, oy, heading, length[0], width[0])
    assert crowd.speed_mps[0] < 0.1


def test_whoever_has_a_free_way_drives_as_scripted(scene):
    crowd = Crowd(scene.actors, seed=0)
    far = VehicleState(-500.0, 300.0, 0.0, 0.0, 0.0, 0.0)
    for _ in range(100):
        crowd.step(far, BMW_320I)
    path = scene.actors[0].poses[:, 0]
    assert crowd.poses()[0, 0] - crowd.log().x_m[0, 0] == pytest.approx(path[100] - path[0], rel=0.07)


def cell(word):
    return next(one for one in CELLS if word in one.name)


def test_the_campaign_covers_what_it_is_asked_to():
    assert len(FAULTS) >= 12
    assert len(CELLS) >= 20
    assert set(FAULTS) == set(FaultKind)
    assert set(FaultKind) > TOLERABLE
    assert len({one.name for one in CELLS}) == len(CELLS)


def test_a_drive_is_the_same_every_time_and_another_seed_is_another_drive():
    first, again, other = (drive_cell(cell("street, car ahead stops"), (FAULTS[FaultKind.BRAKES],), seed) for seed in (1, 1, 2))
    assert first == again
    assert first.outcome == Outcome.CONDITION
    assert (other.driven_s, other.braking_max_mps2) != (first.driven_s, first.braking_max_mps2)


def test_a_car_that_would_drive_on_with_half_its_brakes_fails(monkeypatch):
    monkeypatch.setattr("marque.driving.minimal_risk._WEAK", 0.1)
    assert drive_cell(cell("street, mist"), (FAULTS[FaultKind.BRAKES],), 1).outcome == Outcome.FAILED


@pytest.mark.slow
@pytest.mark.parametrize("kind", FaultKind)
@pytest.mark.parametrize("one", CELLS[::5], ids=lambda one: one.name)
def test_every_fault_ends_safely(one, kind):
    finding = drive_cell(one, (FAULTS[kind],), 3)
    assert finding.safe, finding.why
