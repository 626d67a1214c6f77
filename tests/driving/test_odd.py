"""The operational design domain: what is inside, what is named when it is left, and how early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import crossroads, lane, straight, to_lane, two_lanes

from marque.driving.map.build import build_road_map
from marque.driving.map.query import pose_at
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Conditions
from marque.driving.odd import CITY_AND_MOTORWAY, Area, Attribute, Monitor, Odd, Status, areas, coverage, sees_ahead
from marque.driving.route import cost_to_go, goal_entries
from marque.vehicle.sensors import THREE_LIDARS, Sensing

STEP_S = 0.1
ALL = np.ones(len(THREE_LIDARS), np.uint8)


def monitor(road_map, odd=CITY_AND_MOTORWAY, suite=THREE_LIDARS):
    return Monitor(odd, road_map, suite)


def check(watching, conditions=Conditions(), working=ALL, place=(-1, (0.0, 0.0)), cost=np.zeros(2)):  # noqa: B008
    return watching.check(conditions, working, *place, cost, STEP_S)


def at(road_map, lane, s):
    return lane, pose_at(road_map.arrays, lane, s, 0.0)[:2]


def test_an_ordinary_day_on_an_ordinary_street_is_inside():
    assert check(monitor(two_lanes())).status == Status.INSIDE


@pytest.mark.parametrize(
    ("attribute", "conditions"),
    [
        (Attribute.RAIN, Conditions(rain_mmph=40.0)),
        (Attribute.VISIBILITY, Conditions(visibility_m=30.0)),
        (Attribute.LIGHT, Conditions(light_lux=0.01)),
        (Attribute.GRIP, Conditions(grip=0.2)),
        (Attribute.TEMPERATURE, Conditions(temperature_c=-30.0)),
        (Attribute.TEMPERATURE, Conditions(temperature_c=50.0)),
        (Attribute.MAP_AGE, Conditions(map_age_days=365.0)),
        (Attribute.LOCALISATION, Conditions(localisation_m=2.0)),
    ],
)
def test_what_is_beyond_a_limit_is_named_with_its_value_and_the_limit(attribute, conditions):
    border = check(monitor(two_lanes()), conditions)
    assert (border.status, border.attribute) == (Status.OUTSIDE, attribute)
    assert border.value in conditions
    assert border.value != border.limit


@pytest.mark.parametrize("metres_per_s", [3.0, 8.0, 20.0])
def test_fog_that_thickens_is_announced_before_it_is_too_thick_and_about_when(metres_per_s):
    watching = monitor(two_lanes())
    announced = {}
    for k in range(2000):
        now = 600.0 - metres_per_s * STEP_S * k
        border = check(watching, Conditions(visibility_m=now))
        if border.status == Status.OUTSIDE:
            assert now < CITY_AND_MOTORWAY.visibility_m
            break
        if border.status == Status.LEAVING:
            announced[k] = border.time_s
    gone = {first: (k - first) * STEP_S for first in announced}
    assert max(gone.values()) > 10.0
    late = [told - gone[k] for k, told in announced.items() if gone[k] < 10.0]
    assert max(map(abs, late)) < 2.0


def test_weather_that_clears_up_is_not_announced_as_a_border():
    watching = monitor(two_lanes())
    assert all(check(watching, Conditions(visibility_m=100.0 + 2.0 * k)).status == Status.INSIDE for k in range(100))


def test_a_road_that_is_not_of_the_domain_is_seen_from_afar_and_left_in_metres():
    lanes = [lane("town", straight(0, 0, 300, 0), successors=["fast"]), lane("fast", straight(300, 0, 900, 0), limit=33.0)]
    road_map = build_road_map(RoadSpec("town and motorway", "test", lanes))
    cost = np.zeros(2)
    cost_to_go(road_map.arrays, goal_entries(road_map, to_lane(road_map, "fast")), np.zeros(2, np.bool_), cost, np.zeros(2))
    slow = monitor(road_map, Odd("town only", speed_limit_mps=20.0))
    border = check(slow, place=at(road_map, 0, 120.0), cost=cost)
    assert (border.status, border.attribute, border.value) == (Status.LEAVING, Attribute.SPEED_LIMIT, 33.0)
    assert border.distance_m == pytest.approx(180.0)
    assert check(slow, place=at(road_map, 1, 5.0), cost=cost).status == Status.OUTSIDE
    streets = monitor(road_map, Odd("streets", areas=Area.STREET))
    assert check(streets, place=at(road_map, 0, 0.0), cost=cost).attribute == Attribute.AREA
    assert check(monitor(road_map), place=at(road_map, 0, 0.0), cost=cost).status == Status.INSIDE


def test_lanes_of_a_junction_are_told_from_streets():
    kinds = areas(crossroads(ego_yields=True))
    assert set(kinds.tolist()) == {int(Area.STREET), int(Area.JUNCTION)}


def test_a_lost_connection_counts_from_its_time_limit_on():
    watching = monitor(two_lanes())
    lost = [check(watching, Conditions(connected=0.0)).attribute for _ in range(round((CITY_AND_MOTORWAY.disconnected_s + 1.0) / STEP_S))]
    assert lost[int(0.9 * len(lost)) - 2] == Attribute.NONE
    assert lost[-1] == Attribute.CONNECTION
    assert check(watching).status == Status.INSIDE


def without(*kinds):
    return (~np.isin(THREE_LIDARS["kind"], kinds)).astype(np.uint8)


def test_one_kind_of_sensor_may_be_lost_but_not_two():
    for kind in Sensing:
        assert min(coverage(THREE_LIDARS, without(kind), CITY_AND_MOTORWAY.sight_m)) == 2
    assert min(coverage(THREE_LIDARS, without(Sensing.CAMERA, Sensing.RADAR), CITY_AND_MOTORWAY.sight_m)) == 1
    assert coverage(THREE_LIDARS, 0 * ALL, CITY_AND_MOTORWAY.sight_m) == (0, 0, 0, 0)


def test_without_cameras_ahead_nobody_reads_a_light():
    assert sees_ahead(THREE_LIDARS, ALL)
    assert not sees_ahead(THREE_LIDARS, without(Sensing.CAMERA))
    assert check(monitor(two_lanes()), working=without(Sensing.CAMERA)).attribute == Attribute.SENSORS


@given(st.lists(st.booleans(), min_size=len(ALL), max_size=len(ALL)), st.integers(0, len(ALL) - 1))
def test_another_working_sensor_never_covers_less(working, more):
    some = np.array(working, np.uint8)
    extra = some.copy()
    extra[more] = 1
    before, after = (coverage(THREE_LIDARS, now, CITY_AND_MOTORWAY.sight_m) for now in (some, extra))
    assert all(a >= b for a, b in zip(after, before, strict=True))
