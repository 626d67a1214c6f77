"""Scripted road users: bodies that follow a path by a speed profile, walk, or stand. Headings and speeds are those of the motion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.simulation.boxes import rectangle
from marque.simulation.library.roads import Pose, at, distances

STEP_S = 0.1
LONGEST_S = 25.0
"""Everything is over by then."""


@dataclass(frozen=True, slots=True)
class Body:
    """What it is, by CommonRoad's names, and its size, m."""

    type: str
    length_m: float
    width_m: float


CAR = Body("car", 4.6, 1.85)
VAN = Body("car", 5.9, 2.0)
PARKED_VAN = Body("parkedVehicle", 5.9, 2.0)
TRUCK = Body("truck", 11.0, 2.5)
HOUSE = Body("roadBoundary", 18.0, 18.0)
"""The schema knows no buildings."""
MOTORCYCLE = Body("motorcycle", 2.2, 0.8)
AMBULANCE = Body("priorityVehicle", 5.9, 2.0)
"""With siren and lights on."""
BICYCLE = Body("bicycle", 1.8, 0.6)
ADULT = Body("pedestrian", 0.5, 0.5)
FENCE = Body("constructionZone", 2.5, 1.2)
CHILD = Body("pedestrian", 0.4, 0.4)


@dataclass(frozen=True, slots=True)
class Actor:
    """Poses (n, 3) of the body's centre and speeds (n,), step by step from first_step on. A parked one has one pose and never moves."""

    body: Body
    poses: Floats
    speeds: Floats
    first_step: int = 0
    parked: bool = False


Profile = Sequence[tuple[float, float]]
"""(time s, speed m/s), linear between the times, constant before and after."""


def drive(
    body: Body,
    path: Floats,
    start_m: float,
    profile: Profile,
    shifts: Sequence[tuple[float, float, float]] = (),
) -> Actor:
    """Along a path, from an arc length on, until the scene is over or the path ends.

    shifts: (time s, duration s, metres to the left): smooth movements sideways.
    """
    half = 0.5 * STEP_S
    count = round(LONGEST_S / STEP_S) + 1
    times: Floats = half * np.arange(-1.0, 2.0 * count)  # the middle between two steps too: a step's speed is measured around it
    times_of, speeds_of = zip(*profile, strict=True)
    speed = np.interp(times, times_of, speeds_of)
    way = np.append(0.0, np.cumsum(0.5 * (speed[1:] + speed[:-1]) * half))
    along = start_m + way - way[1]
    sideways = sum((shift * _smooth((times - begin) / lasts) for begin, lasts, shift in shifts), np.zeros_like(times))
    lane = at(path, along)
    x, y = lane[:, 0] - sideways * np.sin(lane[:, 2]), lane[:, 1] + sideways * np.cos(lane[:, 2])
    dx, dy = x[2::2] - x[:-2:2], y[2::2] - y[:-2:2]
    moved = np.hypot(dx, dy)
    heading = np.where(moved > 1e-3, np.arctan2(dy, dx), lane[1::2, 2])
    here = along[2::2] <= distances(path)[-1] - 0.5 * body.length_m
    return Actor(body, np.column_stack([x[1::2], y[1::2], heading])[here], (moved / STEP_S)[here])


def walk(body: Body, start: tuple[float, float], end: tuple[float, float], profile: Profile) -> Actor:
    """On foot in a straight line; who comes to the end is gone."""
    heading = math.atan2(end[1] - start[1], end[0] - start[0])
    return drive(body, np.array([(*start, heading), (*end, heading)]), 0.0, profile)


def park(body: Body, pose: Pose) -> Actor:
    """What stands there all the time: a vehicle, a fence."""
    return Actor(body, np.array([pose]), np.zeros(1), parked=True)


def emerge(actor: Actor, behind: Actor, watcher: Actor) -> Actor:
    """The actor from the step on at which somebody can see it past what stands in the way."""
    x, y, heading = behind.poses[0].tolist()
    corners = rectangle(x, y, heading, behind.body.length_m, behind.body.width_m)
    steps = min(len(actor.poses), len(watcher.poses))
    seen = [not _blocked(watcher.poses[step, :2], actor.poses[step, :2], corners) for step in range(steps)]
    first = seen.index(True)
    return Actor(actor.body, actor.poses[first:], actor.speeds[first:], first)


def _blocked(eye: Floats, target: Floats, corners: Floats) -> bool:
    """Whether the line of sight passes through a convex polygon: its corners lie on both sides of it, and the target behind an edge."""
    ray = target - eye
    side = ray[0] * (corners[:, 1] - eye[1]) - ray[1] * (corners[:, 0] - eye[0])
    for i in range(len(corners)):
        edge, offset = corners[(i + 1) % len(corners)] - corners[i], corners[i] - eye
        across = ray[0] * edge[1] - ray[1] * edge[0]
        if side[i] * side[(i + 1) % len(corners)] < 0.0 and 0.0 < (offset[0] * edge[1] - offset[1] * edge[0]) / across < 1.0:
            return True
    return False


def _smooth(u: Floats) -> Floats:
    """From 0 to 1 with neither speed nor acceleration at the ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
