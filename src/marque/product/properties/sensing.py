"""What the sensor suite of a car sees around it: covered angle by distance, blind sectors, redundancy of kinds."""

from __future__ import annotations

import functools
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats, Records
from marque.product.model import FeatureModel
from marque.product.properties.attributes import text
from marque.product.properties.model import Input, Property, not_claimed
from marque.vehicle.sensors import ONE_LIDAR, THREE_LIDARS, Sensing

METHOD = "marque.product.properties.sensing 1"
SUITES = {"one_lidar": ONE_LIDAR, "three_lidars": THREE_LIDARS}
"""By the attribute `suite`: sensors as data of `vehicle`, the ones that simulation drives with."""
DISTANCES_M = (10.0, 30.0, 60.0, 100.0)
BEARINGS = 3600
"""A tenth of a degree apart; an angle is told to that."""
_STATEMENT = (
    "Computed in the plane from the fields of view and ranges of the sensors in clear weather by day, without what hides behind bodies, the"
    " own car's included. It says where a sensor looks, not that everything there is found."
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """At one distance from the centre of the car.

    covered: share of all bearings that some sensor sees; twice: that two kinds of sensor see (camera, radar, lidar); by_kind: per kind.
    blind: sectors that none sees, (from, to) in degrees counter-clockwise from ahead, from in [0, 360), to > from.
    """

    distance_m: float
    covered: float
    twice: float
    by_kind: tuple[float, ...]
    blind: tuple[tuple[float, float], ...]


def seen(suite: Records, distance_m: float, bearings_rad: Floats, *, reach: float = 1.0) -> Bools:
    """Bool [sensors, bearings]: which sensor sees the point at a distance from the car's centre. reach: share of a range left."""
    x, y = distance_m * np.cos(bearings_rad), distance_m * np.sin(bearings_rad)
    ahead, left = x - suite["x"][:, None], y - suite["y"][:, None]
    off = np.arctan2(left, ahead) - suite["yaw"][:, None]
    off = np.abs((off + np.pi) % (2.0 * np.pi) - np.pi)
    near = np.hypot(ahead, left) <= reach * suite["range"][:, None]
    return np.asarray(near & (off <= suite["half_angle"][:, None] + 1e-12))


def coverage(suite: Records, distance_m: float, *, reach: float = 1.0) -> Coverage:
    """suite: SENSOR [sensors]."""
    bearings: Floats = (np.arange(BEARINGS, dtype=np.float64) + 0.5) * (2.0 * np.pi / BEARINGS)
    sees = seen(suite, distance_m, bearings, reach=reach)
    kinds = np.array([sees[suite["kind"] == kind].any(axis=0) for kind in Sensing])
    some: Bools = np.asarray(kinds.any(axis=0))
    return Coverage(
        distance_m,
        float(some.mean()),
        float((kinds.sum(axis=0) >= 2).mean()),
        tuple(float(one) for one in kinds.mean(axis=1)),
        _sectors(np.logical_not(some)),
    )


def _sectors(blind: Bools) -> tuple[tuple[float, float], ...]:
    """Runs of blind bearings; one that passes ahead is one sector."""
    if blind.all():
        return ((0.0, 360.0),)
    if not blind.any():
        return ()
    step = 360.0 / len(blind)
    starts = np.flatnonzero(blind & ~np.roll(blind, 1))
    ends = np.flatnonzero(blind & ~np.roll(blind, -1)) + 1
    if ends[0] <= starts[0]:
        ends = np.append(ends[1:], ends[0] + len(blind))
    return tuple((round(float(start * step), 1), round(float(end * step), 1)) for start, end in zip(starts, ends, strict=True))


@functools.lru_cache(maxsize=64)
def _of(suite: str, distance_m: float) -> Coverage:
    return coverage(SUITES[suite], distance_m)


def sensing(model: FeatureModel, car: Set[str]) -> tuple[Property, ...]:
    """Covered and doubly covered share for each of DISTANCES_M; not claimed for a suite without sensor data."""
    suite = text(model, car, "suite")
    found = []
    for distance in DISTANCES_M:
        names = (f"coverage_{distance:.0f}m", f"redundancy_{distance:.0f}m")
        if suite not in SUITES:
            lacking = "where the sensors of its suite sit" if suite else "a sensor suite"
            found += [not_claimed(name, "%", METHOD, (lacking,)) for name in names]
            continue
        told = _of(suite, distance)
        blind = tuple(degree for sector in told.blind for degree in sector)
        inputs: dict[str, Input] = {
            "suite": suite,
            "distance_m": distance,
            "bearings": BEARINGS,
            "sensors": _data(suite),
            "blind_deg": blind,
        }
        found += [
            Property(name, round(100.0 * value, 1), "%", METHOD, _STATEMENT, inputs)
            for name, value in zip(names, (told.covered, told.twice), strict=True)
        ]
    return tuple(found)


@functools.cache
def _data(suite: str) -> tuple[float, ...]:
    """kind, x, y, yaw, half_angle, range of each sensor, one after the other."""
    columns = [SUITES[suite][name].astype(np.float64) for name in ("kind", "x", "y", "yaw", "half_angle", "range")]
    return tuple(np.column_stack(columns).ravel().tolist())
