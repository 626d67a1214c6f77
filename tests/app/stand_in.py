"""A city without physics for tests of the page: everybody glides along the lanes of any map at a speed of their own."""

from __future__ import annotations

import numpy as np

from marque.driving.map import Road
from marque.driving.view import Prediction, Reason, View
from marque.simulation.frame import Flag, Frame

STEP_S = 0.1


class StandInCity:
    """Deterministic; the first `cars` road users are ours, the last `pedestrians` walk."""

    def __init__(self, road_map, *, seed=1, vehicles=40, pedestrians=4, cars=3):
        self.map, self.time_s = road_map, 0.0
        random = np.random.default_rng(seed)
        lanes = road_map.arrays.lanes
        drivable = np.flatnonzero((lanes["road"] & Road.CAR != 0) & (lanes["length"] > 1.0))
        walkable = np.flatnonzero(lanes["road"] == Road.PEDESTRIAN)
        self.ids = np.arange(cars + vehicles + pedestrians, dtype=np.int32)
        walks = self.ids >= cars + vehicles
        self.pilots = self.ids[:cars]
        self.lane = random.choice(drivable, len(self.ids))
        if len(walkable):
            self.lane[walks] = random.choice(walkable, pedestrians)
        self.s = random.uniform(0.0, 1.0, len(self.ids)) * lanes["length"][self.lane]
        self.speed = np.where(walks, 1.2, random.uniform(5.0, 13.0, len(self.ids)))
        self.kinds = np.where(walks, 5, random.choice([0, 0, 0, 0, 0, 0, 1, 2, 4], len(self.ids))).astype(np.uint8)
        self.kinds[:cars] = 0
        sizes = {0: (4.5, 1.8), 1: (9.0, 2.5), 2: (12.0, 2.55), 4: (1.8, 0.6), 5: (0.5, 0.5)}
        self.length, self.width = np.array([sizes[int(kind)] for kind in self.kinds]).T

    def step(self):
        arrays = self.map.arrays
        self.time_s += STEP_S
        self.s += self.speed * STEP_S
        for i in np.flatnonzero(self.s > arrays.lanes["length"][self.lane]):
            lane = arrays.lanes[self.lane[i]]
            count = lane["successor_count"]
            self.s[i] = 0.0
            if count:
                self.lane[i] = arrays.successors[lane["successor_first"] + (int(self.time_s * 10) + i) % count]

    def frame(self):
        x, y, heading = np.array([self._pose(lane, s) for lane, s in zip(self.lane, self.s, strict=True)]).T
        flags = np.where(np.isin(self.ids, self.pilots), Flag.PILOT, 0) | np.where(self.ids % 5 == 0, Flag.BRAKING, 0)
        flags |= np.where(self.ids % 7 == 0, Flag.LEFT, 0)
        signals = np.array([1 + (int(self.time_s / 10) + i) % 4 for i in range(len(self.map.arrays.signals))], np.uint8)
        views = {int(car): self._view(int(car), x, y) for car in self.pilots}
        return Frame(
            self.time_s,
            self.ids,
            self.kinds,
            x,
            y,
            heading,
            self.speed.copy(),
            self.length,
            self.width,
            flags.astype(np.uint8),
            signals,
            views,
        )

    def _pose(self, lane, s):
        record = self.map.arrays.lanes[lane]
        points = self.map.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
        at = min(max(int(np.searchsorted(points["s"], s)) - 1, 0), len(points) - 2)
        return np.interp(s, points["s"], points["x"]), np.interp(s, points["s"], points["y"]), points["heading"][at]

    def _route(self, lane, count=12):
        route = [int(lane)]
        for _ in range(count):
            record = self.map.arrays.lanes[route[-1]]
            if not record["successor_count"]:
                break
            route.append(int(self.map.arrays.successors[record["successor_first"]]))
        return np.array(route, np.int32)

    def _ahead(self, i, distances):
        route, lengths = self._route(self.lane[i]), self.map.arrays.lanes["length"]
        poses = []
        for distance in self.s[i] + distances:
            for lane in route:
                if distance <= lengths[lane]:
                    break
                distance -= lengths[lane]
            poses.append(self._pose(lane, distance))
        return np.array(poses), route

    def _view(self, car, x, y):
        times = np.arange(0.0, 4.01, 0.2)
        poses, route = self._ahead(car, self.speed[car] * times)
        plan = np.column_stack([poses, np.linspace(self.speed[car], 2.0, len(times))])
        gaps = np.hypot(x - x[car], y - y[car])
        near = [int(i) for i in np.argsort(gaps)[1:7] if gaps[i] < 80.0]
        paths = [(i, self._ahead(i, self.speed[i] * times)[0][:, :2]) for i in near]
        predictions = tuple(Prediction(i, p, path + offset) for i, path in paths for p, offset in ((0.7, 0.0), (0.3, 1.0)))
        reason = list(Reason)[(car * 5 + int(self.time_s / 5)) % len(Reason)]
        return View(reason, near[0] if near else -1, float(gaps[near[0]]) if near else np.inf, 8.0, plan, 0.2, route, predictions)


def build_small_town(settings, begin):
    """A `Build` for `marque.app.live`."""
    from small_town import small_town

    begin("map")
    road_map = small_town()
    begin("city")
    return road_map, StandInCity(
        road_map, seed=settings.seed, vehicles=settings.vehicles, pedestrians=settings.pedestrians, cars=settings.cars
    )
