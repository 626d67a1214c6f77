"""What sensors report: nothing of what is hidden, little of what is far, and of the rest about what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.map import Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.observation import RAYS, Conditions, Kind, Observation
from marque.driving.view import Prediction, Reason, View
from marque.simulation.sensors import Sensors, recognise
from marque.vehicle import VehicleState
from marque.vehicle.sensors import ONE_LIDAR, THREE_LIDARS, Sensing, sensor

HERE = VehicleState(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
CAR, TRUCK, CHILD = (Kind.CAR, 4.5, 1.8), (Kind.TRUCK, 10.0, 2.5), (Kind.PEDESTRIAN, 0.5, 0.5)


def world(*bodies, time_s=0.0):
    """bodies: (kind, length, width), x, y, heading, speed."""
    shapes, x, y, heading, speed = zip(*bodies, strict=True) if bodies else ((), (), (), (), ())
    kinds, lengths, widths = zip(*shapes, strict=True) if shapes else ((), (), ())
    return Observation(
        time_s, np.arange(len(bodies), dtype=np.int32), np.array(kinds, np.uint8), np.array(x, float), np.array(y, float),
        np.array(heading, float), np.array(speed, float), np.array(lengths, float), np.array(widths, float), np.empty(0, np.uint8),
    )  # fmt: skip


def detections(sensors, *bodies, state=HERE, steps=40):
    """All of some steps, everything standing still but for the clock."""
    return np.concatenate([sensors.sense(world(*bodies, time_s=0.1 * k), state)[0].detections for k in range(steps)])


def of(found, x, y, within=3.0):
    return found[np.hypot(found["x"] - x, found["y"] - y) < within]


@pytest.mark.parametrize("suite", [ONE_LIDAR, THREE_LIDARS])
def test_a_car_in_plain_view_is_found_by_several_sensors_about_where_it_is(suite):
    found = of(detections(Sensors(suite), (CAR, 30.0, 1.0, 0.0, 0.0)), 30.0, 1.0)
    assert len(set(found["sensor"])) >= 4
    assert np.abs([found["x"].mean() - 30.0, found["y"].mean() - 1.0]).max() < 0.5


def test_errors_are_as_large_as_the_sensor_says_of_itself():
    suite = sensor(Sensing.LIDAR, (0.0, 0.0, 1.6), 0.0, 360.0, 150.0)
    found = [of(detections(Sensors(suite, seed=seed), (CAR, 40.0, 0.0, 0.0, 0.0), steps=20), 40.0, 0.0) for seed in range(60)]
    found = np.concatenate(found)
    assert np.mean((found["x"] - 40.0) ** 2 / found["var_along"]) == pytest.approx(1.0, abs=0.25)
    assert np.mean(found["y"] ** 2 / found["var_across"]) == pytest.approx(1.0, abs=0.25)
    assert np.mean(found["heading"] ** 2 / found["var_heading"]) == pytest.approx(1.0, abs=0.25)


def test_a_radar_measures_speed_over_ground_along_the_ray_and_no_heading():
    suite = sensor(Sensing.RADAR, (0.0, 0.0, 0.7), 0.0, 60.0, 200.0)
    found = of(detections(Sensors(suite), (CAR, 50.0, 0.0, math.pi, 12.0)), 50.0, 0.0, 5.0)
    assert found["rate"].mean() == pytest.approx(-12.0, abs=0.1)
    assert np.isnan(found["heading"]).all()
    assert (found["kind"] == Kind.UNKNOWN).all()


def test_what_is_reported_is_where_it_was_when_it_was_measured_seen_from_where_the_car_was_then():
    suite = sensor(Sensing.LIDAR, (0.0, 0.0, 1.6), 0.0, 360.0, 150.0)
    found = detections(Sensors(suite), (CAR, 40.0, 0.0, 0.0, 20.0), state=HERE._replace(speed_mps=10.0))
    assert of(found, 40.0, 0.0)["x"].mean() == pytest.approx(40.0 - 0.06 * (20.0 - 10.0), abs=0.1)
    assert (found["time"][0], found["time"][-1]) == pytest.approx((-0.06, 3.84))


@pytest.mark.parametrize("turns_radps", [-0.3, 0.15])
def test_who_stands_is_reported_at_one_place_of_the_world_however_the_car_turns(turns_radps):
    suite = sensor(Sensing.LIDAR, (0.0, 0.0, 1.6), 0.0, 360.0, 150.0)
    sensors, late_s, places = Sensors(suite), 0.06, []
    for k in range(60):
        heading = 0.1 * k * turns_radps
        seen, _ = sensors.sense(world((CAR, 40.0, 5.0, 0.0, 0.0), time_s=0.1 * k), HERE._replace(heading_rad=heading))
        then = heading - late_s * turns_radps if k else heading
        for one in seen.detections[seen.detections["length"] > 3.0]:
            cos, sin = math.cos(then), math.sin(then)
            places.append((one["x"] * cos - one["y"] * sin, one["x"] * sin + one["y"] * cos, one["heading"] + then))
    assert len(places) > 40
    assert np.mean(places, axis=0) == pytest.approx((40.0, 5.0, 0.0), abs=0.12)


def test_a_car_that_was_put_elsewhere_has_not_turned():
    suite = sensor(Sensing.LIDAR, (0.0, 0.0, 1.6), 0.0, 360.0, 150.0)
    sensors = Sensors(suite)
    for k, heading in enumerate((0.0, 0.0, 2.0)):
        seen, _ = sensors.sense(world((CAR, 40.0, 0.0, 0.0, 0.0), time_s=0.1 * k), HERE._replace(heading_rad=heading))
    one = seen.detections[seen.detections["length"] > 3.0][0]
    assert math.atan2(one["y"], one["x"]) == pytest.approx(-2.0, abs=0.02)


def test_nobody_is_found_behind_a_truck_and_everybody_beside_it():
    sensors = Sensors(THREE_LIDARS)
    truck = (TRUCK, 20.0, 0.0, 0.0, 0.0)
    assert len(of(detections(sensors, truck, (CHILD, 30.0, 0.0, 0.0, 0.0)), 30.0, 0.0, 1.5)) <= 3  # a ghost at most
    assert len(of(detections(sensors, truck, (CHILD, 30.0, 6.0, 0.0, 0.0)), 30.0, 6.0, 1.5)) > 40


def test_a_bus_is_seen_over_a_car_and_a_child_is_not():
    bus = (Kind.BUS, 12.0, 2.5)
    sensors, car = Sensors(THREE_LIDARS), (CAR, 12.0, 0.0, 0.0, 0.0)
    assert len(of(detections(sensors, car, (bus, 30.0, 0.0, 0.0, 0.0)), 30.0, 0.0)) > 40
    assert len(of(detections(sensors, car, (CHILD, 17.0, 0.0, 0.0, 0.0)), 17.0, 0.0, 1.0)) <= 3


@given(st.floats(8.0, 60.0), st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi))
def test_an_eye_sees_exactly_up_to_a_body(away, bearing, heading, own_heading):
    state = HERE._replace(heading_rad=own_heading)
    x, y = away * math.cos(bearing), away * math.sin(bearing)
    seen, _ = Sensors(sensor(Sensing.LIDAR, (0.0, 0.0, 1.6), 0.0, 360.0, 150.0)).sense(world((CAR, x, y, heading, 0.0)), state)
    for ray in range(0, RAYS, 7):
        angle = own_heading + ray * 2.0 * math.pi / RAYS
        # An oracle by small steps along the ray.
        steps = np.arange(0.0, 70.0, 0.02)
        dx, dy = steps * math.cos(angle) - x, steps * math.sin(angle) - y
        along, across = dx * math.cos(heading) + dy * math.sin(heading), dy * math.cos(heading) - dx * math.sin(heading)
        inside = np.flatnonzero((np.abs(along) < 2.25) & (np.abs(across) < 0.9))
        if inside.size > 10:
            assert seen.free_m[0, ray] == pytest.approx(steps[inside[0]], abs=0.05)
        elif inside.size == 0 and seen.free_m[0, ray] < 100.0:
            assert np.min(np.hypot(np.maximum(0.0, np.abs(along) - 2.25), np.maximum(0.0, np.abs(across) - 0.9))) < 0.5


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [
        (Conditions(rain_mmph=30.0), Sensing.LIDAR),
        (Conditions(visibility_m=60.0), Sensing.CAMERA),
        (Conditions(light_lux=0.1), Sensing.CAMERA),
    ],
)
def test_bad_weather_and_darkness_shorten_what_is_seen(conditions, kind):
    suite = sensor(kind, (0.0, 0.0, 1.5), 0.0, 90.0, 150.0)
    far = (CAR, 125.0, 0.0, 0.0, 0.0)
    assert len(detections(Sensors(suite), far)) > 2 * len(detections(Sensors(suite, conditions=conditions), far))
    assert Sensors(suite, conditions=conditions).sense(world(), HERE)[0].sight_m < Sensors(suite).sense(world(), HERE)[0].sight_m


def test_a_sensor_that_does_not_work_reports_nothing_and_sees_nothing():
    sensors = Sensors(THREE_LIDARS)
    sensors.works[:] = 0
    sensors.changed()
    seen, _ = sensors.sense(world((CAR, 20.0, 0.0, 0.0, 0.0)), HERE)
    assert (len(seen.detections), seen.sight_m, seen.free_m.max()) == (0, 0.0, 0.0)


def test_the_same_seed_sees_the_same_and_another_seed_does_not():
    bodies = ((CAR, 30.0, 1.0, 0.0, 5.0), (CHILD, 12.0, -4.0, 1.0, 1.0))
    one, again, other = (detections(Sensors(THREE_LIDARS, seed=seed), *bodies, steps=5) for seed in (7, 7, 8))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_the_place_a_car_believes_in_wanders_by_what_its_localisation_states():
    sensors = Sensors(THREE_LIDARS, conditions=Conditions(localisation_m=0.2))
    believed = np.array([sensors.sense(world(time_s=0.5 * k), HERE)[1][:2] for k in range(2000)])
    assert believed.std(axis=0) == pytest.approx([0.2, 0.2], abs=0.04)
    moved = np.abs(np.diff([sensors.sense(world(time_s=0.1 * k), HERE)[1][0] for k in range(300)]))
    assert moved.max() < 0.1


def straight_road():
    x = np.linspace(-100.0, 100.0, 41)
    centre, left, right = (np.column_stack([x, np.full_like(x, y)]) for y in (0.0, 1.75, -1.75))
    return build_road_map(RoadSpec("road", "", [LaneSpec("road", centre, left, right, Road.CAR)]))


@given(st.floats(-1.2, 1.2), st.integers(0, 1000))
def test_markings_are_as_far_away_as_they_are(beside, seed):
    sensors = Sensors(THREE_LIDARS, seed=seed, road_map=straight_road())
    left, right = sensors.sense(world(time_s=0.1 * seed), HERE._replace(y_m=beside))[0].markings_m
    assert left == pytest.approx(1.75 - beside, abs=0.25)
    assert right == pytest.approx(1.75 + beside, abs=0.25)


def test_nobody_sees_markings_without_cameras_or_lidars_that_look_ahead_nor_beside_the_road():
    sensors = Sensors(THREE_LIDARS, road_map=straight_road())
    assert math.isnan(sensors.sense(world(), HERE._replace(y_m=30.0))[0].markings_m[0])
    sensors.works[:] = THREE_LIDARS["kind"] == Sensing.RADAR
    sensors.changed()
    assert math.isnan(sensors.sense(world(), HERE)[0].markings_m[0])


def test_a_view_names_actors_by_their_own_ids():
    truth = world((CAR, 30.0, 0.0, 0.0, 5.0), (CAR, 60.0, 0.0, 0.0, 5.0))
    predictions = (Prediction(71, 1.0, np.zeros((2, 2))), Prediction(72, 1.0, np.zeros((2, 2))))
    tracked = np.array([(71.0, 60.5, 0.2), (72.0, 90.0, 0.0)])
    view = View(Reason.FOLLOW, 71, 5.0, 8.0, np.empty((0, 4)), 0.3, np.empty(0, np.int32), predictions, tracked=tracked)
    told = recognise(view, truth)
    assert (told.subject, [one.subject for one in told.predictions]) == (1, [1])
