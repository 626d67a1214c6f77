"""What the builder makes of what importers say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.common import InputError
from marque.driving.map import Colour, Meeting, Road, Turn, Yield
from marque.driving.map.build import build_road_map
from marque.driving.map.components import strong_components
from marque.driving.map.query import pose_at
from marque.driving.map.specs import CrossingSpec, RoadSpec, SignalSpec


def build(lanes, **more):
    return build_road_map(RoadSpec("hand", "hand.xml", lanes, **more))


def points_of(road_map, lane):
    record = road_map.arrays.lanes[lane]
    return road_map.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]


def conflicts_of(road_map, name):
    record = road_map.arrays.lanes[road_map.lane_ids.index(name)]
    return road_map.arrays.conflicts[record["conflict_first"] : record["conflict_first"] + record["conflict_count"]]


def test_repeated_points_vanish_and_the_source_s_other_points_stay(lay):
    made = points_of(build([lay("a", [(0, 0), (0, 0), (10, 0), (10, 0.001), (20, 5)])]), 0)
    for x, y in [(0, 0), (10, 0), (20, 5)]:
        assert np.hypot(made["x"] - x, made["y"] - y).min() == 0.0
    assert np.diff(made["s"]).min() > 0.0


def test_a_lane_without_length_is_bridged_and_listed(lay):
    lanes = [lay("a", [(0, 0), (10, 0)], successors=["b"]), lay("b", [(10, 0), (10, 0)], successors=["c"]), lay("c", [(10, 0), (20, 0)])]
    road_map = build(lanes)
    assert road_map.lane_ids == ("a", "c")
    assert road_map.arrays.successors.tolist() == [1]
    assert [(item.element, item.occurrences) for item in road_map.ignored] == [("lane", 1)]


def test_the_signal_of_a_lane_without_length_moves_on(lay):
    stub = lay("b", [(10, 0), (10, 0)], successors=["c"], signal="s", junction="J")
    lanes = [lay("a", [(0, 0), (10, 0)], successors=["b"]), stub, lay("c", [(10, 0), (20, 0)])]
    signals = [SignalSpec("s", [(1.0, Colour.RED)])]
    assert build(lanes, signals=signals).arrays.lanes["signal"].tolist() == [-1, 0]
    lanes.append(lay("d", [(10, 9), (10, 0)], successors=["c"]))
    road_map = build(lanes, signals=signals)
    assert road_map.arrays.lanes["signal"].tolist() == [-1, -1, -1]
    assert "signal" in {item.element for item in road_map.ignored}


@given(st.floats(6.0, 300.0), st.floats(0.2, 6.0), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_polyline_on_an_arc_has_the_arc_s_curvature(lay, radius, chord, left):
    side = 1.0 if left else -1.0
    angles = np.arange(0.0, 1.2, min(chord / radius, 0.25))
    lane = lay("a", np.stack([radius * np.sin(angles), side * radius * (1.0 - np.cos(angles))], axis=1), width_m=2.0)
    made = points_of(build([lane]), 0)
    inner = (made["s"] > 6.0) & (made["s"] < made["s"][-1] - 6.0)
    assert np.allclose(made["curvature"][inner], side / radius, rtol=0.12)


@given(st.floats(-2.0, 2.0), st.floats(20.0, 200.0))
@settings(max_examples=60, deadline=None)
def test_a_kink_is_rounded_within_the_lane_and_keeps_its_turn(lay, angle, length):
    end = (length + length * math.cos(angle), length * math.sin(angle))
    made = points_of(build([lay("a", [(0, 0), (length, 0), end])]), 0)
    assert np.abs(made["curvature"]).max() <= max(abs(angle) / 6.0, abs(angle) ** 2 / 3.2) + 1e-9
    assert np.trapezoid(made["curvature"], made["s"]) == pytest.approx(angle, rel=0.05, abs=0.01)
    far = np.abs(made["s"] - length) > 18.0
    assert np.abs(made["curvature"][far]).max(initial=0.0) < 1e-9 or abs(angle) < 0.01


def test_noise_of_a_centimetre_does_not_become_a_bend(lay):
    noise = np.random.default_rng(7).normal(0.0, 0.01, (101, 2))
    made = points_of(build([lay("a", np.stack([np.arange(0, 101) * 0.5, np.zeros(101)], axis=1) + noise)]), 0)
    assert np.abs(made["curvature"]).max() < 0.01


def test_a_turn_begins_in_the_direction_of_the_road_it_leaves(lay):
    lanes = [
        lay("a", [(0, 0), (50, 0)], successors=["turn"]),
        lay("turn", [(50, 0), (54, 1), (57, 4), (58, 8)], junction="J", successors=["b"]),
        lay("b", [(58, 8), (58, 50)]),
    ]
    road_map = build(lanes)
    assert pose_at(road_map.arrays, 1, 0.0, 0.0, -1)[2] == pytest.approx(0.0, abs=1e-9)
    assert pose_at(road_map.arrays, 1, road_map.arrays.lanes["length"][1], 0.0, -1)[2] == pytest.approx(math.pi / 2)


def cross_roads(lay, angle=math.pi / 2, **more):
    """Two straight lanes through one junction, the second coming from the first one's right (angle > 0)."""
    along = np.array([math.cos(angle), math.sin(angle)])
    return [
        lay("west", [(-30, 0), (30, 0)], junction="J"),
        lay("south", [-30 * along, 30 * along], junction="J", **more),
    ]


