"""The law of the road as data: every market is complete, and what it says is what the car does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from roads import drive, lane, straight, to_lane

from marque.driving.goal import Goal
from marque.driving.law import First, RoadKind, lasts_s
from marque.driving.map import Colour, Turn, Yield
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import CrossingSpec, RoadSpec, SignalSpec
from marque.driving.markets import (
    CHINA,
    GERMANY,
    MARKETS,
    UNITED_KINGDOM,
    UNITED_STATES,
    market_of,
)
from marque.driving.observation import Kind
from marque.vehicle import VehicleState


def test_every_country_has_one_market_and_unknown_ones_that_of_their_side():
    countries = [country for market in MARKETS for country in market.countries]
    assert len(countries) == len(set(countries))
    assert all(market_of(country, market.right_hand_traffic) is market for market in MARKETS for country in market.countries)
    assert market_of("", True) is market_of("ITA", True) is GERMANY
    assert market_of("", False) is market_of("AUS", False) is market_of("DEU", False) is UNITED_KINGDOM


def test_limits_rise_from_town_to_motorway_and_amber_lasts_no_shorter_where_one_drives_faster():
    for market in MARKETS:
        assert market.limit_mps(RoadKind.URBAN) <= market.limit_mps(RoadKind.RURAL) <= market.limit_mps(RoadKind.MOTORWAY)
        lasts = [lasts_s(market.amber, limit) for limit in np.linspace(5.0, 35.0, 31)]
        assert lasts == sorted(lasts)
        assert 2.9 < lasts[0] <= lasts[-1] < 6.1
    assert lasts_s(GERMANY.amber, 70.0 / 3.6) == pytest.approx(5.0, abs=0.05)
    assert lasts_s(UNITED_STATES.amber, 45.0 * 0.44704) == pytest.approx(4.3, abs=0.2)  # CA MUTCD table 4D-102


def drive_state(x, speed, y=0.0):
    return VehicleState(x, y, 0.0, speed, 0.0, 0.0)


def crossing(country, right_hand=True):
    """Eastbound and northbound meet at (100, 0) without signs: northbound comes from eastbound's right."""
    lanes = [
        lane("west", straight(0, 0, 90, 0), successors=["across"]),
        lane("across", straight(90, 0, 110, 0, 8), junction="j", successors=["east"]),
        lane("east", straight(110, 0, 200, 0)),
        lane("south", straight(100, -100, 100, -10), successors=["up"]),
        lane("up", straight(100, -10, 100, 10, 8), junction="j", successors=["north"]),
        lane("north", straight(100, 10, 100, 100)),
    ]
    return build_road_map(RoadSpec("crossing", "test", lanes, country=country, right_hand_traffic=right_hand))


def owed(road, one, other):
    lanes, conflicts = road.arrays.lanes, road.arrays.conflicts
    own = lanes[road.lane_ids.index(one)]
    found = conflicts[own["conflict_first"] : own["conflict_first"] + own["conflict_count"]]
    return Yield(int(found["yields"][found["other"] == road.lane_ids.index(other)][0]))


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_where_nothing_is_signed_the_markets_side_goes_first(market):
    road = crossing(market.countries[0], market.right_hand_traffic)
    expected = {
        First.FROM_THE_RIGHT: (Yield.YIELD, Yield.NONE),
        First.FROM_THE_LEFT: (Yield.NONE, Yield.YIELD),
        First.NOBODY: (Yield.ALTERNATE, Yield.ALTERNATE),
    }[market.first]
    assert (owed(road, "across", "up"), owed(road, "up", "across")) == expected


def turn_right():
    """A right turn at a light; the street it leads into crosses nothing else."""
    angle = np.linspace(0.0, 0.5 * np.pi, 15)
    bend = np.column_stack((100 + 12 * np.sin(angle), -12 + 12 * np.cos(angle)))
    lanes = [
        lane("before", straight(0, 0, 100, 0), successors=["turn"]),
        lane("turn", bend, junction="j", turn=Turn.RIGHT, signal="s", successors=["behind"]),
        lane("behind", straight(112, -12, 112, -120)),
    ]
    return build_road_map(RoadSpec("turn", "test", lanes, signals=[SignalSpec("s", [(60.0, Colour.RED)])]))


