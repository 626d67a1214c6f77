"""The peer's side of bench/vehicle.py: CommonRoad's vehicle models. Runs in bench/peers/.venv-commonroad, never with Marque.

Reads a JSON job from stdin, writes the answers as JSON to stdout.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from vehiclemodels.parameters_vehicle1 import parameters_vehicle1
from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
from vehiclemodels.parameters_vehicle3 import parameters_vehicle3
from vehiclemodels.vehicle_dynamics_ks import vehicle_dynamics_ks
from vehiclemodels.vehicle_dynamics_st import vehicle_dynamics_st

PARAMETERS = {1: parameters_vehicle1, 2: parameters_vehicle2, 3: parameters_vehicle3}
MODELS = {"ks": vehicle_dynamics_ks, "st": vehicle_dynamics_st}


def main() -> None:
    job = json.load(sys.stdin)
    json.dump([answer(task) for task in job["tasks"]], sys.stdout)


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """For every state and input (steering rate, acceleration): the derivative, and the state after `parts` Runge-Kutta steps."""
    model, parameters = MODELS[task["model"]], PARAMETERS[task["set"]]()
    derivatives, after = [], []
    began = time.process_time()
    for state, given in zip(task["states"], task["inputs"], strict=True):
        derivatives.append(model(state, given, parameters))
    cpu_s = time.process_time() - began
    for state, given in zip(task["states"], task["inputs"], strict=True):
        y = np.array(state)
        h = task["step_s"] / task["parts"]
        for _ in range(task["parts"]):
            k1 = np.array(model(y, given, parameters))
            k2 = np.array(model(y + h / 2 * k1, given, parameters))
            k3 = np.array(model(y + h / 2 * k2, given, parameters))
            k4 = np.array(model(y + h * k3, given, parameters))
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        after.append(y.tolist())
    return {"derivatives": derivatives, "after": after, "cpu_s": cpu_s, "parameters": told(parameters)}


def told(p: Any) -> dict[str, float]:
    return {
        "length_m": p.l, "width_m": p.w, "wheelbase_m": p.a + p.b, "rear_axle_m": p.b, "steering_max_rad": p.steering.max,
        "steering_rate_max_radps": p.steering.v_max, "speed_max_mps": p.longitudinal.v_max, "speed_min_mps": p.longitudinal.v_min,
        "speed_switch_mps": p.longitudinal.v_switch, "acceleration_max_mps2": p.longitudinal.a_max, "mass_kg": p.m,
        "yaw_inertia_kgm2": p.I_z, "mass_height_m": p.h_s, "cornering_stiffness_front_per_rad": -p.tire.p_ky1,
    }  # fmt: skip


if __name__ == "__main__":
    main()
