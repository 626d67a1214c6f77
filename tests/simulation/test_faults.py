"""Faults: nothing before their onset, exactly their own effect behind it; and road users that react to a car that stops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marque.driving.map.query import signal_colours
from marque.driving.observation import Conditions, Health
from marque.driving.tracks import NO_ID, no_tracks
from marque.simulation import campaign
from marque.simulation.campaign import CELLS, Outcome, drive_cell
from marque.simulation.faults import FAULTS, TOLERABLE, Fault, FaultKind, wrong_map
from marque.simulation.injection import Injection
from marque.simulation.library import junctions, motorways, streets
from marque.simulation.library.actors import CAR, STEP_S, drive
from marque.simulation.reactive import Crowd
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I, PRODUCTION, Command, VehicleState, boxes_overlap, resting
from marque.vehicle import drive as move
from marque.vehicle.sensors import THREE_LIDARS, Sensing

STATE = VehicleState(30.0, 0.0, 0.0, 12.0, 0.02, 0.0)


@pytest.fixture(scope="module")
def scene():
    return motorways.follow(limit_mps=22.2, gap_m=35.0, slow_mps=8.0, braking_mps2=3.5)


@pytest.fixture(scope="module")
def road_map(scene):
    return campaign._read(scene)[0].road_map


def injected(road_map, *faults, conditions=None, perfect=True):
    sensors = Sensors(THREE_LIDARS, seed=1, conditions=conditions, road_map=road_map)
    return Injection(faults, sensors, PRODUCTION, heading_rad=0.0, perfect=perfect)


def world(scene, road_map, time_s=0.0):
    signals = np.zeros(len(road_map.signal_ids), np.uint8)
    signal_colours(road_map.arrays, time_s, signals)
    return Crowd(scene.actors, seed=1).observation(signals)._replace(time_s=time_s)


def same(told, truth):
    names = ("ids", "kinds", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m", "signals")
    return all(np.array_equal(getattr(told, name), getattr(truth, name)) for name in names)


@pytest.mark.parametrize("kind", FaultKind)
def test_before_its_onset_a_fault_changes_nothing_that_sensors_tell(kind, scene, road_map):
    broken, whole = (injected(road_map, *faults, perfect=False) for faults in ((FAULTS[kind]._replace(onset_s=4.0),), ()))
    truth = world(scene, road_map, 3.0)
    (told, believed), (usual, place) = broken.sense(truth, STATE), whole.sense(truth, STATE)
    assert told.detections.tobytes() == usual.detections.tobytes()
    assert np.array_equal(told.free_m, usual.free_m)
    assert (believed, told.markings_m, told.health) == (place, usual.markings_m, usual.health)


@pytest.mark.parametrize("kind", FaultKind)
def test_before_its_onset_a_fault_changes_nothing(kind, scene, road_map):
    injection = injected(road_map, FAULTS[kind]._replace(onset_s=4.0))
    for time_s in (0.0, 1.5, 3.9):
        truth = world(scene, road_map, time_s)
        told, believed = injection.sense(truth, STATE)
        assert same(told, truth)
        assert believed == STATE
        assert (told.health, told.conditions, told.working.all()) == (Health(), Conditions(), True)
        assert injection.actuators_at(time_s) == PRODUCTION
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


def sensed(scene, road_map, kind, time_s=6.0, before_s=3.0):
    """Detections before and after the onset of a fault, through the sensors."""
    injection = injected(road_map, FAULTS[kind]._replace(onset_s=4.0), perfect=False)
    told = {}
    for t in np.arange(0.0, time_s + 0.05, STEP_S):
        told[round(float(t), 1)] = injection.sense(world(scene, road_map, float(t)), STATE)[0]
    return told[before_s], told[time_s - STEP_S], told[time_s]


def of(told, sensor):
    return told.detections[told.detections["sensor"] == sensor]


def test_a_frozen_sensor_tells_its_last_scan_as_if_it_were_new_and_sees_no_free_road(scene, road_map):
    before, last, now = sensed(scene, road_map, FaultKind.SENSOR_FROZEN)
    frozen = int(FAULTS[FaultKind.SENSOR_FROZEN].magnitude)
    assert np.array_equal(of(last, frozen)["x"], of(now, frozen)["x"])
    assert len(of(now, frozen)) > 0
    assert of(now, frozen)["time"] == pytest.approx(6.0 - THREE_LIDARS["latency"][frozen])
    assert not np.array_equal(of(last, 1)["x"], of(now, 1)["x"])
    assert now.free_m[0].sum() < before.free_m[0].sum()


def test_a_late_sensor_says_when_it_measured(scene, road_map):
    _, _, now = sensed(scene, road_map, FaultKind.SENSOR_LATE)
    late = FAULTS[FaultKind.SENSOR_LATE].magnitude
    lidars = now.detections[THREE_LIDARS["kind"][now.detections["sensor"]] == Sensing.LIDAR]
    assert lidars["time"] == pytest.approx(6.0 - late - THREE_LIDARS["latency"][0])


def test_a_radar_of_ghosts_reports_many_more_things(scene, road_map):
    injection = injected(road_map, FAULTS[FaultKind.GHOSTS]._replace(onset_s=10.0), perfect=False)
    radar = int(np.flatnonzero(THREE_LIDARS["kind"] == Sensing.RADAR)[0])
    counts = np.array([len(of(injection.sense(world(scene, road_map, k * STEP_S), STATE)[0], radar)) for k in range(200)])
    assert counts[101:].sum() > counts[:99].sum() + 15


def test_a_misaligned_radar_sees_everything_turned(scene, road_map):
    usual = injected(road_map, perfect=False).sense(world(scene, road_map, 6.0), STATE)[0]
    turned = injected(road_map, FAULTS[FaultKind.MISALIGNED], perfect=False).sense(world(scene, road_map, 6.0), STATE)[0]
    radar = int(np.flatnonzero(THREE_LIDARS["kind"] == Sensing.RADAR)[0])
    x, y = (of(told, radar)["x"] - THREE_LIDARS["x"][radar] for told in (usual, turned)), (of(told, radar)["y"] for told in (usual, turned))
    angles = [np.arctan2(b, a) for a, b in zip(x, y, strict=True)]
    assert angles[1] - angles[0] == pytest.approx(FAULTS[FaultKind.MISALIGNED].magnitude)


def test_numbers_of_who_is_known_change_in_every_cycle(road_map):
    injection, tracks = injected(road_map, FAULTS[FaultKind.TRACKER_IDS]), no_tracks()
    tracks["id"][:2] = 1, 2
    injection.renumber(tracks, 1.0)
    assert tracks["id"][:2].tolist() == [1, 2]
    numbers = {tuple(tracks["id"][:2].tolist()) for _ in range(3) if injection.renumber(tracks, 6.0) is None}
    assert len(numbers) == 3
    assert np.all(tracks["id"][2:] == NO_ID)


def test_actuators_have_left_what_the_fault_leaves_and_the_diagnosis_says_so_a_moment_later(scene, road_map):
    def left(kind, time_s=6.0):
        return injected(road_map, FAULTS[kind]._replace(onset_s=4.0)).actuators_at(time_s)

    assert left(FaultKind.BRAKES).brake == PRODUCTION.brake._replace(left=0.5)
    assert left(FaultKind.DRIVE).drive.left == 0.0
    assert left(FaultKind.STEERING_SLOW).steering.left == 0.25
    assert left(FaultKind.STEERING_FROZEN).steering.left == 0.0
    assert [one.delay_s for one in left(FaultKind.DELAY)[:3]] == pytest.approx([one.delay_s + 0.3 for one in PRODUCTION[:3]])
    for kind, name in ((FaultKind.BRAKES, "braking"), (FaultKind.DRIVE, "drive"), (FaultKind.STEERING_SLOW, "steering")):
        assert getattr(told_at(scene, road_map, kind, 4.1)[0].health, name) == 1.0
        assert getattr(told_at(scene, road_map, kind, 4.5)[0].health, name) == FAULTS[kind].magnitude


def test_a_command_that_is_held_up_turns_the_wheel_once(road_map):
    def wheel(*faults):
        injection, held, state = injected(road_map, *faults), resting(STEP_S), STATE._replace(steering_rad=0.0)
        for k in range(60):
            command = Command(0.0, 0.2 if 38 <= k <= 40 else 0.0, 1.0)
            after, held = move(state, held, command, STEP_S, BMW_320I, injection.actuators_at(k * STEP_S))
            state = VehicleState(*after)
        return state.steering_rad

    assert wheel(FAULTS[FaultKind.DELAY]._replace(onset_s=4.05)) == pytest.approx(wheel(), abs=0.02)


def test_ice_that_nobody_sees_takes_the_grip_but_not_the_conditions(scene, road_map):
    injection = injected(road_map, FAULTS[FaultKind.GRIP_UNSEEN])
    told, _ = injection.sense(world(scene, road_map, 6.0), STATE)
    assert told.conditions.grip == 1.0
    assert injection.actuators_at(6.0).grip == FAULTS[FaultKind.GRIP_UNSEEN].magnitude


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
