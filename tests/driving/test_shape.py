"""The shape of paths: the body stays on the road wherever it fits, and nothing is moved where there is room."""

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from roads import straight

from marque.driving.map import Road
from marque.driving.map.build import build_road_map
from marque.driving.map.query import pose_at
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.path import lay_paths, no_paths
from marque.simulation.judge.surface import off_road
from marque.vehicle import BMW_320I, VehicleState

NOSE_M = BMW_320I.rear_axle_m + 0.5 * BMW_320I.length_m


def strip(name, centre, heading, width, **words):
    """A lane whose borders are exact, so that lanes in sequence leave no slit between them."""
    left = 0.5 * width * np.column_stack((-np.sin(heading), np.cos(heading)))
    return LaneSpec(name, centre, centre + left, centre - left, Road.CAR, 13.9, **words)


def narrow_bend(radius, width, angle, side=1.0):
    """Straight on, an arc, straight on; all in lanes of one width."""
    turned = np.linspace(0.0, angle, 30)
    arc = np.column_stack((40.0 + radius * np.sin(turned), side * radius * (1.0 - np.cos(turned))))
    onward = arc[-1] + np.linspace(0.0, 200.0, 40)[:, None] * (math.cos(angle), side * math.sin(angle))
    lanes = [
        strip("in", straight(0, 0, 40, 0), np.zeros(30), width, successors=["bend"]),
        strip("bend", arc, side * turned, width, successors=["out"]),
        strip("out", onward, np.full(40, side * angle), width),
    ]
    return build_road_map(RoadSpec("narrow bend", "test", lanes))


def path_from(road_map, s):
    """The own path of a car in the middle of the first lane, s metres along it."""
    arrays, paths = road_map.arrays, no_paths()
    x, y, heading, _ = pose_at(arrays, 0, s, 0.0, -1)
    nowhere = np.zeros(len(arrays.lanes))
    state = VehicleState(x, y, heading, 3.0, 0.0, 0.0)
    lay_paths(arrays, 0, s, state, BMW_320I, nowhere, nowhere, np.full(8, -1, np.int32), paths)
    return paths.station[0]


def bodies_off_road(road_map, line, first, last):
    """Stations at which the judge finds a body, its rear axle there, beside the road."""
    rear = BMW_320I.rear_axle_m
    return [
        i
        for i in range(first, last)
        if off_road(
            line[i]["x"] + rear * math.cos(line[i]["heading"]),
            line[i]["y"] + rear * math.sin(line[i]["heading"]),
            line[i]["heading"],
            BMW_320I.length_m,
            BMW_320I.width_m,
            road_map.arrays,
        )
    ]


def fits(radius, width, spare):
    """Whether a car driving round a circle for ever would stay in a ring of that width: its flank inside, its nose outside."""
    inner = radius - 0.5 * width + spare + BMW_320I.width_m
    return math.hypot(inner, NOSE_M) <= radius + 0.5 * width - spare


@settings(max_examples=15, deadline=None)
@given(
    radius=st.floats(5.0, 14.0), width=st.floats(2.3, 4.0), angle=st.floats(0.4, 2.2), side=st.sampled_from((1.0, -1.0)),
    s=st.floats(16.0, 34.0),
)  # fmt: skip
def test_where_a_body_fits_through_a_bend_its_path_leads_it_through(radius, width, angle, side, s):
    assume(radius > 0.5 * width + 2.0 and fits(radius, width, 0.1))
    road_map = narrow_bend(radius, width, angle, side)
    assert bodies_off_road(road_map, path_from(road_map, s), 4, 60) == []


def test_the_middle_of_a_straight_lane_is_left_alone():
    road_map = narrow_bend(10.0, 3.0, 1.0)
    ahead = path_from(road_map, 15.0)
    np.testing.assert_allclose(ahead["y"][:20], 0.0, atol=1e-9)


def test_a_bend_too_narrow_is_shared_by_both_sides():
    """A body that fits nowhere is as far over the one edge as over the other, not all on one side."""
    radius, width = 6.0, 2.2
    assert not fits(radius, width, 0.0)
    line = path_from(narrow_bend(radius, width, math.pi / 2), 30.0)
    inside, outside = 0.0, 0.0
    for i in range(20, 32):
        heading = line[i]["heading"]
        ahead, across = np.array((math.cos(heading), math.sin(heading))), np.array((-math.sin(heading), math.cos(heading)))
        rear = np.array((line[i]["x"], line[i]["y"]))
        centre = np.array((40.0, radius))
        flank = rear + 0.5 * BMW_320I.width_m * across
        nose = rear + NOSE_M * ahead - 0.5 * BMW_320I.width_m * across
        inside = max(inside, radius - 0.5 * width - float(np.hypot(*(flank - centre))))
        outside = max(outside, float(np.hypot(*(nose - centre))) - radius - 0.5 * width)
    assert abs(inside - outside) < 0.25
