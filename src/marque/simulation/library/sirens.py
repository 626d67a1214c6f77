"""Scenes in which an emergency vehicle comes with siren and lights on."""

from __future__ import annotations

from marque.simulation.library.actors import AMBULANCE, CAR, drive
from marque.simulation.library.junctions import lit, through
from marque.simulation.library.roads import EAST, NORTH, SOUTH, WEST, beside, junction, motorway, straight, street
from marque.simulation.library.scene import Scene, task

_LANE_M = 3.75


def from_behind(*, limit_mps: float, behind_m: float, speed_mps: float) -> Scene:
    """An ambulance comes up from behind and passes over the middle of the road: whoever stays in the middle of its lane is in its way."""
    road = street(320.0, limit_mps)
    own = road.way("ahead")
    passing = drive(AMBULANCE, beside(own, 1.65), 90.0 - behind_m, [(0.0, speed_mps)])
    return Scene(road, [passing], *task(own, 90.0, 200.0, limit_mps - 1.0, limit_mps, 8.0), ("urban", "two_lane", "evasive"))


def across(*, limit_mps: float, from_m: float, speed_mps: float) -> Scene:
    """The light is green, and an ambulance crosses at red."""
    own, theirs = [("green", 60.0)], [("red", 60.0)]
    road = junction([lit(SOUTH, *own), lit(EAST, *theirs), lit(NORTH, *own), lit(WEST, *theirs)], limit_mps)
    crossing = through(road, "E>W", from_m, [(0.0, speed_mps)], AMBULANCE)
    way = road.way("S in", "S>N", "N out")
    return Scene(road, [crossing], *task(way, 45.0, 160.0, limit_mps - 1.0, limit_mps, 7.0), ("urban", "intersection", "evasive"))


def corridor(*, behind_m: float, speed_mps: float, lane: int) -> Scene:
    """In a jam on a motorway a way between the lanes is kept free, and an ambulance comes along it.

    lane: the ego's; the ambulance drives a little over on its side.
    """
    road = motorway(420.0, 33.3, 2)
    others = []
    for place, (front_m, crawl_mps) in enumerate(((60.0, 2.5), (71.0, 2.5), (45.0, 2.5), (57.0, 2.5), (69.0, 2.5))):
        side = place // 2 if lane == 0 else 1 - place // 2
        side = min(1, max(0, side))
        aside = -0.75 if side == 0 else 0.75
        if place < 2 or abs(front_m - 40.0) > 4.0:
            others.append(drive(CAR, beside(road.way(str(side)), aside), front_m, [(0.0, crawl_mps)]))
    lean = -0.3 if lane == 0 else 0.3
    line = straight((0.0, 0.5 * _LANE_M + lean, 0.0), 420.0)
    coming = drive(AMBULANCE, line, 40.0 - behind_m, [(0.0, speed_mps)])
    asked = task(road.way(str(lane)), 40.0, 70.0, 2.5, 4.0, 14.0, 3.2 * _LANE_M)
    return Scene(road, [*others, coming], *asked, ("interstate", "multi_lane", "traffic_jam", "no_oncoming_traffic"))
