"""How far Marque's vehicle models agree with CommonRoad's: bench/vehicle.py [--constellations N]

Single-track (ST): right-hand side, and one Runge-Kutta step of it on both sides, anywhere in state and input space, parameter sets 1–3.
Kinematic (KS): `dynamics.step`, three Gauss points a step, against a fine Runge-Kutta integration of the peer's equations, for
inputs that the actuators, the friction circle and the way ahead leave as they are. Both sides' CPU time is of one right-hand side.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from marque.vehicle import Command, VehicleParameters, VehicleState, acceleration_limits, step
from marque.vehicle.models import MODELS
from marque.vehicle.single_track import KINEMATIC_BELOW_MPS, ChassisParameters, SingleTrackState, derivative, runge_kutta

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-commonroad" / "bin" / "python"
SETS = {1: "ford_escort", 2: "bmw_320i", 3: "vw_vanagon"}
ST_STEP_S = 0.01
KS_STEPS_S = {0.1: 100, 0.01: 10}
"""Step of `dynamics.step`, and into how many the peer's integration divides it."""
FROM_PEER = [0, 1, 4, 3, 2, 5, 6]
"""The peer's order is x, y, steering, speed, heading, yaw rate, slip; ours has heading third."""


def random_states(random: np.random.Generator, n: int, vehicle: VehicleParameters, chassis: ChassisParameters) -> npt.NDArray[np.float64]:
    """Shape (n, 7), the peer's order; a tenth around standstill, a tenth at the ends of speed or steering."""
    speed = random.uniform(chassis.speed_min_mps, vehicle.speed_max_mps, n)
    speed = np.where(random.random(n) < 0.1, random.uniform(-0.2, 0.2, n), speed)
    speed = np.where(random.random(n) < 0.05, random.choice([chassis.speed_min_mps, vehicle.speed_max_mps], n), speed)
    steering = random.uniform(-vehicle.steering_max_rad, vehicle.steering_max_rad, n)
    steering = np.where(random.random(n) < 0.05, random.choice([-1.0, 1.0], n) * vehicle.steering_max_rad, steering)
    x, y = random.uniform(-1e3, 1e3, (2, n))
    return np.stack([x, y, steering, speed, random.uniform(-4, 4, n), random.uniform(-2, 2, n), random.uniform(-0.5, 0.5, n)], axis=1)


def ask(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(PEER), str(HERE / "peers" / "commonroad_vehicle.py")], input=json.dumps({"tasks": tasks}),
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return list(json.loads(done.stdout))


def single_track_tasks(n: int, random: np.random.Generator) -> list[dict[str, Any]]:
    tasks = []
    for number, name in SETS.items():
        states = random_states(random, n, MODELS[name].vehicle, MODELS[name].chassis)
        inputs = np.stack([random.uniform(-1.0, 1.0, n), random.uniform(-16.0, 16.0, n)], axis=1)
        tasks.append({"model": "st", "set": number, "states": states.tolist(), "inputs": inputs.tolist(), "step_s": ST_STEP_S, "parts": 1})
    return tasks


def kinematic_tasks(n: int, random: np.random.Generator) -> list[dict[str, Any]]:
    """States of the rear axle, forwards and backwards."""
    tasks = []
    for number, name in SETS.items():
        vehicle, chassis = MODELS[name].vehicle, MODELS[name].chassis
        for step_s, parts in KS_STEPS_S.items():
            states: list[list[float]] = []
            inputs: list[list[float]] = []
            while len(states) < n:
                state = random_states(random, 1, vehicle, chassis)[0, :5]
                given = [random.uniform(-0.4, 0.4), random.uniform(-11.5, 11.5)]
                if is_left_alone(state, given, step_s, vehicle, chassis):
                    states.append(state.tolist())
                    inputs.append(given)
            tasks.append({"model": "ks", "set": number, "states": states, "inputs": inputs, "step_s": step_s, "parts": parts})
    return tasks


def is_left_alone(
    state: npt.NDArray[np.float64], given: list[float], step_s: float, vehicle: VehicleParameters, chassis: ChassisParameters
) -> bool:
    _, _, steering, speed, _ = state
    steering_end, speed_end = steering + given[0] * step_s, speed + given[1] * step_s
    way = np.sign(speed)
    highest = min(acceleration_limits(abs(v), vehicle)[1] for v in (speed, speed_end))
    lateral = speed**2 * np.tan(steering) / vehicle.wheelbase_m
    return bool(
        abs(steering_end) < vehicle.steering_max_rad
        and speed * speed_end > 0.0
        and chassis.speed_min_mps < speed_end < vehicle.speed_max_mps
        and chassis.speed_min_mps < speed < vehicle.speed_max_mps
        and way * given[1] < highest
        and np.hypot(given[1], lateral) < vehicle.braking_max_mps2
    )


def vehicle_of(told: dict[str, float], name: str) -> tuple[VehicleParameters, ChassisParameters]:
    """Ours with the peer's numbers, so that the equations are compared; `print_parameters` tells where the numbers differ."""
    vehicle, chassis = MODELS[name].vehicle, MODELS[name].chassis
    return (
        vehicle._replace(**{key: value for key, value in told.items() if key in vehicle._fields}),
        chassis._replace(**{key: value for key, value in told.items() if key in chassis._fields}),
    )


