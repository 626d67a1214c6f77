"""The car as physics: parameters per model, dynamics, actuators, energy use, its footprint on the ground."""

from marque.vehicle.actuators import GRIP, IDEAL, PRODUCTION, Actuator, Actuators, ActuatorState, drive, resting
from marque.vehicle.dynamics import Command, VehicleState, acceleration_limits, step, steps
from marque.vehicle.energy import Conditions, EnergyParameters, battery_power_w, discharge
from marque.vehicle.footprint import boxes_overlap, rectangles_touch
from marque.vehicle.kernel import inlined, kernel, lean
from marque.vehicle.models import MODELS, VehicleModel
from marque.vehicle.parameters import BMW_320I, VehicleParameters
from marque.vehicle.single_track import ChassisParameters, SingleTrackState

__all__ = [
    "BMW_320I",
    "GRIP",
    "IDEAL",
    "MODELS",
    "PRODUCTION",
    "Actuator",
    "ActuatorState",
    "Actuators",
    "ChassisParameters",
    "Command",
    "Conditions",
    "EnergyParameters",
    "SingleTrackState",
    "VehicleModel",
    "VehicleParameters",
    "VehicleState",
    "acceleration_limits",
    "battery_power_w",
    "boxes_overlap",
    "discharge",
    "drive",
    "inlined",
    "kernel",
    "lean",
    "rectangles_touch",
    "resting",
    "step",
    "steps",
]
