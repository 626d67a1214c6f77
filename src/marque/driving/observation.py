"""What the driving system is told, and nothing more: the present as its sensors saw it."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records


class Kind(IntEnum):
    """What a road user or obstacle is."""

    CAR = 0
    TRUCK = 1
    BUS = 2
    MOTORCYCLE = 3
    BICYCLE = 4
    PEDESTRIAN = 5
    TRAM = 6
    STATIC = 7
    """A parked vehicle, a construction zone, a building edge: it does not move."""
    UNKNOWN = 8


DETECTION = np.dtype(
    [
        ("time", "f8"),  # s, when it was measured: earlier than the observation by the sensor's latency
        ("sensor", "i8"),  # index in the vehicle's suite
        ("kind", "i8"),  # `Kind` as the sensor takes it, UNKNOWN where it cannot tell
        ("x", "f8"),  # m, centre of the body in the car's frame of that time: x ahead, y to the left of the car's own centre
        ("y", "f8"),
        ("var_along", "f8"),  # m², variance of the place along the ray from the sensor
        ("var_across", "f8"),  # m², and across it
        ("bearing", "f8"),  # rad, direction of that ray in the car's frame
        ("rate", "f8"),  # m/s, speed over ground along the ray, away from the sensor positive; NaN where it is not measured
        ("var_rate", "f8"),
        ("heading", "f8"),  # rad, of the body relative to the car's; NaN where it is not measured
        ("var_heading", "f8"),
        ("length", "f8"),  # m; NaN where it is not measured
        ("width", "f8"),
        ("var_size", "f8"),
    ],
    align=True,
)
"""One thing one sensor reports in one cycle. Variances are what the sensor states of itself."""

RAYS = 720
"""Directions in which free space is told, evenly around an eye, counter-clockwise from straight ahead."""


class Conditions(NamedTuple):
    """What the car knows of the circumstances it drives in. Terms of ISO 34503 (taxonomy of operational design domains)."""

    rain_mmph: float = 0.0
    visibility_m: float = 20_000.0
    """Meteorological: how far one sees in this air."""
    light_lux: float = 20_000.0
    """A lit street at night has 10, a moonless one 0.1."""
    grip: float = 1.0
    """Of the road, as a share of a dry one's."""
    temperature_c: float = 15.0
    connected: float = 1.0
    """1 while the car reaches its operations centre."""
    map_age_days: float = 0.0
    localisation_m: float = 0.1
    """Standard deviation of its place as its localisation states it."""


class Health(NamedTuple):
    """What the car's own diagnosis says is left of its parts: 1 all, 0 nothing."""

    braking: float = 1.0
    drive: float = 1.0
    steering: float = 1.0
    """Of the rate at which the wheels turn; 0: they stand still."""
    perception: float = 1.0
    """0 while what watches over the perception finds its road users frozen or missing."""
    delay_s: float = 0.0
    """By how much later than usual the actuators follow."""


class Observation(NamedTuple):
    """The surroundings at one instant; the ego is not among them.

    Either `perfect`: n road users as they are, x_m, y_m centres of bodies, heading_rad their orientation, speed_mps along it, length_m and
    width_m full sizes. Or as sensed: n is 0, and there are detections and how far each eye sees.
    signals holds the `Colour` each signal of the map shows now (the driver sees a light, not its program).
    """

    time_s: float
    ids: Ints  # (n,) stable from step to step
    kinds: Bytes  # (n,) `Kind`
    x_m: Floats  # (n,)
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    width_m: Floats
    signals: Bytes  # (signals of the map,)
    perfect: bool = True
    detections: Records = np.zeros(0, DETECTION)
    """(k,) DETECTION"""
    eyes: Floats = np.zeros((0, 3))
    """(e, 3): x m, y m in the car's frame, height m of the places its sensors look from."""
    free_m: Floats = np.zeros((0, RAYS))
    """(e, RAYS) m, how far each eye sees over the ground in each direction."""
    sight_m: float = np.inf
    """How far ahead its sensors reach in this weather and light, if nothing stands there."""
    eye_of: Ints = np.zeros(0, np.int32)
    """(sensors of the suite,) the eye each looks from."""
    range_m: Floats = np.zeros(0)
    """(sensors of the suite,) how far each finds a car in this weather and light."""
    working: Bytes = np.zeros(0, np.uint8)
    """(sensors of the suite,) 1 where the sensor reported in this cycle."""
    conditions: Conditions = Conditions()
    health: Health = Health()
    sirens: Floats = np.zeros((0, 2))
    """(k, 2) x m, y m in the world of vehicles with siren and blue (or red) lights on, as microphones and cameras place them."""
    markings_m: tuple[float, float] = (math.nan, math.nan)
    """From the body's centre to the borders of its lane, to the left and to the right, as cameras and lidars see them; nan for none."""


def no_one(time_s: float, signals: Bytes) -> Observation:
    """An empty road."""
    nothing = np.empty(0)
    return Observation(time_s, np.empty(0, np.int32), np.empty(0, np.uint8), nothing, nothing, nothing, nothing, nothing, nothing, signals)
