"""Which lanes of a map traffic drives on: those from which it can always drive on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats, InputError, Ints, Record, Records
from marque.driving.map import Colour, MapArrays, Road, RoadMap, Turn
from marque.driving.map.components import strong_components
from marque.vehicle import kernel

LATERAL_COMFORT_MPS2 = 2.0
"""Sideways acceleration in curves that traffic does not exceed."""
_SLOWEST_CURVE_MPS = 2.0
_CURVE_WINDOW_M = 4.0
_SHARPEST_KINK_RAD = 1.0  # where one lane goes on into the next
_TIGHTEST_RADIUS_M = 3.5
_HEAVY_RADIUS_M = 10.0
_HEAVY_SHARE = 0.2
_EASY_SHARE = 0.5
_PASSING_M = 2.1  # two lanes whose centre lines are nearer have no room for two cars that meet
_MERGE_LANE_M = 100.0
"""A lane that ends is used where it is at least this long: there is time to change."""


class Roads(NamedTuple):
    """The choice of lanes, per lane of the map."""

    used: Bools
    heavy: Bools
    """Used by trucks and buses: open to them, wide in the bends; none where that would not be much of the road."""
    curve_mps: Floats
    """Speed in the sharpest bend, its joints with other lanes included, at LATERAL_COMFORT_MPS2."""
    links: Ints
    """(n, 2) lane, successor among the used ones."""


def choose_roads(road_map: RoadMap) -> Roads:
    """The largest strongly connected part of the car lanes; without turning round and kinks where most of it can do without.

    Raises InputError where a car cannot drive for ever.
    """
    arrays = road_map.arrays
    lanes = arrays.lanes
    cars = (lanes["road"] & int(Road.CAR)) != 0
    if not cars.any():
        raise InputError(road_map.source, "", "no lane is open to cars", "Choose a map with roads for cars.")
    cars &= ~_always_red(arrays)
    cars &= ~_too_narrow(arrays.points, lanes, cars)
    links = np.column_stack([np.repeat(np.arange(lanes.size), lanes["successor_count"]), arrays.successors]).astype(np.int32)
    kinks = _kinks(arrays, links)
    curve = _curve_speeds(arrays.points, lanes)
    smooth = links[kinks <= _SHARPEST_KINK_RAD]
    _slow_for_kinks(lanes, links, kinks, cars, curve)
    wide = curve * curve / LATERAL_COMFORT_MPS2
    everywhere, easy = (
        _round_trip(lanes, links, cars),
        _round_trip(lanes, smooth, cars & (lanes["turn"] != Turn.BACK) & (wide >= _TIGHTEST_RADIUS_M)),
    )
    metres = lanes["length"]
    used, kept = (easy, smooth) if metres[easy].sum() >= _EASY_SHARE * metres[everywhere].sum() else (everywhere, links)
    if not used.any():
        raise InputError(road_map.source, "", "no lane leads back to itself, cars would run out of road", "Choose a map with a round trip.")
    heavy = _round_trip(lanes, kept, used & ((lanes["road"] & int(Road.TRUCK)) != 0) & (wide >= _HEAVY_RADIUS_M))
    if metres[heavy].sum() < _HEAVY_SHARE * metres[used].sum():
        heavy = np.zeros_like(used)
    return Roads(used, heavy, curve, kept[used[kept[:, 0]] & used[kept[:, 1]]])


def _always_red(arrays: MapArrays) -> Bools:
    """Lanes whose signal never lets anyone in."""
    lets_in = np.isin(arrays.phases["colour"], (Colour.OFF, Colour.GREEN, Colour.GREEN_PROTECTED))
    opens = np.logical_or.reduceat(lets_in, arrays.signals["phase_first"]) if arrays.signals.size else np.zeros(0, np.bool_)
    signal = arrays.lanes["signal"]
    red: Bools = signal >= 0
    red[red] = ~opens[signal[red]]
    return red


@kernel
def _too_narrow(points: Records, lanes: Records, cars: Bools) -> Bools:
    """Lanes outside junctions that lie, somewhere, on the same ground as one that leads the other way."""
    narrow = np.zeros(lanes.size, np.bool_)
    streets = np.flatnonzero(cars & (lanes["junction"] < 0))
    boxes = np.empty((streets.size, 4))
    for n in range(streets.size):
        own = points[lanes[streets[n]].point_first : lanes[streets[n]].point_first + lanes[streets[n]].point_count]
        boxes[n] = (own["x"].min() - _PASSING_M, own["y"].min() - _PASSING_M, own["x"].max(), own["y"].max())
    for n in range(streets.size):
        for m in range(n):
            a, b = boxes[n], boxes[m]
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] and _meet_head_on(points, lanes[streets[n]], lanes[streets[m]]):
                narrow[streets[n]] = narrow[streets[m]] = True
    return narrow


@kernel
def _meet_head_on(points: Records, lane: Record, other: Record) -> bool:
    """Whether two lanes come nearer than _PASSING_M where they lead opposite ways; looked for every 2 m."""
    for i in range(lane.point_first, lane.point_first + lane.point_count - 1):
        p, q = points[i], points[i + 1]
        pieces = int((q.s - p.s) / 2.0) + 1
        for k in range(pieces):
            x, y = p.x + (q.x - p.x) * k / pieces, p.y + (q.y - p.y) * k / pieces
            for j in range(other.point_first, other.point_first + other.point_count - 1):
                r, t = points[j], points[j + 1]
                dx, dy = t.x - r.x, t.y - r.y
                if (q.x - p.x) * dx + (q.y - p.y) * dy < 0.0:
                    u = min(1.0, max(0.0, ((x - r.x) * dx + (y - r.y) * dy) / (dx * dx + dy * dy)))
                    if (r.x + u * dx - x) ** 2 + (r.y + u * dy - y) ** 2 < _PASSING_M * _PASSING_M:
                        return True
    return False


@kernel
def _curve_speeds(points: Records, lanes: Records) -> Floats:
    speeds = np.empty(lanes.size)
    for lane in range(lanes.size):
        first, last = lanes[lane].point_first, lanes[lane].point_first + lanes[lane].point_count - 1
        sharpest, j = 1e-6, first
        for i in range(first, last):
            j = max(i, j)
            while j < last and points[j].s - points[i].s < _CURVE_WINDOW_M:
                j += 1
            sharpest = max(sharpest, abs(points[j].heading - points[i].heading) / max(_CURVE_WINDOW_M, points[j].s - points[i].s))
        speeds[lane] = max(_SLOWEST_CURVE_MPS, math.sqrt(LATERAL_COMFORT_MPS2 / sharpest))
    return speeds


def _kinks(arrays: MapArrays, links: Ints) -> Floats:
    """Angle between the end of a lane and the beginning of the next, rad ≥ 0."""
    first, count = arrays.lanes["point_first"], arrays.lanes["point_count"]
    heading = arrays.points["heading"]
    turn = heading[first[links[:, 1]]] - heading[first[links[:, 0]] + count[links[:, 0]] - 1]
    kinks: Floats = np.abs((turn + np.pi) % (2.0 * np.pi) - np.pi)
    return kinks


def _slow_for_kinks(lanes: Records, links: Ints, kinks: Floats, cars: Bools, curve: Floats) -> None:
    """A joint's kink counts as a bend of the lane in the junction, or of the shorter lane."""
    both = cars[links[:, 0]] & cars[links[:, 1]] & (kinks > 0.05) & (kinks <= _SHARPEST_KINK_RAD)
    before, behind = links[both, 0], links[both, 1]
    inside = (lanes["junction"] >= 0).astype(float) * 1e6
    bend = np.where(lanes["length"][before] - inside[before] < lanes["length"][behind] - inside[behind], before, behind)
    np.minimum.at(curve, bend, np.maximum(_SLOWEST_CURVE_MPS, np.sqrt(LATERAL_COMFORT_MPS2 * _CURVE_WINDOW_M / kinks[both])))


