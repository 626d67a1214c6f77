"""The car as physics: parameters, single-track dynamics with actuator limits, its footprint on the ground."""

from marque.vehicle.dynamics import Command, VehicleState, acceleration_limits, step
from marque.vehicle.footprint import boxes_overlap, rectangles_touch
from marque.vehicle.kernel import inlined, kernel, lean
from marque.vehicle.parameters import BMW_320I, VehicleParameters

__all__ = [
    "BMW_320I",
    "Command",
    "VehicleParameters",
    "VehicleState",
    "acceleration_limits",
    "boxes_overlap",
    "inlined",
    "kernel",
    "lean",
    "rectangles_touch",
    "step",
]
