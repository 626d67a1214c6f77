"""Scripted road users that react: along their own paths at the speeds of their script, but never into whoever is in the way.

The library's actors are recordings: they would drive into a car that stops where the script saw none. Here the script says the wish, and
the Intelligent Driver Model with a safe speed what is possible behind whoever is ahead on the path, the ego included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from marque.common import Bools, Bytes, Floats
from marque.driving.observation import Observation
from marque.simulation.commonroad import KINDS
from marque.simulation.library.actors import STEP_S, Actor
from marque.simulation.random import Purpose, uniform
from marque.simulation.scenario import ActorLog
from marque.simulation.traffic.following import idm_acceleration, safe_speed
from marque.vehicle import VehicleParameters, VehicleState

_ACCELERATION_MPS2, _BRAKING_MPS2, _HEADWAY_S, _JAM_M = 1.5, 2.5, 1.2, 2.0
_BESIDE_M, _STANDS_MPS = 0.25, 0.01
_SPREAD_M, _SPREAD_SHARE = 2.5, 0.05


class Crowd:
    """All road users of one scene but the ego; n of them. A different seed puts them a little elsewhere, at a little other speeds.

    heeds: (n,) who looks where he goes; the others keep to their script whatever is in their way. spread: whether the seed counts.
    """

    def __init__(self, actors: Sequence[Actor], *, seed: int, heeds: Sequence[bool] = (), spread: bool = True) -> None:
        self._actors = list(actors)
        n = len(actors)
        self._heeds = list(heeds) or [True] * n
        self._ways = [_arc_lengths(actor.poses) for actor in actors]
        self._paths = [np.column_stack([actor.poses[:, :2], np.unwrap(actor.poses[:, 2])]) for actor in actors]
        self.s_m = np.zeros(n)
        self.speed_mps = np.array([float(actor.speeds[0]) for actor in actors])
        self._pace = np.ones(n)
        for i, way in enumerate(self._ways):
            if spread and way[-1] > 20.0:
                self.s_m[i] = _SPREAD_M * uniform(seed, i, 0, Purpose.PLACE)
                self._pace[i] = 1.0 + _SPREAD_SHARE * (2.0 * uniform(seed, i, 0, Purpose.WISH) - 1.0)
        self.speed_mps *= self._pace
        self._length = np.array([actor.body.length_m for actor in actors])
        self._width = np.array([actor.body.width_m for actor in actors])
        self._kinds = np.array([KINDS[actor.body.type] for actor in actors], np.uint8)
        self._step = 0
        self._rows: list[tuple[Bools, Floats, Floats]] = []

    def present(self) -> Bools:
        """(n,) who is there: not before his first step, and not after his path's end, unless he stands there."""
        leave = [not actor.parked and actor.speeds[-1] > _STANDS_MPS for actor in self._actors]
        gone = [leaves and s >= way[-1] for leaves, way, s in zip(leave, self._ways, self.s_m, strict=True)]
        come = [self._step >= actor.first_step for actor in self._actors]
        return np.array(come, np.bool_) & ~np.array(gone, np.bool_)

    def poses(self) -> Floats:
        """(n, 3): x m, y m, heading rad of the bodies' centres."""
        rows = [[np.interp(s, way, column) for column in path.T] for path, way, s in zip(self._paths, self._ways, self.s_m, strict=True)]
        return np.array(rows).reshape(-1, 3)

    def sizes(self) -> tuple[Floats, Floats]:
        """Lengths and widths (n,), m."""
        return self._length, self._width

    def observation(self, signals: Bytes) -> Observation:
        """Everybody as he is."""
        there, poses = self.present(), self.poses()
        x, y, heading = (np.ascontiguousarray(poses[there, k]) for k in range(3))
        ids = np.flatnonzero(there).astype(np.int32) + 1
        speeds, lengths, widths = self.speed_mps[there], self._length[there], self._width[there]
        return Observation(self._step * STEP_S, ids, self._kinds[there], x, y, heading, speeds, lengths, widths, signals)

    def step(self, ego: VehicleState, vehicle: VehicleParameters) -> None:
        """One step on, with the ego where it is now."""
        there, poses = self.present(), self.poses()
        self._rows.append((there, poses, self.speed_mps.copy()))
        others = np.vstack([poses[there], [[ego.x_m, ego.y_m, ego.heading_rad]]])
        speeds = np.append(self.speed_mps[there], ego.speed_mps)
        lengths, widths = np.append(self._length[there], vehicle.length_m), np.append(self._width[there], vehicle.width_m)
        numbers = np.append(np.flatnonzero(there), -1)
        for i in np.flatnonzero(there):
            actor = self._actors[i]
            if actor.parked:
                continue
            script = actor.speeds[min(len(actor.speeds) - 1, max(0, self._step + 1 - actor.first_step))] * self._pace[i]
            wished = (script - self.speed_mps[i]) / STEP_S
            apart = numbers != i
            gap, lead = math.inf, 0.0
            if self._heeds[i]:
                gap, lead = self._ahead(int(i), others[apart], speeds[apart], lengths[apart], widths[apart])
            kept = wished
            if gap < math.inf:
                kept = min(
                    wished,
                    idm_acceleration(
                        float(self.speed_mps[i]), max(1.0, script), gap, lead, _HEADWAY_S, _ACCELERATION_MPS2, _BRAKING_MPS2, _JAM_M
                    ),
                    (safe_speed(float(self.speed_mps[i]), max(0.0, gap - 0.5), lead, STEP_S) - self.speed_mps[i]) / STEP_S,
                )
            speed = max(0.0, self.speed_mps[i] + max(-8.0, kept) * STEP_S)
            self.s_m[i] += 0.5 * (self.speed_mps[i] + speed) * STEP_S
            self.speed_mps[i] = speed
        self._step += 1

    def _ahead(self, i: int, poses: Floats, speeds: Floats, lengths: Floats, widths: Floats) -> tuple[float, float]:
        """(gap m, speed m/s along the path) of the nearest body in the way of i; (inf, 0) for none."""
        path, way = self._paths[i], self._ways[i]
        gap, lead = math.inf, 0.0
        for (x, y, heading), speed, length, width in zip(poses, speeds, lengths, widths, strict=True):
            nearest = int(np.argmin((path[:, 0] - x) ** 2 + (path[:, 1] - y) ** 2))
            px, py, along = path[nearest]
            cos, sin = math.cos(along), math.sin(along)
            turn = heading - along
            long = 0.5 * (length * abs(math.cos(turn)) + width * abs(math.sin(turn)))
            wide = 0.5 * (length * abs(math.sin(turn)) + width * abs(math.cos(turn)))
            beside, ahead = abs((y - py) * cos - (x - px) * sin), way[nearest] + (x - px) * cos + (y - py) * sin - self.s_m[i]
            if ahead <= 0.0 or beside > wide + 0.5 * self._width[i] + _BESIDE_M:
                continue
            room = max(0.0, ahead - long - 0.5 * self._length[i])
            if room < gap:
                gap, lead = room, max(0.0, speed * math.cos(turn))
        return gap, lead

    def script(self) -> ActorLog:
        """What they would do if nobody were in their way, for as long as any of them moves."""
        steps = max([1, *(actor.first_step + len(actor.poses) for actor in self._actors)])
        there, poses, speeds = (np.zeros((steps, len(self._actors), *tail)) for tail in ((), (3,), ()))
        for i, actor in enumerate(self._actors):
            first, last = (0, steps) if actor.parked else (actor.first_step, actor.first_step + len(actor.poses))
            there[first:last, i], poses[first:last, i], speeds[first:last, i] = 1.0, actor.poses, actor.speeds
        self._rows = [(there[k] > 0.0, poses[k], speeds[k]) for k in range(steps)]
        return self.log()

    def log(self) -> ActorLog:
        """What they did, for the judge."""
        there = np.array([row[0] for row in self._rows]).reshape(len(self._rows), -1)
        poses = np.array([row[1] for row in self._rows]).reshape(len(self._rows), -1, 3)
        speeds = np.array([row[2] for row in self._rows]).reshape(len(self._rows), -1)
        ids = np.arange(1, len(self._actors) + 1, dtype=np.int32)
        sizes = np.ones(there.shape)
        return ActorLog(
            ids, ids.copy(), self._kinds, np.zeros(len(ids), np.bool_), there, sizes * self._length, sizes * self._width,
            np.ascontiguousarray(poses[:, :, 0]), np.ascontiguousarray(poses[:, :, 1]), np.ascontiguousarray(poses[:, :, 2]), speeds,
        )  # fmt: skip


def _arc_lengths(poses: Floats) -> Floats:
    return np.append(0.0, np.cumsum(np.hypot(*np.diff(poses[:, :2], axis=0).T))) if len(poses) > 1 else np.zeros(1)