def test_perpendicular_lanes_conflict_from_where_bodies_could_touch(lay):
    (conflict,) = conflicts_of(build(cross_roads(lay)), "west")
    assert conflict["meeting"] == Meeting.CROSSING
    for field, s in (("enter_s", 28.0), ("leave_s", 32.0), ("other_enter_s", 28.0), ("other_leave_s", 32.0)):
        assert conflict[field] == pytest.approx(s, abs=0.05)


def test_who_comes_from_the_right_goes_first(lay):
    road_map = build(cross_roads(lay))
    assert conflicts_of(road_map, "west")["yields"].tolist() == [Yield.YIELD]
    assert conflicts_of(road_map, "south")["yields"].tolist() == [Yield.NONE]


def test_what_the_source_says_beats_right_before_left(lay):
    road_map = build(cross_roads(lay), yields={("south", "west"): Yield.STOP, ("west", "south"): Yield.NONE})
    assert conflicts_of(road_map, "west")["yields"].tolist() == [Yield.NONE]
    assert conflicts_of(road_map, "south")["yields"].tolist() == [Yield.STOP]


def test_where_both_are_told_to_yield_the_first_to_come_goes(lay):
    road_map = build(cross_roads(lay), yields={("south", "west"): Yield.YIELD, ("west", "south"): Yield.YIELD})
    assert set(road_map.arrays.conflicts["yields"].tolist()) == {Yield.ALTERNATE}


def test_a_left_turn_gives_way_to_who_comes_towards(lay):
    lanes = [
        lay("straight", [(-30, 0), (30, 0)], junction="J"),
        lay("left", [(30, 3.5), (6, 3.5), (0, -3), (0, -30)], junction="J", turn=Turn.LEFT),
    ]
    road_map = build(lanes)
    assert conflicts_of(road_map, "left")["yields"].tolist() == [Yield.YIELD]
    assert conflicts_of(road_map, "straight")["yields"].tolist() == [Yield.NONE]


def test_lanes_that_end_in_one_lane_merge_to_the_end(lay):
    lanes = [
        lay("a", [(0, 0), (40, 0)], junction="J", successors=["out"]),
        lay("b", [(0, -10), (30, -1), (40, 0)], junction="J", successors=["out"]),
        lay("out", [(40, 0), (80, 0)]),
    ]
    (conflict,) = conflicts_of(build(lanes), "a")
    assert conflict["meeting"] == Meeting.MERGE
    assert conflict["leave_s"] == 40.0
    assert 20.0 < conflict["enter_s"] < 35.0


def test_lanes_that_only_split_do_not_conflict(lay):
    lanes = [
        lay("in", [(-20, 0), (0, 0)], successors=["a", "b"]),
        lay("a", [(0, 0), (40, 0)], junction="J"),
        lay("b", [(0, 0), (20, 2), (30, 10)], junction="J"),
    ]
    assert build(lanes).arrays.conflicts.size == 0


