"""Who is at fault where one is run into from behind: on a bend as on a straight road."""

import numpy as np
import pytest

from marque.driving.map import Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.observation import Kind
from marque.simulation.judge import Trajectory
from marque.simulation.judge.blame import blame
from marque.simulation.scenario import ActorLog, Scenario
from marque.vehicle import BMW_320I, boxes_overlap

STEP_S, STEPS = 0.1, 40
CIRCLES = pytest.mark.parametrize("radius_m", [9.0, 15.0, 40.0, 1e5])


def on_circle(radius_m, along_m):
    """Poses (3, n) on a circle through the origin that begins eastwards and turns left, so far along it."""
    angle = np.asarray(along_m) / radius_m
    return np.stack((radius_m * np.sin(angle), radius_m * (1.0 - np.cos(angle)), angle))


def run_into(ego, ego_mps, chaser, chaser_mps):
    """What is blamed for when one pose of (3, n) first lies over the other."""
    nowhere = np.array([[0.0, 0.0], [1.0, 0.0]])
    road = build_road_map(RoadSpec("nowhere", "test", [LaneSpec("lane", nowhere, nowhere + 1.0, nowhere - 1.0, Road.CAR)]))
    column, one = np.ones((STEPS, 1)), np.ones(1, np.int32)
    log = ActorLog(
        ids=one, obstacles=one, kinds=np.array([Kind.CAR], np.uint8), stands=np.zeros(1, np.bool_), present=np.ones((STEPS, 1), np.bool_),
        length_m=4.5 * column, width_m=1.8 * column, x_m=chaser[0][:, None], y_m=chaser[1][:, None], heading_rad=chaser[2][:, None],
        speed_mps=chaser_mps * column,
    )  # fmt: skip
    driven = Trajectory(*ego, np.full(STEPS, ego_mps), np.zeros(STEPS))
    size = BMW_320I.length_m, BMW_320I.width_m
    hit = next(k for k in range(STEPS) if boxes_overlap(*ego[:, k], *size, *chaser[:, k], 4.5, 1.8))
    return blame(Scenario("bend", "test", STEP_S, road, log, ()), driven, 0, hit, 0, BMW_320I)


@CIRCLES
def test_who_keeps_its_way_is_not_blamed_for_who_follows_it_too_fast(radius_m):
    time = STEP_S * np.arange(STEPS)
    ego, chaser = on_circle(radius_m, 12.0 + 4.0 * time), on_circle(radius_m, 8.0 * time)
    at_fault, why = run_into(ego, 4.0, chaser, 8.0)
    assert not at_fault
    assert why == "rear-ended by a recorded actor that cannot yield"


@CIRCLES
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_who_moves_into_the_way_of_who_comes_from_behind_is_blamed(radius_m, side):
    time = STEP_S * np.arange(STEPS)
    ego, chaser = on_circle(radius_m, 12.0 + 4.0 * time), on_circle(radius_m, 8.0 * time)
    aside = side * np.maximum(0.0, 3.0 - 2.0 * time)
    ego[0], ego[1] = ego[0] - aside * np.sin(ego[2]), ego[1] + aside * np.cos(ego[2])
    assert run_into(ego, 4.0, chaser, 8.0) == (True, "rear-ended by an actor into whose way it had moved")
