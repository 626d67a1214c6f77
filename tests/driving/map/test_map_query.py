"""Lane coordinates, places on the road, signals."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from marque.driving.importers import load_map, wheel_maps
from marque.driving.map import Colour, Road
from marque.driving.map.build import build_road_map
from marque.driving.map.query import (
    curvature_at,
    locate,
    locate_all,
    on_road,
    on_road_from,
    outline_holds,
    pose_at,
    project,
    signal_colour,
    signal_colours,
    width_at,
)
from marque.driving.map.specs import RoadSpec, SignalSpec

ANYONE = 255


@pytest.fixture(scope="module")
def ingolstadt():
    return load_map(wheel_maps()["ingolstadt"]).arrays


def draw_place(arrays, data, share_of_width=0.95):
    """A lane and a place on it where (s, d) is unique: d within the lane and well within the radius of every curve near it."""
    lane = data.draw(st.integers(0, arrays.lanes.size - 1))
    s = data.draw(st.floats(0.0, 1.0)) * arrays.lanes["length"][lane]
    left, right = width_at(arrays, lane, s, -1)
    d = data.draw(st.floats(-share_of_width, share_of_width)) * min(left, right)
    record = arrays.lanes[lane]
    near = arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    near = near[np.abs(near["s"] - s) < 10.0]
    assume(np.abs(near["curvature"]).max(initial=0.0) * abs(d) < 0.5)
    return lane, s, d


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_project_inverts_pose_at(ingolstadt, data):
    lane, s, d = draw_place(ingolstadt, data)
    x, y, _, point = pose_at(ingolstadt, lane, s, d, -1)
    found = project(ingolstadt, lane, x, y, point)
    assert found[:2] == pytest.approx((s, d), abs=1e-6)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_locate_finds_the_lane_of_a_pose(ingolstadt, data):
    """Or one that fits better: lanes lie on each other inside junctions."""
    lane, s, d = draw_place(ingolstadt, data, 0.9)
    length = ingolstadt.lanes["length"][lane]
    assume(2.0 < s < length - 2.0 and ingolstadt.lanes["road"][lane] != 0)
    x, y, heading, _ = pose_at(ingolstadt, lane, s, d, -1)
    best, best_s, best_d = locate(ingolstadt, x, y, heading, 0.5, int(ingolstadt.lanes["road"][lane]))
    lanes, ss, ds = np.empty(64, np.int32), np.empty(64), np.empty(64)
    count = locate_all(ingolstadt, x, y, lanes, ss, ds)
    assert lane in lanes[:count]
    assert ss[:count][lanes[:count] == lane][0] == pytest.approx(s, abs=1e-6)
    if best != lane:
        assert best in lanes[:count]
        error = math.remainder(pose_at(ingolstadt, best, best_s, 0.0, -1)[2] - heading, 2.0 * math.pi)
        assert abs(best_d) + 4.0 * abs(error) <= abs(d) + 1e-6


def test_no_lane_lies_under_a_place_off_the_map(ingolstadt):
    for x, y in [(1e9, 0.0), (math.nan, 0.0), (math.inf, math.inf), (-1e4, 50.0)]:
        assert locate(ingolstadt, x, y, 0.0, 7.0, ANYONE)[0] == -1
        assert not on_road(ingolstadt, x, y, ANYONE)


def test_a_pose_against_the_traffic_is_not_located_on_the_lane(lay):
    arrays = build_road_map(RoadSpec("hand", "hand", [lay("a", [(0, 0), (50, 0)])])).arrays
    assert locate(arrays, 20.0, 1.0, 0.1, 1.0, ANYONE) == (0, 20.0, 1.0)
    assert locate(arrays, 20.0, 1.0, math.pi, 1.0, ANYONE)[0] == -1
    assert locate(arrays, 20.0, 1.0, 0.1, 1.0, int(Road.RAIL))[0] == -1


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_on_road_agrees_with_the_lanes_polygons(ingolstadt, data):
    """Oracle: matplotlib's point-in-polygon on the whole border of every lane and on the outlines of junctions."""
    lanes = ingolstadt.lanes
    lane = data.draw(st.integers(0, lanes.size - 1))
    x, y, _, _ = pose_at(ingolstadt, lane, lanes["length"][lane] * data.draw(st.floats(0, 1)), data.draw(st.floats(-6, 6)), -1)
    inside = [k for k in range(lanes.size) if lanes["road"][k] & Road.CAR and lane_polygon(ingolstadt, k).contains_point((x, y))]
    junction = any(outline_holds(ingolstadt, j, x, y) for j in range(ingolstadt.outline_start.size - 1))
    if inside:
        assert on_road(ingolstadt, x, y, int(Road.CAR))
    elif not junction:
        near = [
            k for k in range(lanes.size) if lanes["road"][k] & Road.CAR and lane_polygon(ingolstadt, k).contains_point((x, y), radius=0.05)
        ]
        near += [
            k for k in range(lanes.size) if lanes["road"][k] & Road.CAR and lane_polygon(ingolstadt, k).contains_point((x, y), radius=-0.05)
        ]
        assert bool(near) or not on_road(ingolstadt, x, y, int(Road.CAR))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_hint_changes_whether_a_place_is_road_and_the_point_found_is_the_best_hint(ingolstadt, data):
    lanes = ingolstadt.lanes
    lane, road = data.draw(st.integers(0, lanes.size - 1)), int(Road.CAR)
    x, y, _, near = pose_at(ingolstadt, lane, lanes["length"][lane] * data.draw(st.floats(0, 1)), data.draw(st.floats(-8, 8)), -1)
    expected = on_road(ingolstadt, x, y, road)
    last = ingolstadt.points.size - 1
    for hint in (-1, near, max(0, near - 1), last, data.draw(st.integers(0, last))):
        on, found = on_road_from(ingolstadt, x, y, road, hint)
        assert on == expected
        assert on or found == -1
        if found >= 0:
            assert lanes["road"][ingolstadt.points["lane"][found]] & road
            assert on_road_from(ingolstadt, x, y, road, found) == (True, found)