@numba.njit
def right_hand_sides(states, inputs, vehicle, chassis, out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    for i in range(len(states)):
        x, y, steering, speed, heading, yaw_rate, slip = states[i]
        state = SingleTrackState(x, y, heading, speed, steering, yaw_rate, slip)
        slope = derivative(state, Command(inputs[i, 1], inputs[i, 0], 1.0), vehicle, chassis, KINEMATIC_BELOW_MPS)
        out[i, 0] = slope.yaw_rate_radps
        out[i, 1] = slope.slip_rad


def single_track_differences(task: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, float]:
    """Worst of the right-hand side, over its size where that is above 1, and of the state after one step, absolute."""
    vehicle, chassis = vehicle_of(theirs["parameters"], SETS[task["set"]])
    slopes, after = [], []
    for peers, (rate, acceleration) in zip(task["states"], task["inputs"], strict=True):
        state, command = SingleTrackState(*(peers[k] for k in FROM_PEER)), Command(acceleration, rate, 1.0)
        slopes.append(derivative(state, command, vehicle, chassis, KINEMATIC_BELOW_MPS))
        after.append(runge_kutta(state, command, ST_STEP_S, vehicle, chassis, KINEMATIC_BELOW_MPS))
    their_slopes = np.array(theirs["derivatives"])[:, FROM_PEER]
    slope_error = np.abs(np.array(slopes) - their_slopes) / np.maximum(1.0, np.abs(their_slopes))
    return float(slope_error.max()), float(np.abs(np.array(after) - np.array(theirs["after"])[:, FROM_PEER]).max())


def kinematic_differences(task: dict[str, Any], theirs: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Of each constellation the worst of pose, speed and steering, absolute."""
    vehicle, _ = vehicle_of(theirs["parameters"], SETS[task["set"]])
    errors = []
    for peers, (rate, acceleration), expected in zip(task["states"], task["inputs"], theirs["after"], strict=True):
        ours = step(centred(peers, vehicle), Command(acceleration, rate, np.sign(peers[3])), task["step_s"], vehicle)
        errors.append(np.abs(np.array(ours[:5]) - np.array(centred(expected, vehicle)[:5])).max())
    return np.array(errors)


def cpu_s_of(task: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Of all right-hand sides of a task, the best of five runs."""
    vehicle, chassis = vehicle_of(theirs["parameters"], SETS[task["set"]])
    states, inputs = np.array(task["states"]), np.array(task["inputs"])
    out = np.empty((len(states), 2))
    right_hand_sides(states, inputs, vehicle, chassis, out)
    return min(timed(lambda: right_hand_sides(states, inputs, vehicle, chassis, out)) for _ in range(5))


def timed(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def centred(rear: list[float], vehicle: VehicleParameters) -> VehicleState:
    x, y, steering, speed, heading = rear
    return VehicleState(
        x + vehicle.rear_axle_m * np.cos(heading), y + vehicle.rear_axle_m * np.sin(heading), heading, speed, steering, 0.0
    )  # fmt: skip


def print_parameters(answers: list[dict[str, Any]]) -> None:
    for number, answer in zip(SETS, answers, strict=True):
        have = {**MODELS[SETS[number]].vehicle._asdict(), **MODELS[SETS[number]].chassis._asdict()}
        other = {key: (have[key], value) for key, value in answer["parameters"].items() if have[key] != value}
        print(
            f"set {number}: {len(answer['parameters']) - len(other)} parameters equal",
            *(f"{k} {a} (peer {b})" for k, (a, b) in other.items()),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constellations", type=int, default=12000, help="for each of the two models")
    arguments = parser.parse_args()
    random = np.random.default_rng(3)
    sliding = single_track_tasks(arguments.constellations // 3, random)
    rolling = kinematic_tasks(arguments.constellations // 6, random)
    answers = ask(sliding + rolling)
    print_parameters(answers[:3])
    for task, theirs in zip(sliding, answers, strict=False):
        slope, after = single_track_differences(task, theirs)
        cpu_s = cpu_s_of(task, theirs)
        print(f"ST  set {task['set']}: {len(task['states'])} constellations, right-hand side within {slope:.1e}, ", end="")
        print(f"a step of {ST_STEP_S} s within {after:.1e}; {1e9 * cpu_s / len(task['states']):.0f} ns a right-hand side, ", end="")
        print(f"1/{theirs['cpu_s'] / cpu_s:.0f} of the peer's CPU time")
    for task, theirs in zip(rolling, answers[len(sliding) :], strict=True):
        errors = kinematic_differences(task, theirs)
        print(f"KS  set {task['set']}: {len(errors)} constellations, a step of {task['step_s']} s within {errors.max():.1e}, ", end="")
        print(f"median {np.median(errors):.1e}, {100.0 * np.mean(errors < 1e-6):.0f} % below 1e-6")


if __name__ == "__main__":
    main()
