"""Where the car is asked to go, and under which conditions it has arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marque.common import Floats


@dataclass(frozen=True, slots=True)
class Goal:
    """One way to arrive: every condition that is given holds at the same instant, for the centre of the body.

    region: polygons (k, 2) in m, closed implicitly, any one of them; empty means anywhere. Rectangles and circles are polygons here
        (a circle in `circles`). lanes: indices of lanes whose whole surface counts as region.
    time_s: (earliest, latest), seconds on the scenario's clock (step · step_s).
    speed_mps, heading_rad: (low, high); heading's interval runs counter-clockwise from low to high and may be wrapped; None = free.
    """

    time_s: tuple[float, float]
    polygons: tuple[Floats, ...] = ()
    circles: tuple[tuple[float, float, float], ...] = ()
    lanes: tuple[int, ...] = ()
    speed_mps: tuple[float, float] | None = None
    heading_rad: tuple[float, float] | None = None

    @property
    def anywhere(self) -> bool:
        return not (self.polygons or self.circles or self.lanes)


def heading_within(heading_rad: float, interval: tuple[float, float]) -> bool:
    """Whether an angle lies on the arc from interval[0] counter-clockwise to interval[1]; an arc of 2π or more holds every angle."""
    width = interval[1] - interval[0]
    return width >= 2.0 * np.pi or (heading_rad - interval[0]) % (2.0 * np.pi) <= width
