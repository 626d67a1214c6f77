"""How a value goes from one to another: the shapes and dimensions of `TransitionDynamics`.

A rate is the greatest one on the way. Source: ASAM OpenSCENARIO XML 1.3, class reference, `TransitionDynamics` and `DynamicsShape`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from marque.simulation.openscenario.document import Node

SHAPES = ("linear", "cubic", "sinusoidal", "step")
_PEAK = {"linear": 1.0, "cubic": 1.5, "sinusoidal": 0.5 * math.pi, "step": 1.0}
_PEAK_ACCELERATION = {"linear": 4.0, "cubic": 6.0, "sinusoidal": 0.5 * math.pi**2, "step": 0.0}
"""Of y(t / T), times T². A linear change has none on its way: it takes as long as one that gathers and loses speed at that acceleration."""


def share(shape: str, tau: float) -> float:
    """How much of the change is done after the part `tau` of its time."""
    tau = min(1.0, max(0.0, tau))
    if shape == "cubic":
        return tau * tau * (3.0 - 2.0 * tau)
    if shape == "sinusoidal":
        return 0.5 * (1.0 - math.cos(math.pi * tau))
    return 1.0 if shape == "step" else tau


def slope(shape: str, tau: float) -> float:
    """d(share)/d(tau)."""
    if not 0.0 < tau < 1.0 or shape == "step":
        return 0.0
    if shape == "cubic":
        return 6.0 * tau * (1.0 - tau)
    return 0.5 * math.pi * math.sin(math.pi * tau) if shape == "sinusoidal" else 1.0


@dataclass(frozen=True, slots=True)
class Dynamics:
    shape: str
    dimension: str
    value: float

    def duration(self, change: float) -> float:
        """Seconds that a change by so much takes; for the dimension `distance` that is the caller's to say. inf where it never ends."""
        if self.shape == "step" or change == 0.0:
            return 0.0
        if self.dimension == "time":
            return self.value
        return abs(change) * _PEAK[self.shape] / abs(self.value) if self.value != 0.0 else math.inf


def read_dynamics(node: Node) -> Dynamics:
    node.choice("followingMode", ("position", "follow"), "position")
    shape = node.choice("dynamicsShape", SHAPES)
    dimension = node.choice("dynamicsDimension", ("rate", "time", "distance"), "time" if shape == "step" else None)
    value = node.number("value", 0.0 if shape == "step" else None)
    if dimension != "rate" and value < 0.0:
        raise node.fault('"value" of 0 or more is expected')
    return Dynamics(shape, dimension, value)


def duration_at(shape: str, change: float, acceleration: float) -> float:
    """Seconds in which a change of place by so much stays within a lateral acceleration."""
    if math.isinf(acceleration) or shape == "step":
        return 0.0
    return math.sqrt(abs(change) * _PEAK_ACCELERATION[shape] / acceleration) if acceleration > 0.0 else math.inf
