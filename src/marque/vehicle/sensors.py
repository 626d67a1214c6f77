"""Sensor suites as data: what a vehicle model carries to see with, sensor by sensor."""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from marque.common import Records


class Sensing(IntEnum):
    """How a sensor sees."""

    CAMERA = 0
    RADAR = 1
    LIDAR = 2


SENSOR = np.dtype(
    [
        ("kind", "i8"),  # `Sensing`
        ("x", "f8"),  # m, where it sits in the car's frame: ahead of the body's centre
        ("y", "f8"),  # m, to its left
        ("z", "f8"),  # m, above the ground
        ("yaw", "f8"),  # rad, where it looks
        ("half_angle", "f8"),  # rad, of its field of view; π all round
        ("range", "f8"),  # m, at which half of all cars in plain view are found, in clear weather by day
        ("detects", "f8"),  # probability to find a car in plain view well within its range
        ("noise_m", "f8"),  # standard deviation of the place along the ray at 0 m
        ("noise_share", "f8"),  # and its growth per m of distance
        ("noise_rad", "f8"),  # across the ray
        ("noise_mps", "f8"),  # of the speed along the ray; NaN: not measured
        ("noise_heading", "f8"),  # rad; NaN: not measured
        ("noise_size", "f8"),  # m; NaN: not measured
        ("names", "f8"),  # probability to name the right class; 0: it names none
        ("latency", "f8"),  # s
        ("ghosts", "f8"),  # false detections per second
        ("rain", "f8"),  # share of its range lost per mm/h of rain
        ("fog", "f8"),  # how many times the meteorological visibility it reaches
        ("night", "f8"),  # share of its range left in the dark
    ],
    align=True,
)
"""Noise, latency and weather are typical of series sensors of their kind, not of one maker's."""

_NOT = math.nan
_KINDS = {
    #                 detects noise_m share  rad    mps   heading size  names latency ghosts rain   fog   night
    Sensing.CAMERA: (0.95, 0.10, 0.030, 0.004, _NOT, 0.10, 0.30, 0.95, 0.08, 0.05, 0.006, 1.0, 0.60),
    Sensing.RADAR: (0.90, 0.20, 0.001, 0.010, 0.10, _NOT, _NOT, 0.00, 0.05, 0.15, 0.001, 20.0, 1.00),
    Sensing.LIDAR: (0.97, 0.06, 0.000, 0.002, _NOT, 0.04, 0.10, 0.80, 0.06, 0.02, 0.008, 0.8, 1.00),
}


def sensor(kind: Sensing, at: tuple[float, float, float], yaw_deg: float, view_deg: float, range_m: float) -> Records:
    """(1,) SENSOR of a kind's usual quality; at: m ahead, to the left, above the ground. view_deg: its whole field of view."""
    return np.array([(kind, *at, math.radians(yaw_deg), math.radians(0.5 * view_deg), range_m, *_KINDS[kind])], SENSOR)


_ROOF, _NOSE, _TAIL = (0.4, 0.0, 1.6), (2.2, 0.0, 0.7), (-2.2, 0.0, 0.8)
_CORNERS = ((2.1, 0.75, 0.6), (2.1, -0.75, 0.6), (-2.1, 0.75, 0.6), (-2.1, -0.75, 0.6))
_CAMERAS = (
    sensor(Sensing.CAMERA, _ROOF, 0.0, 30.0, 220.0),
    sensor(Sensing.CAMERA, _ROOF, 0.0, 120.0, 110.0),
    sensor(Sensing.CAMERA, _ROOF, 75.0, 100.0, 70.0),
    sensor(Sensing.CAMERA, _ROOF, -75.0, 100.0, 70.0),
    sensor(Sensing.CAMERA, _TAIL, 180.0, 120.0, 80.0),
)
_RADARS = (
    sensor(Sensing.RADAR, _NOSE, 0.0, 50.0, 200.0),
    *(sensor(Sensing.RADAR, at, yaw, 150.0, 90.0) for at, yaw in zip(_CORNERS, (55.0, -55.0, 125.0, -125.0), strict=True)),
)

ONE_LIDAR = np.concatenate((sensor(Sensing.LIDAR, _ROOF, 0.0, 120.0, 150.0), *_CAMERAS, *_RADARS))
"""(11,) SENSOR: a lidar over the windscreen, five cameras, five radars: of assisted driving."""

THREE_LIDARS = np.concatenate(
    (
        sensor(Sensing.LIDAR, _ROOF, 0.0, 360.0, 150.0),
        sensor(Sensing.LIDAR, _CORNERS[0], 60.0, 150.0, 80.0),
        sensor(Sensing.LIDAR, _CORNERS[1], -60.0, 150.0, 80.0),
        *_CAMERAS,
        *_RADARS,
    )
)
"""(13,) SENSOR: sees all round with lidar, and past the corners of houses from its own front corners: the suite for L4."""
