"""Whether sensors are alive: one that tells exactly the same cycle after cycle has frozen, whatever time it puts to it."""

from __future__ import annotations

import numpy as np

from marque.common import Bools, Floats, Ints
from marque.driving.observation import Observation

_REPEATS = 2
"""So often told again, to the last bit, a report is no chance: every measurement has noise."""


class Liveness:
    """Of one car's sensors; it remembers the last cycle."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Everyone is alive."""
        self._before: Floats = np.empty(0)
        self._repeats: Ints = np.empty(0, np.int32)

    def check(self, seen: Observation) -> Observation:
        """The observation without what frozen sensors tell: they count as not working until they tell something new."""
        sensors = len(seen.working)
        if seen.perfect or sensors == 0:
            return seen
        by, told = seen.detections["sensor"], seen.detections
        marks: Floats = np.bincount(by, told["x"] + np.pi * told["y"], sensors).astype(np.float64)
        if len(self._before) != sensors:
            self._before, self._repeats = np.zeros(sensors), np.zeros(sensors, np.int32)
        same = (marks == self._before) & (marks != 0.0)
        self._repeats = np.where(same, self._repeats + 1, 0)
        self._before = marks
        frozen: Bools = self._repeats >= _REPEATS
        if not frozen.any():
            return seen
        return seen._replace(working=np.where(frozen, 0, seen.working).astype(np.uint8), detections=told[~frozen[by]])
