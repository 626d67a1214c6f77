from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.product import uvl
from marque.product.properties.sensing import BEARINGS, SUITES, coverage, sensing
from marque.vehicle.sensors import ONE_LIDAR, THREE_LIDARS, Sensing, sensor

PLACES = st.tuples(st.floats(-2.4, 2.4), st.floats(-0.9, 0.9), st.just(1.0))
SENSORS = st.builds(
    sensor, st.sampled_from(list(Sensing)), PLACES, st.floats(-180.0, 180.0), st.floats(5.0, 360.0), st.floats(5.0, 200.0)
)  # fmt: skip


@given(st.floats(-180.0, 180.0), st.floats(10.0, 350.0), st.floats(20.0, 100.0))
def test_one_sensor_in_the_middle_covers_its_field_of_view(yaw, view, reach):
    one = sensor(Sensing.CAMERA, (0.0, 0.0, 1.0), yaw, view, reach)
    near, far = coverage(one, reach - 1.0), coverage(one, reach + 1.0)
    assert near.covered == pytest.approx(view / 360.0, abs=1.5 / BEARINGS)
    assert (near.twice, far.covered, far.blind) == (0.0, 0.0, ((0.0, 360.0),))
    assert sum(last - first for first, last in near.blind) == pytest.approx(360.0 - view, abs=0.2)


@given(st.lists(SENSORS, min_size=1, max_size=6), st.floats(3.0, 150.0))
@settings(max_examples=60)
def test_coverage_is_what_testing_each_bearing_by_complex_numbers_gives(sensors, distance):
    suite = np.concatenate(sensors)
    some = twice = 0
    for number in range(BEARINGS):
        point = cmath.rect(distance, math.radians((number + 0.5) * 360.0 / BEARINGS))
        kinds = set()
        for one in suite:
            ray = point - complex(one["x"], one["y"])
            off = abs(cmath.phase(ray * cmath.rect(1.0, -one["yaw"])))
            if abs(ray) <= one["range"] and off <= one["half_angle"]:
                kinds.add(int(one["kind"]))
        some += bool(kinds)
        twice += len(kinds) >= 2
    told = coverage(suite, distance)
    assert told.covered == pytest.approx(some / BEARINGS, abs=2.0 / BEARINGS)
    assert told.twice == pytest.approx(twice / BEARINGS, abs=2.0 / BEARINGS)
    assert sum(last - first for first, last in told.blind) == pytest.approx(360.0 * (1.0 - told.covered), abs=0.11 * (1 + len(told.blind)))


@given(st.lists(SENSORS, min_size=1, max_size=5), SENSORS, st.floats(3.0, 150.0))
def test_another_sensor_never_takes_anything_away(sensors, more, distance):
    fewer, all_of_them = coverage(np.concatenate(sensors), distance), coverage(np.concatenate([*sensors, more]), distance)
    assert all_of_them.covered >= fewer.covered
    assert all_of_them.twice >= fewer.twice


@given(st.lists(SENSORS, min_size=1, max_size=5), st.floats(3.0, 150.0), st.floats(0.1, 1.0))
def test_less_reach_never_covers_more(sensors, distance, reach):
    suite = np.concatenate(sensors)
    assert coverage(suite, distance, reach=reach).covered <= coverage(suite, distance).covered


def test_three_lidars_see_all_round_and_one_does_not_with_lidar():
    three, one = coverage(THREE_LIDARS, 30.0), coverage(ONE_LIDAR, 30.0)
    assert three.by_kind[Sensing.LIDAR] == 1.0
    assert one.by_kind[Sensing.LIDAR] == pytest.approx(1.0 / 3.0, abs=0.01)
    assert three.covered == 1.0
    assert min(three.by_kind) > min(one.by_kind)


def test_a_suite_without_sensor_data_is_not_claimed():
    model = uvl.parse(
        "features\n    Car\n        alternative\n            A {suite 'vision'}\n            B {suite 'one_lidar'}\n            C", "t.uvl"
    )
    assert all(not one.claimed for one in sensing(model, {"Car", "A"}))
    assert all(not one.claimed for one in sensing(model, {"Car", "C"}))
    told = {one.name: one for one in sensing(model, {"Car", "B"})}
    assert told["coverage_30m"].value == round(100.0 * coverage(SUITES["one_lidar"], 30.0).covered, 1)
    assert "clear weather by day" in told["coverage_30m"].statement
    assert len(told["coverage_30m"].inputs["sensors"]) == 6 * len(ONE_LIDAR)