def lane_polygon(arrays, lane):
    record = arrays.lanes[lane]
    points = arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    left = np.stack([points["left_x"], points["left_y"]], axis=1)
    right = np.stack([points["right_x"], points["right_y"]], axis=1)
    return Polygon(np.concatenate([left, right[::-1]]))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_an_outline_holds_what_an_independent_polygon_test_says(ingolstadt, data):
    j = data.draw(st.integers(0, ingolstadt.outline_start.size - 2))
    outline = ingolstadt.outlines[ingolstadt.outline_start[j] : ingolstadt.outline_start[j + 1]]
    assume(len(outline) > 2)
    x = data.draw(st.floats(*np.percentile(outline[:, 0], [0, 100])))
    y = data.draw(st.floats(*np.percentile(outline[:, 1], [0, 100])))
    polygon = Polygon(outline)
    assume(polygon.contains_point((x, y), radius=1e-6) == polygon.contains_point((x, y), radius=-1e-6))
    assert outline_holds(ingolstadt, j, x, y) == polygon.contains_point((x, y))


def test_a_hint_finds_the_same_as_a_search(ingolstadt):
    for lane in range(ingolstadt.lanes.size):
        hint = int(ingolstadt.lanes["point_first"][lane])
        for s in np.linspace(0.0, ingolstadt.lanes["length"][lane], 30):
            pose = pose_at(ingolstadt, lane, s, 0.3, -1)
            assert pose_at(ingolstadt, lane, s, 0.3, hint) == pose
            assert curvature_at(ingolstadt, lane, s, hint) == curvature_at(ingolstadt, lane, s, -1)
            hint = pose[3]


def test_beyond_its_ends_a_lane_goes_on_straight(lay):
    arrays = build_road_map(RoadSpec("hand", "hand", [lay("a", [(0, 0), (50, 0)])])).arrays
    assert pose_at(arrays, 0, 60.0, 1.0, -1)[:3] == (60.0, 1.0, 0.0)
    assert project(arrays, 0, 60.0, 1.0, -1)[:2] == (60.0, 1.0)
    assert project(arrays, 0, -5.0, -1.0, -1)[:2] == (-5.0, -1.0)


phases = st.lists(st.tuples(st.floats(0.5, 60.0), st.sampled_from(Colour)), min_size=1, max_size=6)


@given(phases, st.floats(-100.0, 100.0), st.floats(0.0, 5000.0))
@settings(max_examples=150, deadline=None)
def test_a_signal_shows_the_phase_its_clock_stands_in(lay, phases, offset, time_s):
    spec = RoadSpec("hand", "hand", [lay("a", [(0, 0), (9, 0)])], signals=[SignalSpec("s", phases, offset)])
    arrays = build_road_map(spec).arrays
    left = (time_s - offset) % sum(duration for duration, _ in phases)
    edges = np.cumsum([duration for duration, _ in phases])
    assume(np.abs(edges - left).min() > 1e-6 and left > 1e-6)
    expected = phases[int(np.searchsorted(edges, left, side="right"))][1]
    assert signal_colour(arrays, 0, time_s) == expected
    out = np.empty(1, np.uint8)
    signal_colours(arrays, time_s, out)
    assert out[0] == expected
