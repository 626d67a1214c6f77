"""The exact test of a body against the road, beside slower ways to the same answer."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.map import Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.simulation.judge.surface import _cut_lanes, _inside_a_lane, off_road, uncovered

LENGTH, WIDTH = 4.5, 1.8


def lane(name, line, half, **more):
    line = np.asarray(line, float)
    steps = np.gradient(line, axis=0)
    normal = np.column_stack([-steps[:, 1], steps[:, 0]]) / np.hypot(*steps.T)[:, None]
    return LaneSpec(name, line, line + half * normal, line - half * normal, Road.CAR, **more)


def ground(*lanes):
    return build_road_map(RoadSpec("test", "test", list(lanes)))


ANGLES = np.linspace(0.0, 1.5, 16)
BEND = np.column_stack([40.0 * np.sin(ANGLES), 40.0 - 40.0 * np.cos(ANGLES)])
TOWN = ground(
    lane("straight", [(x, 0.0) for x in range(-60, 61, 10)], 1.75, successors=["bend"]),
    lane("bend", BEND, 1.75),
    lane("across", [(10.0, y) for y in range(-30, 31, 10)], 2.0),
)


def sampled(x, y, heading):
    """Uncovered area by a grid of points: slow, and as good as the grid is fine."""
    u, v = np.meshgrid((np.arange(60) + 0.5) / 60 - 0.5, (np.arange(30) + 0.5) / 30 - 0.5)
    c, s = math.cos(heading), math.sin(heading)
    px, py = (x + LENGTH * u * c - WIDTH * v * s).ravel(), (y + LENGTH * u * s + WIDTH * v * c).ravel()
    inside = np.zeros(px.size, bool)
    points = TOWN.arrays.points
    for p, q in pairwise(points):
        if p["lane"] == q["lane"]:
            corners = [(r[f"{side}_x"], r[f"{side}_y"]) for r, side in ((p, "right"), (q, "right"), (q, "left"), (p, "left"))]
            edges = zip(corners, [*corners[1:], corners[0]], strict=True)
            inside |= np.all([(bx - ax) * (py - ay) - (by - ay) * (px - ax) >= 0.0 for (ax, ay), (bx, by) in edges], axis=0)
    return LENGTH * WIDTH * float(np.mean(~inside))


@given(st.floats(-40.0, 40.0), st.floats(-8.0, 20.0), st.floats(-4.0, 4.0))
def test_the_uncovered_area_is_that_of_a_fine_grid_of_points(x, y, heading):
    _, area = uncovered(x, y, heading, LENGTH, WIDTH, TOWN.arrays)
    assert area == pytest.approx(sampled(x, y, heading), abs=0.25)


@given(st.floats(-40.0, 40.0), st.floats(-0.84, 0.84))
def test_a_body_inside_its_lane_is_on_the_road_wherever_the_segments_meet(x, y):
    assert not off_road(x, y, 0.0, LENGTH, WIDTH, TOWN.arrays)


def test_a_side_two_centimetres_over_the_edge_is_beside_the_road_and_half_a_centimetre_is_not():
    assert off_road(-30.0, 0.85 + 0.02, 0.0, LENGTH, WIDTH, TOWN.arrays)
    assert not off_road(-30.0, 0.85 + 0.004, 0.0, LENGTH, WIDTH, TOWN.arrays)


def test_a_slit_between_neighbours_is_road_and_the_same_slit_between_strangers_is_not():
    def two(**more):
        left = lane("left", [(x, 3.6) for x in range(0, 101, 20)], 1.75)
        return ground(left, lane("right", [(x, 0.0) for x in range(0, 101, 25)], 1.75, **more))

    assert not off_road(50.0, 1.8, 0.0, LENGTH, WIDTH, two(left_neighbour="left").arrays)
    assert off_road(50.0, 1.8, 0.0, LENGTH, WIDTH, two().arrays)


def test_where_the_map_ends_the_road_does_not():
    assert not off_road(-60.0, 0.0, 0.0, LENGTH, WIDTH, TOWN.arrays)
    assert off_road(-60.0, 1.0, 0.0, LENGTH, WIDTH, TOWN.arrays)
    assert off_road(-70.0, 0.0, 0.0, LENGTH, WIDTH, TOWN.arrays)


def straightforward(x, y, heading):
    """`uncovered` with every lane cut out: what is asked first is answered as if nothing were known."""
    pieces, corners = np.empty((512, 16, 2)), np.zeros(512, np.int32)
    u, v = 0.5 * LENGTH * np.array([1.0, -1.0, -1.0, 1.0]), 0.5 * WIDTH * np.array([1.0, 1.0, -1.0, -1.0])
    c, s = math.cos(heading), math.sin(heading)
    pieces[0, :4], corners[0] = np.column_stack([x + u * c - v * s, y + u * s + v * c]), 4
    return _cut_lanes(pieces, corners, 1, x, y, 0.5 * math.hypot(LENGTH, WIDTH), 0, 0.0, TOWN.arrays)


@given(st.floats(-60.0, 42.0), st.floats(-4.0, 20.0), st.floats(-4.0, 4.0))
def test_a_body_found_inside_one_lane_is_one_of_which_cutting_leaves_nothing(x, y, heading):
    inside = _inside_a_lane(x, y, math.cos(heading), math.sin(heading), 0.5 * LENGTH, 0.5 * WIDTH, TOWN.arrays)
    assert not inside or straightforward(x, y, heading) == 0
    assert not inside or sampled(x, y, heading) == 0.0


@given(st.floats(-55.0, 55.0), st.floats(-0.8, 0.8), st.floats(-0.02, 0.02))
def test_one_inside_its_lane_is_found_without_cutting(x, y, heading):
    assert _inside_a_lane(x, y, math.cos(heading), math.sin(heading), 0.5 * LENGTH, 0.5 * WIDTH, TOWN.arrays)
