"""Who comes from behind is left to brake, at a fork as on one lane; who comes past, or from aside, is looked out for."""

import numpy as np
import pytest
from roads import lane, observation, straight, to_lane

from marque.driving.behind import gap_behind
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.pilot import Pilot
from marque.vehicle import BMW_320I, VehicleState, step


def parting():
    """Eastwards to x = 100, and on along two lanes that lie over each other and part slowly."""
    x = np.linspace(100.0, 160.0, 40)
    aside = np.column_stack((x, -0.0025 * (x - 100.0) ** 2))
    lanes = [
        lane("in", straight(0, 0, 100, 0), successors=["on", "aside"]),
        lane("on", straight(100, 0, 160, 0), junction="j", successors=["out"]),
        lane("aside", aside, junction="j"),
        lane("out", straight(160, 0, 400, 0)),
    ]
    return build_road_map(RoadSpec("parting", "test", lanes))


def follows(t, x, y=0.0, speed=10.0, heading=0.0):
    return (7, Kind.CAR, x + speed * t * np.cos(heading), y + speed * t * np.sin(heading), heading, speed, 4.5, 1.8)


def gaps(road, state, other):
    """The gap of each hypothesis of somebody, after one cycle."""
    pilot = Pilot(road)
    pilot.begin(to_lane(road, "out"))
    pilot.cycle(state, observation(0.0, road, other))
    mind = pilot._mind
    modes = range(mind.predictions.used[0])
    return [gap_behind(mind.perception.tracks, mind.predictions, mode, mind.paths, BMW_320I) for mode in modes]


@pytest.mark.parametrize("ego_m", [80.0, 100.0, 112.0, 120.0])
def test_wherever_two_ways_part_who_is_close_behind_follows_on_either(ego_m):
    found = gaps(parting(), VehicleState(ego_m, 0.0, 0.0, 6.0, 0.0, 0.0), follows(0.0, ego_m - 10.0))
    assert found
    assert all(gap == pytest.approx(10.0 - 0.5 * (BMW_320I.length_m + 4.5), abs=0.05) for gap in found)


ELSEWHERE = (
    follows(0.0, 102.0, y=2.6),
    follows(0.0, 125.0),
    follows(0.0, 125.0, heading=np.pi),
    follows(0.0, 112.0, y=-12.0, heading=0.5 * np.pi),
)
"""Beside the way, ahead, head-on, across."""


@pytest.mark.parametrize("other", ELSEWHERE)
def test_who_comes_past_or_ahead_or_towards_the_car_does_not_follow(other):
    assert all(gap == np.inf for gap in gaps(parting(), VehicleState(112.0, 0.0, 0.0, 6.0, 0.0, 0.0), other))


@pytest.mark.parametrize(
    ("speed", "behind_m", "their_mps", "ahead_m", "leads_mps"), [(5.0, 9.5, 9.0, 18.0, 0.0), (6.0, 8.5, 10.0, 24.0, 3.0)]
)
def test_it_does_not_brake_hard_for_who_comes_faster_from_behind_where_ways_part(speed, behind_m, their_mps, ahead_m, leads_mps):
    """Somebody ahead keeps it from driving away."""
    road, hardest = parting(), 0.0
    pilot, state = Pilot(road), VehicleState(110.0, 0.0, 0.0, speed, 0.0, 0.0)
    pilot.begin(to_lane(road, "out"))
    for k in range(9):
        ahead = (8, Kind.CAR, 110.0 + ahead_m + 0.1 * k * leads_mps, 0.0, 0.0, leads_mps, 4.5, 1.8)
        command = pilot.cycle(state, observation(0.1 * k, road, follows(0.1 * k, 110.0 - behind_m, speed=their_mps), ahead))
        hardest = max(hardest, -command.acceleration_mps2)
        state = VehicleState(*step(state, command, 0.1, BMW_320I))
    assert hardest < 2.0