def _round_trip(lanes: Records, links: Ints, allowed: Bools) -> Bools:
    """Among the allowed lanes the strongly connected part (by links, and by lane changes out of long lanes) with the most metres."""
    edges = [links]
    for side in ("left", "right"):
        mine = np.flatnonzero((lanes[f"may_change_{side}"] > 0) & (lanes[side] >= 0) & (lanes["length"] >= _MERGE_LANE_M))
        edges.append(np.column_stack([mine, lanes[side][mine]]).astype(np.int32))
    pairs = np.concatenate(edges)
    pairs = pairs[allowed[pairs[:, 0]] & allowed[pairs[:, 1]]]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(pairs[:, 0], minlength=lanes.size))])
    component = strong_components(first.astype(np.int32), np.ascontiguousarray(pairs[:, 1]))
    within = component[pairs[:, 0]] == component[pairs[:, 1]]
    member = np.zeros(lanes.size, np.bool_)
    member[pairs[within, 0]] = True
    onward = allowed[links[:, 0]] & allowed[links[:, 1]] & (component[links[:, 0]] == component[links[:, 1]])
    member &= np.isin(component, component[links[onward, 0]])  # not where one could only change lanes for ever
    if not member.any():
        return member
    metres = np.bincount(component[member], weights=lanes["length"][member])
    round_trip: Bools = member & (component == int(np.argmax(metres)))
    return round_trip
