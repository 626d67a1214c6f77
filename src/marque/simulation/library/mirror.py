"""Scenes as they are where traffic keeps left: everything mirrored on the x axis, y → −y."""

from __future__ import annotations

import dataclasses

import numpy as np

from marque.common import Floats
from marque.simulation.library.roads import Incoming, Lanelet, Pose, Road
from marque.simulation.library.scene import Goal, Scene

COUNTRY = "JPN"
"""Of the markets that keep left the one whose priorities are those of the library's scenes, mirrored."""


def mirrored(scene: Scene) -> Scene:
    """The same scene on the other side of the road."""
    actors = [dataclasses.replace(actor, poses=_path(actor.poses)) for actor in scene.actors]
    return dataclasses.replace(scene, road=_road(scene.road), actors=actors, start=_pose(scene.start), goal=_goal(scene.goal))


def _pose(pose: Pose) -> Pose:
    return pose[0], -pose[1], -pose[2]


def _path(path: Floats) -> Floats:
    """(n, 2) or (n, 3)."""
    turned: Floats = path * np.array([1.0, -1.0, -1.0])[: path.shape[1]]
    return turned


def _goal(goal: Goal) -> Goal:
    region = None if goal.region is None else dataclasses.replace(goal.region, pose=_pose(goal.region.pose))
    heading = None if goal.heading_rad is None else (-goal.heading_rad[1], -goal.heading_rad[0])
    return dataclasses.replace(goal, region=region, heading_rad=heading)


def _road(road: Road) -> Road:
    lanelets = {name: _lanelet(lanelet) for name, lanelet in road.lanelets.items()}
    return Road(lanelets, road.lights, {name: _junction(incomings) for name, incomings in road.junctions.items()})


def _lanelet(lanelet: Lanelet) -> Lanelet:
    return dataclasses.replace(
        lanelet,
        path=_path(lanelet.path),
        left=_path(lanelet.right),
        right=_path(lanelet.left),
        left_side=lanelet.right_side,
        right_side=lanelet.left_side,
        keeps_left=True,
        left_marking=lanelet.right_marking,
        right_marking=lanelet.left_marking,
    )


def _junction(incomings: list[Incoming]) -> list[Incoming]:
    """Who was to the right of whom is now to its left."""
    left_of = {incoming.left_of: incoming.name for incoming in incomings if incoming.left_of is not None}
    return [
        dataclasses.replace(incoming, right=incoming.left, left=incoming.right, left_of=left_of.get(incoming.name))
        for incoming in incomings
    ]
