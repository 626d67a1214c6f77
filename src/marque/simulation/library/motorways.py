"""Scenes on motorways: x along the road, lane 0 the rightmost, its middle on the x axis."""

from __future__ import annotations

import numpy as np

from marque.simulation.library.actors import CAR, TRUCK, drive
from marque.simulation.library.roads import motorway, off_ramp, on_ramp, pose_at, straight
from marque.simulation.library.scene import Scene, task

_TAGS = ("interstate", "multi_lane", "no_oncoming_traffic")
_WIDTH_M = 3.75


def follow(*, limit_mps: float, gap_m: float, slow_mps: float, braking_mps2: float) -> Scene:
    """The car ahead brakes, drives slowly for a while and speeds up again."""
    road = motorway(520.0, limit_mps, 1)
    brakes_s = 2.0 + (limit_mps - slow_mps) / braking_mps2
    profile = [(2.0, limit_mps), (brakes_s, slow_mps), (brakes_s + 2.0, slow_mps), (brakes_s + 8.0, limit_mps)]
    ahead = drive(CAR, road.way("0"), 40.0 + gap_m, profile)
    tags = ("interstate", "single_lane", "lane_following", "emergency_braking", "no_oncoming_traffic")
    return Scene(road, [ahead], *task(road.way("0"), 40.0, 280.0, limit_mps, limit_mps, 6.0), tags)


def cut_in_from_left(*, limit_mps: float, gap_m: float, slower_mps: float) -> Scene:
    """A slower car moves over into the ego's lane from the left.

    gap_m: how far ahead it is at first, between the middles of both.
    """
    return _cut_in(1, limit_mps, gap_m, slower_mps)


def cut_in_from_right(*, limit_mps: float, gap_m: float, slower_mps: float) -> Scene:
    """A slower car moves over into the ego's lane from the right."""
    return _cut_in(-1, limit_mps, gap_m, slower_mps)


def _cut_in(side: int, limit_mps: float, gap_m: float, slower_mps: float) -> Scene:
    road = motorway(620.0, limit_mps, 3)
    cutting = drive(CAR, road.way(str(1 + side)), 40.0 + gap_m, [(0.0, limit_mps - slower_mps)], [(1.0, 4.0, -side * _WIDTH_M)])
    ahead = drive(CAR, road.way("1"), 170.0, [(0.0, limit_mps)])
    asked = task(road.way("1"), 40.0, 320.0, limit_mps - 1.0, limit_mps, width_m=3.0 * _WIDTH_M)
    return Scene(road, [cutting, ahead], *asked, (*_TAGS, "illegal_cutin", "critical"))


def cut_out(*, limit_mps: float, slow_mps: float, reveal_m: float) -> Scene:
    """The car ahead leaves the lane and reveals a slow truck.

    reveal_m: how far ahead of that car the truck is when it begins to leave.
    """
    road = motorway(620.0, limit_mps, 2)
    leaves_s, leader_m = 1.5, 85.0
    slow_m = leader_m + reveal_m + (limit_mps - slow_mps) * leaves_s
    leaving = drive(CAR, road.way("0"), leader_m, [(0.0, limit_mps)], [(leaves_s, 3.5, _WIDTH_M)])
    slow = drive(TRUCK, road.way("0"), slow_m, [(0.0, slow_mps)])
    asked = task(road.way("0"), 40.0, 320.0, limit_mps - 1.0, limit_mps, 3.0, 3.2 * _WIDTH_M)
    return Scene(road, [leaving, slow], *asked, (*_TAGS, "critical"))


def leave(*, limit_mps: float, other_mps: float, other_m: float) -> Scene:
    """The exit has to be taken from the right lane.

    other_m, other_mps: where on that lane a car begins, and its speed.
    """
    return _leave(0, limit_mps, other_mps, other_m)


def change_and_leave(*, limit_mps: float, other_mps: float, other_m: float) -> Scene:
    """The exit has to be taken from the left lane, past a car on the right one."""
    return _leave(1, limit_mps, other_mps, other_m)


def _leave(lane: int, limit_mps: float, other_mps: float, other_m: float) -> Scene:
    road = motorway(560.0, limit_mps, 2, 180.0, 400.0)
    off_ramp(road, 400.0, 22.0)
    other = drive(CAR, road.way("0 before", "0 beside", "0 after"), other_m, [(0.0, other_mps)])
    way = np.vstack([straight((0.0, -_WIDTH_M, 0.0), 179.0), road.way("extra", "ramp")])
    asked = task(way, 60.0, 420.0, limit_mps - 2.0, limit_mps, 3.0, start=(60.0, lane * _WIDTH_M, 0.0))
    return Scene(road, [other], *asked, (*_TAGS, "slip_road", "lane_change"))


def merge(*, limit_mps: float, traffic_mps: float, behind_m: float, ahead_m: float) -> Scene:
    """From the on-ramp into the right lane, between two cars.

    ahead_m, behind_m: how far along the road they are from the ego, at first.
    """
    road = motorway(700.0, limit_mps, 2, 200.0, 420.0)
    on_ramp(road, 200.0, limit_mps)
    ramp = road.way("ramp", "extra")
    lane = road.way("0 before", "0 beside", "0 after")
    cars = [(95.0 + ahead_m, traffic_mps), (95.0 - behind_m, traffic_mps)]
    others = [drive(CAR, lane, along, [(0.0, speed)]) for along, speed in cars]
    asked = task(lane, 95.0, 480.0, traffic_mps - 2.0, limit_mps, 3.0, 3.2 * _WIDTH_M, pose_at(ramp, 5.0))
    return Scene(road, others, *asked, (*_TAGS, "merging_lanes", "slip_road"))


def overtake(*, limit_mps: float, truck_mps: float, gap_m: float, second: bool) -> Scene:
    """A slow truck ahead; only who passes it comes to the goal in time.

    second: a fast car on the left lane passes first.
    """
    road = motorway(760.0, limit_mps, 2)
    others = [drive(TRUCK, road.way("0"), 60.0 + gap_m, [(0.0, truck_mps)])]
    if second:
        others.append(drive(CAR, road.way("1"), 62.0, [(0.0, limit_mps + 4.0)]))
    asked = task(road.way("0"), 60.0, 420.0, limit_mps - 2.0, limit_mps, width_m=3.2 * _WIDTH_M)
    return Scene(road, others, *asked, (*_TAGS, "lane_change"))


def queue(*, gap_m: float, crawl_mps: float) -> Scene:
    """The end of a jam that moves, stops and moves again."""
    road = motorway(420.0, 22.0, 2)
    others = []
    for place, (front_m, lag_s) in enumerate(((60.0, 0.8), (72.0, 0.0), (50.0, 1.4), (84.0, 0.0))):
        profile = [(0.0, crawl_mps), (2.0 + lag_s, 0.0), (5.0 + lag_s, 0.0), (8.0 + lag_s, crawl_mps + 1.0), (16.0, 2.0 * crawl_mps)]
        others.append(drive(CAR, road.way(str(place // 2)), front_m + gap_m, profile))
    asked = task(road.way("0"), 40.0, 40.0 + gap_m + 32.0, 12.0, 22.0, 12.0, 3.2 * _WIDTH_M)
    return Scene(road, others, *asked, (*_TAGS, "traffic_jam"))
