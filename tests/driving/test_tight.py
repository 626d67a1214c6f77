"""Corners that are too sharp for their width: known as such, and driven round where there is another way."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roads import drive, straight

from marque.driving.goal import Goal
from marque.driving.map import Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.pilot import Pilot
from marque.driving.tight import tight_lanes
from marque.vehicle import BMW_320I, VehicleState

NAMES = ["in", "corner", "out"]


def mitred(name, points, width, **words):
    """A lane along a polygonal line whose borders are parallel to it, mitred where it has a kink."""
    centre = np.asarray(points, float)
    along = np.diff(centre, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normals = np.column_stack((-along[:, 1], along[:, 0]))
    before, after = np.vstack((normals[:1], normals)), np.vstack((normals, normals[-1:]))
    mitre = (before + after) / (1.0 + np.sum(before * after, axis=1, keepdims=True))
    return LaneSpec(name, centre, centre + 0.5 * width * mitre, centre - 0.5 * width * mitre, Road.CAR, 8.0, **words)


def alley(width, angle):
    """60 m, a lane with one kink at (100, 0), 80 m."""
    on = np.array((math.cos(angle), math.sin(angle)))
    kinked = np.vstack((straight(60, 0, 100, 0, 20), (100.0, 0.0) + np.linspace(3.0, 15.0, 5)[:, None] * on))
    onward = kinked[-1] + np.linspace(0.0, 80.0, 20)[:, None] * on
    return [
        mitred("in", straight(0, 0, 60, 0), width, successors=["corner"]),
        mitred("corner", kinked, width, successors=["out"]),
        mitred("out", onward, width),
    ]


def tight(width, angle):
    road = build_road_map(RoadSpec("alley", "test", alley(width, angle)))
    return [name for name in NAMES if tight_lanes(road, BMW_320I)[road.lane_ids.index(name)]]


def test_a_right_angle_in_an_alley_is_tight_and_one_on_a_wide_road_is_not():
    assert tight(3.0, 0.5 * math.pi) == ["corner"]
    assert tight(3.0, -0.5 * math.pi) == ["corner"]
    assert tight(7.0, 0.5 * math.pi) == []


@given(st.floats(0.0, 0.4), st.floats(2.8, 5.0))
@settings(max_examples=12, deadline=None)
def test_a_bend_as_streets_have_it_is_not_tight(angle, width):
    assert tight(width, angle) == []


@pytest.mark.parametrize(("width", "gets_round"), [(3.0, False), (5.0, True)])
def test_driven_alone_a_tight_corner_is_not_got_round_and_any_other_is(width, gets_round):
    road = build_road_map(RoadSpec("alley", "test", alley(width, 0.5 * math.pi)))
    assert (tight(width, 0.5 * math.pi) == []) == gets_round
    goal = Goal((0.0, np.inf), lanes=(road.lane_ids.index("out"),))
    _, course, _ = drive(road, (goal,), VehicleState(75.0, 0.0, 0.0, 5.0, 0.0, 0.0), 16.0)
    assert (course[-1].y_m > 15.0) == gets_round


def test_a_pilot_drives_round_a_tight_corner_where_there_is_another_way_and_into_it_where_there_is_none():
    for ways, low, high in [(["corner"], 100.0, 250.0), (["corner", "round"], 500.0, 2000.0)]:
        before, corner, out = alley(3.0, 0.5 * math.pi)
        before.successors, out.successors = ways, ["goal"]
        corners = np.array([(20.0, 0.0), (75.0, 0.0), (75.0, -60.0), (300.0, -60.0), (300.0, 60.0), (100.0, 60.0), (100.0, 135.0)])
        dense = np.vstack([np.linspace(a, b, round(math.dist(a, b)))[:-1] for a, b in itertools.pairwise(corners)])
        rounded = np.column_stack([np.convolve(dense[:, k], np.full(31, 1.0 / 31.0), "valid") for k in (0, 1)])
        round_it = mitred("round", rounded[25:], 3.0, successors=["goal"])
        lanes = [before, corner, out, mitred("goal", straight(100, 95, 100, 200), 3.0), round_it]
        road = build_road_map(RoadSpec("two ways", "test", lanes))
        pilot = Pilot(road)
        pilot.begin((Goal((0.0, np.inf), lanes=(road.lane_ids.index("goal"),)),))
        assert low < pilot._mind.way[road.lane_ids.index("in")] < high
