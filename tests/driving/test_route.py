"""Where a goal lies and what it costs to get there, on roads where both are plain."""

import dataclasses

import numpy as np
import pytest
from roads import drive, lane, straight, two_lanes

from marque.driving.goal import Goal
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.route import FAR_M, FORBIDDEN_CHANGE_M, LANE_CHANGE_M, cost_to_go, goal_entries
from marque.vehicle import VehicleState


def box(x0, x1, y0, y1):
    return Goal((0.0, np.inf), polygons=(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float),))


def by_name(road, values):
    return dict(zip(road.lane_ids, values, strict=True))


def costs(road, goal):
    cost, way = np.empty(len(road.lane_ids)), np.empty(len(road.lane_ids))
    cost_to_go(road.arrays, goal_entries(road, (goal,)), np.zeros(len(cost), np.bool_), cost, way)
    return by_name(road, cost), by_name(road, way)


def test_a_region_begins_where_its_nearest_part_lies_along_the_lane():
    road = two_lanes()
    entries = by_name(road, goal_entries(road, (box(200.0, 220.0, 1.9, 5.1),)))
    assert 200.0 <= entries["left"] < 202.0
    assert entries["right"] == np.inf


def test_a_region_that_reaches_a_little_over_the_border_is_none_of_the_next_lane():
    road = two_lanes()
    entries = by_name(road, goal_entries(road, (box(200.0, 220.0, 1.2, 5.1),)))  # the border is at 1.75
    assert np.isfinite(entries["left"])
    assert entries["right"] == np.inf


def test_a_region_that_lies_on_the_border_alone_belongs_to_both_lanes():
    road = two_lanes()
    entries = by_name(road, goal_entries(road, (box(200.0, 220.0, 1.4, 2.1),)))
    assert np.isfinite(entries["left"])
    assert np.isfinite(entries["right"])


def test_a_region_to_be_reached_with_a_heading_is_of_the_lanes_that_have_it_there():
    angle = np.linspace(-np.pi / 2, 0.0, 25)
    turn = np.column_stack((50.0 + 15.0 * np.cos(angle), 15.0 + 15.0 * np.sin(angle)))
    lanes = [
        lane("in", straight(0, 0, 50, 0), successors=["on", "turn"]),
        lane("on", straight(50, 0, 150, 0), junction="j"),
        lane("turn", turn, junction="j"),
    ]
    road = build_road_map(RoadSpec("fork", "test", lanes))
    where = box(58.0, 61.0, -0.6, 4.0)
    for heading, whose in (((0.6, 0.8), {"turn"}), ((-0.1, 0.1), {"on"}), (None, {"on", "turn"}), ((3.0, 3.3), {"on", "turn"})):
        entries = by_name(road, goal_entries(road, (dataclasses.replace(where, heading_rad=heading),)))
        assert {name for name, at in entries.items() if np.isfinite(at)} == whose


def test_cost_is_the_way_to_where_the_region_begins_and_the_lane_change():
    road = two_lanes()
    cost, way = costs(road, box(200.0, 220.0, 1.9, 5.1))
    assert cost["left"] == way["left"] == way["right"]
    assert 200.0 <= way["left"] < 202.0
    assert cost["right"] == pytest.approx(cost["left"] + LANE_CHANGE_M)


def test_no_way_is_far_and_a_solid_line_a_last_resort():
    right = lane("right", straight(0, 0, 300, 0), left_neighbour="left", may_change_left=False)
    left = lane("left", straight(0, 3.5, 300, 3.5), right_neighbour="right")
    alone = lane("alone", straight(0, 50, 300, 50))
    road = build_road_map(RoadSpec("solid line", "test", [right, left, alone]))
    cost, _ = costs(road, box(200.0, 220.0, 1.9, 5.1))
    assert cost["alone"] >= FAR_M
    assert cost["right"] == pytest.approx(cost["left"] + FORBIDDEN_CHANGE_M)
    _, states, _ = drive(road, (box(200.0, 220.0, 1.9, 5.1),), VehicleState(20.0, 0.0, 0.0, 10.0, 0.0, 0.0), 16.0)
    there = [state for state in states if 200.0 < state.x_m < 220.0]
    assert there
    assert all(abs(state.y_m - 3.5) < 0.5 for state in there)
