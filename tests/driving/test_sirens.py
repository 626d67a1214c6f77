"""Who comes with siren and lights on is let pass, at green too, and finds room made for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from roads import crossroads, drive, lane, straight, to_lane, two_way

from marque.driving.goal import Goal
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.markets import GERMANY, JAPAN, UNITED_STATES
from marque.driving.observation import Kind
from marque.driving.view import Reason
from marque.vehicle import VehicleState

AMBULANCE = 5


def from_behind(t):
    return ((AMBULANCE, Kind.CAR, -40.0 + 16.0 * t, 1.7, 0.0, 16.0, 5.9, 2.0),)


def at(x, speed):
    return VehicleState(x, 0.0, 0.0, speed, 0.0, 0.0)


@pytest.mark.parametrize("loud", [True, False])
def test_it_makes_way_on_the_near_side_for_a_siren_from_behind_and_for_nobody_else(loud):
    road = two_way()
    pilot, states, _ = drive(road, to_lane(road, "ours"), at(50.0, 10.0), 8.0, from_behind, loud=(AMBULANCE,) if loud else ())
    rightmost = min(state.y_m for state in states)
    assert (rightmost < -0.35) == loud
    assert (pilot.reason() == Reason.SIREN) == loud


def test_where_the_law_wants_it_it_stops_until_the_siren_is_past_and_then_drives_on():
    road = two_way(500.0)
    slowest = {}
    for market in (GERMANY, UNITED_STATES):
        _, states, _ = drive(road, to_lane(road, "ours"), at(50.0, 10.0), 20.0, from_behind, loud=(AMBULANCE,), market=market)
        slowest[market.name] = min(state.speed_mps for state in states)
        assert states[-1].speed_mps > 8.0
    assert slowest["United States"] < 1.0 < slowest["Germany"]


@pytest.mark.parametrize("loud", [True, False])
def test_with_priority_it_lets_a_siren_cross_that_does_not_slow_down(loud):
    road = crossroads(ego_yields=False)

    def crosses(t):
        return ((AMBULANCE, Kind.CAR, 100.0, 86.0 - 12.0 * t, -0.5 * math.pi, 12.0, 5.9, 2.0),)

    _, states, touched = drive(road, to_lane(road, "east"), at(15.0, 11.0), 12.0, crosses, loud=(AMBULANCE,) if loud else ())
    assert not any(touched)
    if loud:
        entered = next(k for k, state in enumerate(states) if state.x_m + 2.254 > 98.5)
        assert crosses(0.1 * entered)[0][3] < 0.0


@pytest.mark.parametrize(("market", "sign"), [(GERMANY, 1.0), (JAPAN, 0.0)])
def test_in_a_jam_on_a_motorway_it_keeps_to_the_side_that_leaves_a_corridor_where_there_is_such_a_law(market, sign):
    """Away from the other lane, whichever lane it is on."""
    right = lane("right", straight(0, 0, 600, 0), limit=33.0, left_neighbour="left", width=3.75)
    left = lane("left", straight(0, 3.75, 600, 3.75), limit=33.0, right_neighbour="right", width=3.75)
    road = build_road_map(RoadSpec("motorway", "test", [right, left]))

    def jam(t):
        return tuple((k, Kind.CAR, 25.0 + 9.0 * (k // 2) + 2.0 * t, 3.75 * (k % 2), 0.0, 2.0, 4.5, 1.8) for k in range(6))

    for y in (0.0, 3.75):
        start = VehicleState(12.0, y, 0.0, 2.0, 0.0, 0.0)
        _, states, touched = drive(road, (Goal((0.0, np.inf), lanes=(0, 1)),), start, 10.0, jam, market=market)
        aside = (states[-1].y_m - y) * (1.0 if y > 0.0 else -1.0)
        assert not any(touched)
        assert aside == pytest.approx(0.65 * sign, abs=0.2)
