"""Which lane the car takes itself to be on, where more than one could be."""

import numpy as np
import pytest
from roads import lane, straight, to_lane

from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.own_lane import own_lane
from marque.driving.path import lay_paths, no_paths
from marque.driving.route import cost_to_go, goal_entries
from marque.vehicle import BMW_320I, VehicleState


def there_and_back():
    """Eastwards for 100 m, round, and back on the lane beside."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 40)
    spot = np.column_stack((100 + 12.0 * np.cos(angle), 1.75 + 1.75 * np.sin(angle)))
    lanes = [
        lane("out", straight(0, 0, 100, 0), successors=["round"]),
        lane("round", spot, successors=["home"]),
        lane("home", straight(100, 3.5, 0, 3.5)),
    ]
    return build_road_map(RoadSpec("there and back", "test", lanes))


def lanes_of(road, *states):
    """The lane of each state in turn, paths being laid from each as the pilot does."""
    goals, lanes = to_lane(road, "home"), len(road.lane_ids)
    cost, way, history, paths = np.zeros(lanes), np.zeros(lanes), np.full(8, -1, np.int32), no_paths()
    cost_to_go(road.arrays, goal_entries(road, goals), np.zeros(lanes, np.bool_), cost, way)
    for state in states:
        found, s = own_lane(road.arrays, state, cost, history, paths)
        lay_paths(road.arrays, found, s, state, BMW_320I, cost, way, history, paths)
        yield road.lane_ids[found]


@pytest.mark.parametrize("x_m", [30.0, 60.0, 75.0])
def test_askew_over_the_oncoming_lane_it_is_on_its_own_though_its_way_leads_back_there_later(x_m):
    askew = [VehicleState(x_m + y, y, turned, 0.5, 0.0, 0.0) for y, turned in ((0.3, 0.4), (1.2, 0.7), (1.9, 0.85), (2.2, 0.9))]
    assert list(lanes_of(there_and_back(), *askew)) == ["out"] * 4


def test_where_its_way_has_turned_round_it_is_on_the_lane_it_has_come_to():
    back = [VehicleState(x, 3.5, np.pi, 3.0, 0.0, 0.0) for x in (95.0, 90.0, 60.0)]
    assert list(lanes_of(there_and_back(), VehicleState(80.0, 0.0, 0.0, 3.0, 0.0, 0.0), *back)) == ["out", "home", "home", "home"]


def test_against_every_lane_under_it_it_is_on_none():
    road = there_and_back()
    lanes = len(road.lane_ids)
    for heading, there in ((0.0, "out"), (1.2, "out"), (np.pi, None)):
        state = VehicleState(30.0, 0.0, heading, 8.0, 0.0, 0.0)
        found, _ = own_lane(road.arrays, state, np.zeros(lanes), np.full(8, -1, np.int32), no_paths())
        assert (road.lane_ids[found] if found >= 0 else None) == there
