"""Made road users and simple sensors for the tests of tracking: what is where, and what a sensor at the origin reports of it."""

from typing import NamedTuple

import numpy as np

from marque.driving.observation import DETECTION, Kind
from marque.driving.tracker import no_tracker, track
from marque.driving.tracks import CAPACITY, NO_ID, no_tracks

STEP_S = 0.1
FALSE_PER_M2 = 3e-5


class Sensor(NamedTuple):
    latency_s: float = 0.05
    sigma_m: float = 0.15
    rate_mps: float = np.nan
    heading_rad: float = np.nan
    p_detect: float = 0.93


LIDAR = Sensor()
BOXES = Sensor(heading_rad=0.05)
RADAR = Sensor(latency_s=0.08, sigma_m=0.3, rate_mps=0.1, p_detect=0.9)


class Body(NamedTuple):
    """A road user whose place, m, heading, rad, and speed, m/s, are functions of time."""

    at: object  # t → (x, y, heading, speed)
    kind: int = Kind.CAR


def straight(x, y, heading=0.0, speed=0.0, kind=Kind.CAR):
    return Body(lambda t: (x + speed * t * np.cos(heading), y + speed * t * np.sin(heading), heading, speed), kind)


def detect(body, sensor, index, now_s, random):
    """The DETECTION of a body by a sensor that reports at now_s."""
    t = now_s - sensor.latency_s
    x, y, heading, speed = body.at(t)
    ray = np.arctan2(y, x)
    seen = np.zeros((), DETECTION)
    seen["time"], seen["sensor"], seen["kind"] = t, index, body.kind
    seen["x"], seen["y"] = np.array([x, y]) + sensor.sigma_m * random.standard_normal(2)
    seen["var_along"] = seen["var_across"] = sensor.sigma_m**2
    seen["bearing"] = ray
    seen["rate"] = speed * np.cos(heading - ray) + sensor.rate_mps * random.standard_normal()
    seen["var_rate"] = sensor.rate_mps**2
    seen["heading"] = heading + sensor.heading_rad * random.standard_normal()
    seen["var_heading"] = sensor.heading_rad**2
    seen["length"] = seen["width"] = np.nan
    return seen


def nothing_there(index, sensor, now_s, random, within_m=100.0):
    """The DETECTION of a car where none is."""
    x, y = random.uniform(-within_m, within_m, 2)
    return detect(straight(x, y, random.uniform(-3, 3), random.uniform(0, 15)), sensor, index, now_s, random)


class Run:
    """A tracker, its tracks, and the sensors it listens to; the car stands at the origin."""

    def __init__(self, *sensors, seed=0):
        self.sensors, self.random = sensors, np.random.default_rng(seed)
        self.tracker, self.tracks = no_tracker(np.full(len(sensors), FALSE_PER_M2)), no_tracks()
        self.p_detect = np.tile([sensor.p_detect for sensor in sensors], (CAPACITY, 1))

    def see(self, now_s, bodies, hidden=()):
        """The detections of one cycle; hidden: indices of bodies no sensor sees."""
        return [
            detect(body, sensor, k, now_s, self.random)
            for k, sensor in enumerate(self.sensors)
            for n, body in enumerate(bodies)
            if n not in hidden and self.random.random() < sensor.p_detect
        ]

    def take(self, now_s, seen):
        poses = np.array([[now_s - 1.0, 0, 0, 0], [now_s, 0, 0, 0]])
        track(self.tracker, self.tracks, np.array(seen, DETECTION), now_s, poses, self.p_detect)
        return self.told

    @property
    def told(self):
        return self.tracks[self.tracks["id"] != NO_ID]

    def nearest(self, x, y):
        """(slot, distance m) of the told track nearest to a place; (−1, inf) where there is none."""
        distance = np.where(self.tracks["id"] != NO_ID, np.hypot(self.tracks["x"] - x, self.tracks["y"] - y), np.inf)
        slot = int(distance.argmin())
        return (slot, distance[slot]) if np.isfinite(distance[slot]) else (-1, np.inf)

    def of(self, body, now_s):
        return self.nearest(*body.at(now_s)[:2])