@pytest.mark.parametrize(("market", "goes", "stops"), [(GERMANY, False, True), (UNITED_STATES, True, True), (CHINA, True, False)])
def test_at_red_it_turns_right_where_the_law_lets_it(market, goes, stops):
    road = turn_right()
    start = drive_state(60.0, 8.0)
    _, states, _ = drive(road, to_lane(road, "behind"), start, 20.0, colour=lambda _t: Colour.RED, market=market)
    assert (states[-1].y_m < -20.0) == goes
    slowest = min(state.speed_mps for state in states if state.x_m < 99.0)
    assert (slowest < 0.4) == stops
    assert goes or states[-1].x_m + 2.254 < 100.0


def test_who_waits_at_the_kerb_is_let_cross_where_the_law_says_so():
    lanes = [lane("ours", straight(0, 0, 300, 0))]
    zebra = CrossingSpec("zebra", np.array([(100.0, -3.0), (100.0, 3.0)]), 4.0)
    road = build_road_map(RoadSpec("zebra", "test", lanes, [zebra]))
    slowest = {}
    for market in (GERMANY, UNITED_STATES):
        waits = (3, Kind.PEDESTRIAN, 100.0, -4.0, 0.5 * math.pi, 0.0, 0.5, 0.5)
        _, states, touched = drive(road, to_lane(road, "ours"), drive_state(50.0, 10.0), 5.5, lambda _t, w=waits: (w,), market=market)
        assert not any(touched)
        slowest[market.name] = min(state.speed_mps for state in states)
    assert 2.0 * slowest["Germany"] < slowest["United States"]


def fast_road(length=1500.0):
    right = lane("right", straight(0, 0, length, 0), limit=33.0, left_neighbour="left")
    left = lane("left", straight(0, 3.5, length, 3.5), limit=33.0, right_neighbour="right")
    return build_road_map(RoadSpec("fast road", "test", [right, left]))


def slow_in_the_left_lane(t):
    return ((4, Kind.CAR, 130.0 + 20.0 * t, 3.5, 0.0, 20.0, 4.5, 1.8),)


@pytest.mark.parametrize(("market", "past"), [(GERMANY, False), (UNITED_STATES, True)])
def test_it_drives_past_on_the_near_side_only_where_that_is_lawful(market, past):
    road = fast_road()
    _, states, touched = drive(road, to_lane(road, "right"), drive_state(50.0, 26.0), 24.0, slow_in_the_left_lane, market=market)
    assert not any(touched)
    assert (states[-1].x_m > slow_in_the_left_lane(24.0)[0][2]) == past


@pytest.mark.parametrize(("market", "back"), [(GERMANY, True), (UNITED_STATES, False)])
def test_on_an_empty_road_outside_towns_it_goes_back_to_the_near_lane_where_the_law_wants_it(market, back):
    road = fast_road()
    _, states, _ = drive(road, (Goal((0.0, np.inf), lanes=(0, 1)),), drive_state(50.0, 26.0, 3.5), 14.0, market=market)
    assert (abs(states[-1].y_m) < 0.7) == back


def test_at_amber_that_it_cannot_reach_in_time_it_brakes_harder_than_is_comfortable():
    """From 80 km/h, 68 m before the line: stopping takes 3.6 m/s²; at this speed it is 68 / 22.2 = 3.1 s to the line."""
    lanes = [
        lane("before", straight(0, 0, 100, 0), limit=13.9, successors=["inside"]),
        lane("inside", straight(100, 0, 115, 0, 5), limit=13.9, junction="j", signal="s", successors=["behind"]),
        lane("behind", straight(115, 0, 300, 0)),
    ]
    road = build_road_map(RoadSpec("light", "test", lanes, signals=[SignalSpec("s", [(60.0, Colour.AMBER)])]))
    start = drive_state(100.0 - 68.0 - 2.254, 22.2)
    _, states, _ = drive(road, to_lane(road, "behind"), start, 8.0, colour=lambda _t: Colour.AMBER, market=CHINA)
    assert states[-1].x_m + 2.254 < 101.0