def test_a_bridge_is_no_conflict_where_the_source_knows_junctions(lay):
    over, under = cross_roads(lay)
    under.junction = None
    lanes = [over, under, lay("elsewhere", [(0, 100), (9, 100)], junction="J")]
    assert build(lanes).arrays.conflicts.size == 0
    assert build(lanes, overlaps_meet=True).arrays.conflicts.size == 2


def test_overlapping_lanes_meet_in_a_map_without_junctions(lay):
    lanes = cross_roads(lay)
    for lane in lanes:
        lane.junction = None
    assert build(lanes).arrays.conflicts.size == 2


def test_a_lane_runs_over_a_crossing_between_its_edges(lay):
    crossing = CrossingSpec("zebra", np.array([(15.0, -5.0), (15.0, 5.0)]), 4.0)
    (over,) = build([lay("a", [(0, 0), (40, 0)])], crossings=[crossing]).arrays.lane_crossings
    assert (over["enter_s"], over["leave_s"]) == (13.0, 17.0)
    assert (over["enter_t"], over["leave_t"]) == (4.0, 6.0)


@given(st.integers(1, 12), st.data())
@settings(max_examples=200, deadline=None)
def test_strong_components_are_those_of_mutual_reachability(n, data):
    edges = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3 * n))
    reach = np.eye(n, dtype=bool)
    for a, b in edges:
        reach[a, b] = True
    for k in range(n):
        reach |= reach[:, k : k + 1] & reach[k]
    edges.sort()
    first = np.searchsorted([a for a, _ in edges], np.arange(n + 1)).astype(np.int32)
    found = strong_components(first, np.array([b for _, b in edges], np.int32))
    assert np.array_equal(found[:, None] == found[None, :], reach & reach.T)


def test_a_lane_change_connects_what_successors_do_not(lay):
    lanes = [
        lay("a", [(0, 0), (40, 0)], successors=["a"], left_neighbour="b"),
        lay("b", [(0, 3.5), (40, 3.5)], successors=["b"], right_neighbour="a"),
        lay("path", [(0, 9), (40, 9)], road=Road.PEDESTRIAN),
    ]
    assert build(lanes).arrays.lanes["component"].tolist() == [0, 0, -1]
    lanes[0].may_change_left = False
    assert set(build(lanes).arrays.lanes["component"].tolist()) == {0, 1, -1}


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e308, -1e8])
def test_a_coordinate_no_road_has_is_refused_by_the_lane_s_name(lay, number):
    lanes = [lay("a", [(0, 0), (10, 0)]), lay("b", [(0, 5), (10, 5)])]
    lanes[1].centre = lanes[1].centre.copy()
    lanes[1].centre[1, 0] = number
    with pytest.raises(InputError, match=r"hand\.xml, lane b:"):
        build(lanes)


@pytest.mark.parametrize("width", [1e3, 1e6])
def test_a_lane_wider_than_any_road_is_refused(lay, width):
    with pytest.raises(InputError, match="lane a"):
        build([lay("a", [(0, 0), (10, 0)], width_m=width)])


@pytest.mark.parametrize("phases", [[], [(0.0, Colour.RED)], [(-1.0, Colour.RED)], [(math.nan, Colour.RED)], [(1e300, Colour.RED)]])
def test_a_signal_without_a_program_is_refused(lay, phases):
    with pytest.raises(InputError, match="signal s1"):
        build([lay("a", [(0, 0), (10, 0)])], signals=[SignalSpec("s1", phases)])


def test_a_lane_id_used_twice_is_refused(lay):
    with pytest.raises(InputError, match="lane a"):
        build([lay("a", [(0, 0), (10, 0)]), lay("a", [(0, 5), (10, 5)])])


def test_links_to_lanes_that_do_not_exist_are_listed(lay):
    road_map = build([lay("a", [(0, 0), (10, 0)], successors=["nowhere"], left_neighbour="nobody")])
    assert {item.element for item in road_map.ignored} == {"successor", "neighbour"}


def test_a_map_without_lanes_is_refused(lay):
    for lanes in ([], [lay("a", [(0, 0), (0, 0)])]):
        with pytest.raises(InputError, match="lane"):
            build(lanes)
