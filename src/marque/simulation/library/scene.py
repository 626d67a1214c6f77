"""What a family makes: a road, scripted road users, and what the ego is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.simulation.library.actors import LONGEST_S, STEP_S, Actor
from marque.simulation.library.roads import Pose, Road, pose_at

_GOAL_LENGTH_M = 24.0
_HEADING_ROOM_RAD = 0.35
_UNHURRIED = 0.6
_BRISK = 0.92
_SPARE_S = 3.0


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle that is to be reached: pose of its middle, full sizes m."""

    pose: Pose
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class Goal:
    """Lanes or a rectangle, and when (steps, first and last)."""

    steps: tuple[int, int]
    region: Region | None = None
    lanes: tuple[str, ...] = ()
    heading_rad: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    road: Road
    actors: Sequence[Actor]
    start: Pose
    start_mps: float
    goal: Goal
    tags: tuple[str, ...]


def task(
    path: Floats,
    start_m: float,
    goal_m: float,
    start_mps: float,
    limit_mps: float,
    wait_s: float = 0.0,
    width_m: float = 3.2,
    start: Pose | None = None,
) -> tuple[Pose, float, Goal]:
    """Start, speed and goal of an ego that is to come from one arc length of a path to another.

    The goal's time begins before anybody who keeps to the limit can be there and ends when an unhurried driver, after waiting for
    wait_s, has come. start: where the ego stands instead, beside the path, if it has to get into the path's lane first.
    """
    pose, end = pose_at(path, start_m) if start is None else start, pose_at(path, goal_m)
    way = goal_m - 0.5 * _GOAL_LENGTH_M - start_m
    first, last = _BRISK * way / max(limit_mps, start_mps), way / (_UNHURRIED * limit_mps) + wait_s + _SPARE_S
    last = min(last, LONGEST_S)
    heading = (end[2] - _HEADING_ROOM_RAD, end[2] + _HEADING_ROOM_RAD)
    region = Region(end, _GOAL_LENGTH_M, width_m)
    return pose, start_mps, Goal((int(np.floor(first / STEP_S)), int(np.ceil(last / STEP_S))), region, (), heading)
