"""Traffic of two simulators on the same road: flow, density and speed, and what theory says of them. Numbers in, numbers out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from marque.common import Floats


@dataclass(frozen=True)
class Driver:
    """The parameters of the Intelligent Driver Model. length_m: of the vehicle."""

    wanted_mps: float
    headway_s: float
    acceleration_mps2: float
    braking_mps2: float
    jam_gap_m: float
    length_m: float


@dataclass(frozen=True)
class Stream:
    """Traffic in a stretch of road and time. flow_per_h and density_per_km: of one lane."""

    density_per_km: float
    flow_per_h: float
    speed_mps: float


def stream(metres: float, seconds: float, road_m: float, lanes: int, lasts_s: float) -> Stream:
    """metres, seconds: driven and spent by all vehicles together within road_m of road and lasts_s of time.

    Source: Edie 1963, "Discussion of traffic stream measurements and definitions": flow, density and speed as sums over the area.
    """
    area = road_m * lanes * lasts_s
    return Stream(1e3 * seconds / area, 3600.0 * metres / area, metres / seconds if seconds else 0.0)


def equilibrium_speed(driver: Driver, spacing_m: float) -> float:
    """At which identical drivers, spacing_m from front to front, neither speed up nor slow down; m/s.

    Solves s = (s0 + v T) / sqrt(1 − (v / v0)⁴). Source: Treiber, Kesting 2013, "Traffic Flow Dynamics", eq. (11.19).
    """
    gap = spacing_m - driver.length_m
    if gap <= driver.jam_gap_m:
        return 0.0

    def short(speed: float) -> float:
        return (driver.jam_gap_m + speed * driver.headway_s) / math.sqrt(max(1e-12, 1.0 - (speed / driver.wanted_mps) ** 4)) - gap

    return float(optimize.brentq(short, 0.0, driver.wanted_mps * (1.0 - 1e-12)))


def deviations(ours: Floats, others: Floats) -> Floats:
    """Relative differences of flows, (n,), over the greatest flow of the others: near standstill a share of a flow says nothing."""
    return np.asarray((ours - others) / np.max(np.abs(others)))
