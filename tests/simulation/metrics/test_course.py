"""Where on the road a drive went."""

import numpy as np
import pytest

from marque.simulation.commonroad import read_scenario
from marque.simulation.judge import Trajectory
from marque.simulation.metrics.course import follow
from marque.vehicle import BMW_320I
from scenes import TWO_LANES, document, goal, lanelet, problem, strip, write


def followed(folder, lanes, x, y, heading):
    scenario = read_scenario(write(folder, document(lanes, problem(10.0, 0.0, 10.0, goal(0, 50)))))
    zero = np.zeros_like(x)
    course = follow(scenario, Trajectory(x, y, heading, zero, zero), 0, BMW_320I)
    return [scenario.road_map.lane_ids[lane] if lane >= 0 else "" for lane in course.lane], course


def test_a_lane_change_moves_on_along_the_road_and_not_across_it(tmp_path):
    x = np.linspace(10.0, 60.0, 26)
    y = np.clip((x - 20.0) / 30.0, 0.0, 1.0) * 3.5
    lanes, course = followed(tmp_path, TWO_LANES, x, y, np.zeros_like(x))
    assert (lanes[0], lanes[-1]) == ("1", "2")
    assert course.along_m == pytest.approx(x - 10.0)
    assert course.d_m[[0, -1]] == pytest.approx([0.0, 0.0])
    assert np.array_equal(course.crosses_border, np.abs(course.d_m) + 0.5 * BMW_320I.width_m > 1.75)


def test_at_a_fork_the_branch_driven_is_the_one_followed(tmp_path):
    def bent(side):
        left = [(50.0, 1.75), (70.0, 1.75 + side * 2.0), (90.0, 1.75 + side * 8.0)]
        return left, [(x, y - 3.5) for x, y in left]

    fork = strip(1, 0.0, x1=50.0, more='<successor ref="2"/><successor ref="3"/>')
    fork += lanelet(2, *bent(1.0), '<predecessor ref="1"/>') + lanelet(3, *bent(-1.0), '<predecessor ref="1"/>')
    x = np.linspace(10.0, 88.0, 40)
    for side, name in ((1.0, "2"), (-1.0, "3")):
        y = side * np.interp(x, [50.0, 70.0, 90.0], [0.0, 2.0, 8.0])
        lanes, course = followed(tmp_path, fork, x, y, np.arctan2(np.gradient(y), np.gradient(x)))
        assert lanes[-1] == name
        assert course.along_m[-1] == pytest.approx(np.sum(np.hypot(np.diff(x), np.diff(y))), abs=0.3)


def test_beside_the_road_there_is_no_lane(tmp_path):
    x = np.linspace(10.0, 20.0, 6)
    lanes, course = followed(tmp_path, TWO_LANES, x, np.full(6, -8.0), np.zeros(6))
    assert set(lanes) == {""}
    assert course.along_m[-1] == pytest.approx(10.0)
    assert np.isinf(course.gap_m).all()
