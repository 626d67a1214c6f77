"""Whether sensors are alive: one that tells exactly the same cycle after cycle has frozen, whatever time it puts to it."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Bools, Floats, Ints, Records
from marque.driving.observation import Observation
from marque.vehicle import kernel

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
        if len(self._before) != sensors:
            self._before, self._repeats = np.zeros(sensors), np.zeros(sensors, np.int32)
        if not _listen(seen.detections, self._before, self._repeats):
            return seen
        frozen: Bools = self._repeats >= _REPEATS
        told = seen.detections[~frozen[seen.detections["sensor"]]]
        return seen._replace(working=np.where(frozen, 0, seen.working).astype(np.uint8), detections=told)


@kernel
def _listen(detections: Records, before: Floats, repeats: Ints) -> bool:
    """Whether any sensor has frozen. before: (sensors,) a mark of what each told last; repeats: how often; both are updated."""
    marks = np.zeros(len(before))
    for k in range(len(detections)):
        marks[detections[k].sensor] += detections[k].x + math.pi * detections[k].y
    frozen = False
    for k in range(len(before)):
        repeats[k] = repeats[k] + 1 if marks[k] == before[k] and marks[k] != 0.0 else 0
        before[k] = marks[k]
        frozen = frozen or repeats[k] >= _REPEATS
    return frozen
