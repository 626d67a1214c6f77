"""When nothing more comes of a story: all that the storyboard does is done, the ego drives on as it does, and nobody comes nearer to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from marque.common import Floats
from marque.simulation.openscenario.storyboard import COMPLETE
from marque.simulation.openscenario.world import Bodies
from marque.vehicle import VehicleState

if TYPE_CHECKING:
    from marque.simulation.openscenario.scenario import Story

LASTS_S = 2.0
"""So long it has to be calm."""
_STEADY_MPS2, _TURNS_RADPS = 0.4, 0.02
_NEARER_MPS = 0.3
_SAME_MPS = 1e-3


class Calm:
    """Asked once a cycle."""

    def __init__(self, cycle_s: float) -> None:
        self._cycle_s, self._since_s = cycle_s, 0.0
        self._speeds: Floats | None = None
        self._heading = math.nan

    def lasts(self, story: Story, ego: VehicleState, others: Bodies) -> bool:
        """Whether it has been calm for LASTS_S. A storyboard that never did anything is never calm: what is asked then is to drive on."""
        before, self._speeds = self._speeds, others.speed_mps
        turned, self._heading = ego.heading_rad - self._heading, ego.heading_rad
        parts = story.storyboard.parts
        calm = (
            bool(parts)
            and all(part.state == COMPLETE for part in parts)
            and before is not None
            and bool((np.abs(others.speed_mps - before) < _SAME_MPS).all())
            and abs(ego.acceleration_mps2) < _STEADY_MPS2
            and abs(turned) < _TURNS_RADPS * self._cycle_s
            and not anybody_approaches(ego, others)
        )
        self._since_s = self._since_s + self._cycle_s if calm else 0.0
        return self._since_s >= LASTS_S - 1e-9


def anybody_approaches(ego: VehicleState, others: Bodies) -> bool:
    """Whether anybody comes nearer. On a bend, too, where straight lines would say that who is ahead is never met."""
    dx, dy = others.x_m - ego.x_m, others.y_m - ego.y_m
    vx = others.speed_mps * np.cos(others.heading_rad) - ego.speed_mps * math.cos(ego.heading_rad)
    vy = others.speed_mps * np.sin(others.heading_rad) - ego.speed_mps * math.sin(ego.heading_rad)
    rate = (dx * vx + dy * vy) / np.maximum(np.hypot(dx, dy), 1e-6)
    return bool((others.present & (rate < -_NEARER_MPS)).any())
