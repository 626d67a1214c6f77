"""Scenes in which somebody comes out of where one cannot see: x along the street, or a junction around the origin."""

from __future__ import annotations

import math

from marque.simulation.library.actors import ADULT, CAR, CHILD, HOUSE, MOTORCYCLE, PARKED_VAN, VAN, drive, park, walk
from marque.simulation.library.junctions import through
from marque.simulation.library.roads import EAST, NORTH, PRIORITY_SIGN, SOUTH, WEST, YIELD_SIGN, beside, junction, signed, straight, street
from marque.simulation.library.scene import Scene, task

_TAGS = ("urban", "two_lane", "comfort")
_HALF_CAR_M = 0.8


def child_between_vans(*, limit_mps: float, gap_m: float, runs_mps: float, vans: int) -> Scene:
    """A child runs out between parked vans that stand a little beside the lane.

    gap_m: between the side of a car in the middle of its lane and the vans. The child is where the middle of the car's front would be if
    nobody slowed down (as in Euro NCAP's CPNCO-50).
    """
    road, first_m, lane_m = street(200.0, limit_mps), 70.0, 1.75
    own = road.way("ahead")
    van_y = -lane_m - _HALF_CAR_M - gap_m - 0.5 * VAN.width_m
    places = [first_m + (VAN.length_m + 1.6) * k for k in range(vans)]
    parked = [park(PARKED_VAN, (x, van_y, 0.0)) for x in places]
    out_m = places[-1] + 0.5 * VAN.length_m + 0.8
    way = _HALF_CAR_M + gap_m + VAN.width_m + 0.5
    hit_s = (out_m - 2.25 - 25.0) / limit_mps
    runs_s = hit_s - way / runs_mps
    runner = walk(CHILD, (out_m, -lane_m - way), (out_m, 8.0), [(runs_s - 0.2, 0.0), (runs_s + 0.2, runs_mps)])
    return Scene(road, [*parked, runner], *task(own, 25.0, 140.0, limit_mps, limit_mps, 5.0), (*_TAGS, "evasive"))


def crossing_behind_van(*, limit_mps: float, walks_mps: float, from_right: bool) -> Scene:
    """Somebody walks onto a crossing from behind a van that is parked just before it, or that stands in the oncoming lane."""
    road, at_m = street(200.0, limit_mps), 90.0
    road.cross("crossing", straight((at_m, -3.5, 0.5 * math.pi), 7.0), 4.0)
    side = -1.0 if from_right else 1.0
    place = (at_m - 6.0, -3.4 - 0.5 * VAN.width_m, 0.0) if from_right else (at_m - 6.0, 2.0, math.pi)
    way, meets_s = 4.6, (at_m - 25.0) / limit_mps
    sets_off_s = max(0.0, meets_s - (way - 1.5) / walks_mps)
    walker = walk(ADULT, (at_m, side * way), (at_m, -side * 8.0), [(sets_off_s, 0.0), (sets_off_s + 0.3, walks_mps)])
    asked = task(road.way("ahead"), 25.0, 135.0, limit_mps, limit_mps, 6.0)
    return Scene(road, [park(PARKED_VAN, place), walker], *asked, (*_TAGS, "evasive"))


def blind_junction(*, limit_mps: float, from_right_m: float, corner_m: float) -> Scene:
    """A junction without signs between houses: a car comes from the right and cannot be seen before.

    corner_m: from the middle of either street to the house at its corner.
    """
    road = junction([SOUTH, EAST, NORTH, WEST], limit_mps)
    houses = [park(HOUSE, (sx * (corner_m + 9.0), -(corner_m + 9.0), 0.0)) for sx in (-1.0, 1.0)]
    other = through(road, "E>W", from_right_m, [(0.0, limit_mps)])
    way = road.way("S in", "S>N", "N out")
    return Scene(road, [*houses, other], *task(way, 45.0, 165.0, limit_mps, limit_mps, 7.0), (*_TAGS, "intersection"))


def motorcycle_behind_van(*, limit_mps: float, van_m: float, behind_m: float, turn: str) -> Scene:
    """A van turns off into the ego's street and hides a motorcycle that goes straight on with right of way.

    van_m: how far from the start of its lane the van begins; behind_m: how far behind it the motorcycle does.
    """
    road = junction([signed(SOUTH, YIELD_SIGN), signed(EAST, PRIORITY_SIGN), signed(WEST, PRIORITY_SIGN)], limit_mps)
    slows_s = (95.0 - van_m) / 8.0
    van = through(road, "W>S", van_m, [(slows_s, 8.0), (slows_s + 1.5, 5.0)], VAN)
    rider = through(
        road, "W>E", van_m - behind_m, [(slows_s, 8.0), (slows_s + 1.0, 6.0), (slows_s + 3.0, 6.0), (slows_s + 6.0, 9.0)], MOTORCYCLE
    )
    way = road.way("S in", f"S>{turn}", f"{turn} out")
    return Scene(road, [van, rider], *task(way, 60.0, 165.0, limit_mps - 4.0, limit_mps, 9.0), (*_TAGS, "intersection"))


def oncoming_behind_turner(*, limit_mps: float, rider_m: float) -> Scene:
    """A left turn past a van that waits to turn left itself and hides who comes straight on beside it."""
    main = [signed(arm, PRIORITY_SIGN) for arm in (SOUTH, NORTH)]
    road = junction([*main, *(signed(arm, YIELD_SIGN) for arm in (EAST, WEST))], limit_mps)
    waiting = park(PARKED_VAN, (-0.5, 6.5, -0.5 * math.pi + 0.15))
    rider = drive(MOTORCYCLE, beside(road.way("N in", "N>S", "S out"), -1.3), rider_m, [(0.0, 10.0)])
    following = through(road, "N>S", 5.0, [(0.0, 8.0), (8.0, 8.0), (12.0, 0.0)], CAR)
    way = road.way("S in", "S>W", "W out")
    return Scene(road, [waiting, rider, following], *task(way, 50.0, 160.0, limit_mps - 2.0, limit_mps, 9.0), (*_TAGS, "turn_left"))
