"""Which lines a cycle draws."""

from dataclasses import replace

import numpy as np
import pytest
from roads import lane, observation, straight, two_lanes

from marque.driving.goal import Goal
from marque.driving.lines import EDGE_CELLS
from marque.driving.map import DRIVABLE, Road
from marque.driving.map.build import build_road_map
from marque.driving.map.query import on_road
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.pilot import Pilot
from marque.vehicle import VehicleState

ROAD = two_lanes()


def drawn(speed, until_s, y=0.0):
    """(path kinds, offsets of the cells) of every line of a first cycle on the right lane, y m off its middle, to a goal on the left."""
    pilot = Pilot(ROAD)
    pilot.begin((Goal((0.0, until_s), lanes=(ROAD.lane_ids.index("left"),)),))
    pilot.cycle(VehicleState(50.0, y, 0.0, speed, 0.0, 0.0), observation(0.0, ROAD))
    lines = pilot._mind.lines
    kinds = [int(lines.line["path"][i]) for i in range(lines.used[0])]
    return kinds, [lines.cell["offset"][i, : lines.line["cells"][i]] for i in range(lines.used[0])]


@pytest.mark.parametrize("speed", [3.0, 12.0, 25.0])
@pytest.mark.parametrize(("y", "gently"), [(0.0, 0), (0.6, 1), (-0.3, 1)])
def test_no_line_is_drawn_twice_and_back_to_the_middle_leads_a_gentler_one_where_there_is_a_way(speed, y, gently):
    kinds, offsets = drawn(speed, np.inf, y)
    back = [offset for kind, offset in zip(kinds, offsets, strict=True) if kind == 0 and abs(offset[60]) < 0.01]
    assert len(back) == 1 + gently * (speed > 5.0)
    assert len({offset.tobytes() for offset in offsets}) == len(offsets)


@pytest.mark.parametrize("speed", [3.0, 12.0, 25.0])
def test_with_a_time_to_keep_lanes_are_left_at_once_and_later(speed):
    kinds, offsets = drawn(speed, 8.0)
    leaves = [int(np.argmax(np.abs(offset - offset[0]) > 0.2)) for kind, offset in zip(kinds, offsets, strict=True) if kind == 1]
    assert min(leaves) <= 0.5 * speed + 4.0
    assert max(leaves) >= 36
    for kind, offset in zip(kinds, offsets, strict=True):
        if kind == 1:
            assert offset[0] == pytest.approx(-3.5, abs=0.05)  # beside the left lane's middle, which it comes to
            assert (np.diff(offset) > -1e-6).all()
            assert len(offset) < 100 or offset[-1] == pytest.approx(0.0, abs=0.1)


def test_without_a_time_to_keep_every_cycle_may_change_at_once_and_none_does_later():
    kinds, offsets = drawn(12.0, np.inf)
    leaves = [int(np.argmax(np.abs(offset - offset[0]) > 0.2)) for kind, offset in zip(kinds, offsets, strict=True) if kind == 1]
    assert len(leaves) == 3
    assert max(leaves) < 30


@pytest.mark.parametrize(("until_s", "low_m", "high_m"), [(8.0, 10.0, 14.0), (np.inf, 16.0, 22.0)])
def test_it_swerves_as_hard_as_it_must_only_with_a_time_to_keep(until_s, low_m, high_m):
    """At 12 m/s a metre and a half aside: after 12 m with a peak of 5 m/s² across, after 18 m with one of 2."""
    kinds, offsets = drawn(12.0, until_s)
    aside = [int(np.argmax(np.abs(offset - offset[0]) > 1.45)) for kind, offset in zip(kinds, offsets, strict=True) if kind == 0]
    assert low_m < min(metres for metres in aside if metres > 0) < high_m


@pytest.mark.parametrize("narrow_m", [0.4, 1.2, 2.0, 3.5])
def test_no_cell_is_free_of_the_edge_whose_body_is_not_on_the_road_where_the_lane_beside_grows_narrow(narrow_m):
    """A lane beside that is wide where it begins tells nothing of how wide it is ahead."""
    along = straight(0, 0, 200, 0, 60)
    width = np.interp(along[:, 0], [0.0, 60.0, 90.0, 200.0], [3.5, 3.5, narrow_m, narrow_m])
    border = along + np.array([0.0, 1.75])
    wedge = LaneSpec(
        "left", border + 0.5 * np.column_stack((0.0 * width, width)), border + np.column_stack((0.0 * width, width)), border, Road.CAR, 20.0
    )
    road = build_road_map(RoadSpec("wedge", "test", [lane("right", along, left_neighbour="left"), replace(wedge, right_neighbour="right")]))
    pilot = Pilot(road)
    pilot.begin((Goal((0.0, np.inf), lanes=(road.lane_ids.index("right"),)),))
    free = 0
    for x in range(20, 100, 4):
        pilot.cycle(VehicleState(float(x), 0.3, 0.02, 12.0, 0.0, 0.0), observation(0.0, road))
        lines, car = pilot._mind.lines, pilot.vehicle
        for i in range(lines.used[0]):
            for cell in lines.cell[i, : min(EDGE_CELLS, lines.line["cells"][i])]:
                if cell["outside"]:
                    continue
                free += 1
                for a in np.linspace(-0.5, 0.5, 9) * car.length_m:
                    for b in (-0.5 * car.width_m, 0.5 * car.width_m):
                        at = cell["body_x"] + a * cell["ux"] - b * cell["uy"], cell["body_y"] + a * cell["uy"] + b * cell["ux"]
                        assert at[0] > 199.0 or on_road(road.arrays, *at, DRIVABLE)
    assert free > 2000
