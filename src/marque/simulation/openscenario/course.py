"""A course: a line on the ground by its length, on which bodies are led and progress is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Floats

Pose = tuple[float, float, float]
"""x m, y m, heading rad."""

TOLERANCE_M = 1e-4
"""By how much the chords of a curved course may leave it."""


@dataclass(frozen=True, slots=True)
class Course:
    """Points of a line, dense where it bends. s: m from its beginning, ascending; headings are continuous along it.

    turned: rad by which who is led along it faces to the left of it; None where everyone faces the way it leads.
    """

    s: Floats
    x: Floats
    y: Floats
    heading: Floats
    turned: Floats | None = None

    @staticmethod
    def through(poses: Sequence[Pose], s: Sequence[float] | None = None) -> Course:
        """The course through poses (at least 2); s where arc length is known better than by chords."""
        x, y, heading = (np.array(values, float) for values in zip(*poses, strict=True))
        lengths = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y))))) if s is None else np.asarray(s, float)
        keep = np.concatenate(([True], np.diff(lengths) > 1e-9))
        return Course(lengths[keep], x[keep], y[keep], np.unwrap(heading[keep]))

    @property
    def length(self) -> float:
        return float(self.s[-1])

    def pose(self, s: float) -> Pose:
        """The pose at s m; before and beyond its ends it goes straight on."""
        inside = min(self.length, max(0.0, s))
        i = min(len(self.s) - 2, max(0, int(np.searchsorted(self.s, inside, side="right")) - 1))
        u = (inside - self.s[i]) / (self.s[i + 1] - self.s[i])
        heading = float(self.heading[i] + u * (self.heading[i + 1] - self.heading[i]))
        beyond = s - inside
        x = float(self.x[i] + u * (self.x[i + 1] - self.x[i])) + beyond * math.cos(heading)
        return x, float(self.y[i] + u * (self.y[i + 1] - self.y[i])) + beyond * math.sin(heading), heading

    def facing(self, s: float) -> float:
        """The heading of who is led along it."""
        return self.pose(s)[2] + (0.0 if self.turned is None else float(np.interp(s, self.s, self.turned)))

    def project(self, x: float, y: float, near: float | None = None) -> tuple[float, float]:
        """(s, m to the left) of the nearest place on it. near: look first from 30 m before that s to 100 m beyond it."""
        first, last = 0, len(self.s) - 1
        if near is not None:
            first = max(0, int(np.searchsorted(self.s, near - 30.0)) - 1)
            last = min(last, int(np.searchsorted(self.s, near + 100.0)))
        first = min(first, last - 1)
        i = self._nearest(x, y, first, last)
        if (i == 0 and first > 0) or (i == last - first - 1 and last < len(self.s) - 1):
            return self.project(x, y)  # the nearest place of all lies beyond
        x0, x1 = self.x[first + i : first + i + 2].tolist()
        y0, y1 = self.y[first + i : first + i + 2].tolist()
        dx, dy = x1 - x0, y1 - y0
        length = math.sqrt(dx * dx + dy * dy)
        cx, cy = dx / length, dy / length
        rx, ry = x - x0, y - y0
        along = rx * cx + ry * cy  # beyond an end of the course it may be below 0 or above the length of its segment
        if first + i > 0 and along < 0.0:
            along = 0.0
        if first + i < len(self.s) - 2 and along > length:
            along = length
        s0, s1 = self.s[first + i : first + i + 2].tolist()
        return s0 + along * ((s1 - s0) / length), ry * cx - rx * cy

    def _nearest(self, x: float, y: float, first: int, last: int) -> int:
        """Which of the segments between the points first … last comes nearest to a place, counted from the first one."""
        if last - first == 1:  # a straight road
            return 0
        x0, y0 = self.x[first:last], self.y[first:last]
        dx, dy = self.x[first + 1 : last + 1] - x0, self.y[first + 1 : last + 1] - y0
        u = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        return int(np.argmin((x0 + u * dx - x) ** 2 + (y0 + u * dy - y) ** 2))


def wrapped(angle: float) -> float:
    """An angle in [−π, π)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi
