"""Scenes on streets with one lane each way; x along the road, the ego drives towards +x."""

from __future__ import annotations

import math

from marque.simulation.library.actors import ADULT, BICYCLE, CAR, CHILD, FENCE, PARKED_VAN, VAN, drive, emerge, park, walk
from marque.simulation.library.roads import beside, straight, street
from marque.simulation.library.scene import Scene, task

_TAGS = ("urban", "two_lane", "oncoming_traffic")


def follow(*, limit_mps: float, gap_m: float, stops: bool, bend_rad: float) -> Scene:
    """The car ahead brakes hard, to a stand if it stops, and drives on."""
    road = street(260.0, limit_mps, bend_rad=bend_rad)
    low = 0.0 if stops else 0.45 * limit_mps
    brakes_s = 2.0 + (limit_mps - low) / 4.0
    profile = [(2.0, limit_mps), (brakes_s, low), (brakes_s + 2.0, low), (brakes_s + 8.0, limit_mps)]
    ahead = drive(CAR, road.way("ahead"), 25.0 + gap_m, profile)
    return Scene(road, [ahead], *task(road.way("ahead"), 25.0, 150.0, limit_mps - 1.0, limit_mps, 8.0), (*_TAGS, "lane_following"))


def pedestrian(*, limit_mps: float, from_right: bool, speed_mps: float, early_m: float, walkers: int) -> Scene:
    """People walk over a crossing.

    early_m: how far before it the ego would be, at the limit, when the first of them sets off.
    """
    road, places = street(200.0, limit_mps), 90.0
    side = -1.0 if from_right else 1.0
    road.cross("crossing", straight((places, -3.5, 0.5 * math.pi), 7.0), 4.0)
    steps_on_s = max(0.0, (places - early_m - 30.0) / limit_mps)
    people = []
    for place in range(walkers):
        begin, end = (places + 0.9 * place - 0.9, side * 4.5), (places + 0.9 * place - 0.9, -side * 9.0)
        wait = steps_on_s + 0.7 * place
        people.append(walk(ADULT, begin, end, [(wait, 0.0), (wait + 0.4, speed_mps)]))
    return Scene(road, people, *task(road.way("ahead"), 30.0, 130.0, limit_mps - 0.5, limit_mps, 5.0), (*_TAGS, "comfort"))


def child(*, limit_mps: float, runs_mps: float, early_m: float) -> Scene:
    """A child runs out from behind a parked van.

    early_m: how far before its way the ego would be, at the limit, when it sets off, 2.6 m behind the van's outer side. It is in the
    record from the moment on when somebody who drives at the limit could see it.
    """
    road, van_m = street(180.0, limit_mps), 80.0
    own = road.way("ahead")
    van = park(PARKED_VAN, (van_m, -3.6 - 0.5 * VAN.width_m + 0.2, 0.0))
    runs_s = (van_m + 3.6 - early_m - 25.0) / limit_mps
    runner = walk(CHILD, (van_m + 3.6, -6.2), (van_m + 3.6, 8.0), [(runs_s - 0.5, 0.0), (runs_s, runs_mps)])
    watcher = drive(CAR, own, 25.0, [(0.0, limit_mps)])
    oncoming = drive(CAR, road.way("oncoming"), 110.0, [(0.0, 0.8 * limit_mps)])
    asked = task(own, 25.0, 120.0, limit_mps, limit_mps, 4.0)
    return Scene(road, [van, emerge(runner, van, watcher), oncoming], *asked, (*_TAGS, "evasive", "emergency_braking"))


def parked_van(*, limit_mps: float, into_lane_m: float, oncoming_m: tuple[float, ...]) -> Scene:
    """A van is parked half in the ego's lane, and cars come the other way.

    oncoming_m: how far from the start of their lane they begin.
    """
    road = street(240.0, limit_mps)
    van = park(PARKED_VAN, (95.0, -3.5 - 0.5 * VAN.width_m + into_lane_m, 0.0))
    others = [drive(CAR, road.way("oncoming"), along, [(0.0, limit_mps)]) for along in oncoming_m]
    return Scene(road, [van, *others], *task(road.way("ahead"), 30.0, 150.0, limit_mps - 1.0, limit_mps, 9.0), (*_TAGS, "evasive"))


def cyclist(*, limit_mps: float, rides_mps: float, gap_m: float, oncoming_m: tuple[float, ...], width_m: float) -> Scene:
    """A cyclist rides at the right border; who passes it, leaves room."""
    road = street(280.0, limit_mps, width_m)
    own = road.way("ahead")
    bicycle = drive(BICYCLE, beside(own, 0.6 - 0.5 * width_m), 30.0 + gap_m, [(0.0, rides_mps)])
    others = [drive(CAR, road.way("oncoming"), along, [(0.0, limit_mps)]) for along in oncoming_m]
    asked = task(own, 30.0, 160.0, limit_mps - 2.0, limit_mps, 5.0, 2.0 * width_m - 0.6)
    return Scene(road, [bicycle, *others], *asked, (*_TAGS, "lane_following"))


def narrow(*, limit_mps: float, width_m: float, oncoming_mps: float, bend_rad: float) -> Scene:
    """A street that is just wide enough for two; a van comes the other way near its own border."""
    road = street(220.0, limit_mps, width_m, bend_rad=bend_rad)
    theirs = road.way("oncoming")
    van = drive(VAN, beside(theirs, 1.1 - 0.5 * width_m), 35.0, [(0.0, oncoming_mps)])
    car = drive(CAR, beside(theirs, 1.05 - 0.5 * width_m), 12.0, [(0.0, oncoming_mps)])
    return Scene(road, [van, car], *task(road.way("ahead"), 20.0, 140.0, limit_mps - 1.0, limit_mps, 3.0), _TAGS)


def passage(*, limit_mps: float, own_side: bool, oncoming_m: float, waits: bool) -> Scene:
    """Only one fits past a parked van, and somebody comes the other way: who has the van on its side lets the other through.

    waits: the other one stops before the van and goes on when the ego must be past.
    """
    road, van_m = street(240.0, limit_mps, 3.0), 105.0
    side = -1.0 if own_side else 1.0
    van = park(PARKED_VAN, (van_m, side * (3.0 + 0.5 * VAN.width_m - 2.1), 0.0 if own_side else math.pi))
    profile = [(0.0, limit_mps)]
    if waits:
        way = 240.0 - van_m - 0.5 * (VAN.length_m + CAR.length_m) - 7.0 - oncoming_m
        brakes_s = way / limit_mps - 0.5 * limit_mps / 2.0
        profile = [(brakes_s, limit_mps), (brakes_s + limit_mps / 2.0, 0.0), (25.0, 0.0)]
    other = drive(CAR, road.way("oncoming"), oncoming_m, profile)
    return Scene(road, [van, other], *task(road.way("ahead"), 30.0, 150.0, limit_mps - 1.0, limit_mps, 9.0, 2.8), (*_TAGS, "evasive"))


def works(*, limit_mps: float, length_m: float, oncoming_m: tuple[float, ...]) -> Scene:
    """A fence of road works closes the right part of the lane for a while."""
    road = street(240.0, limit_mps)
    fence = [park(FENCE, (90.0 + 2.5 * k, -2.9, 0.0)) for k in range(round(length_m / 2.5))]
    others = [drive(CAR, road.way("oncoming"), along, [(0.0, limit_mps)]) for along in oncoming_m]
    return Scene(road, [*fence, *others], *task(road.way("ahead"), 30.0, 150.0, limit_mps - 1.0, limit_mps, 9.0), (*_TAGS, "evasive"))
