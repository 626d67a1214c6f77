"""Sensitivity: which of the simulator's parameters an outcome hangs on, and whether more than on what the scenario itself says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from marque.common import Floats
from marque.foundation.compute import Compute
from marque.proof.credibility.experiments.closed_loop import Trial, drive
from marque.proof.credibility.experiments.telling import all_of, said, series
from marque.proof.credibility.model import Chart, Item, Row, Section, Table
from marque.proof.credibility.sensitivity import (
    Effects,
    Indices,
    elasticity,
    elementary_effects,
    morris_design,
    sobol_design,
    sobol_indices,
)
from marque.proof.credibility.step_halving import Outcome
from marque.vehicle import MODELS, VehicleModel

SHARE = 0.1
SCENES = (
    "ZAM_MarqueFollow-1_2_T-1", "ZAM_MarqueCutIn-1_1_T-1", "ZAM_MarqueCutOut-1_2_T-1", "ZAM_MarqueCrossing-1_1_T-1",
    "ZAM_MarqueHiddenChild-1_2_T-1",
)  # fmt: skip
"""Of the library: a lead that brakes hard, a cut-in, a cut-out that reveals a truck, a pedestrian, a child between parked vans."""
SEEDS = (2, 3, 4, 5, 6)
"""Of the sensors' errors: how far the outcome is spread by them alone."""
HORIZON_S = 10.0
LOGICAL, FIXED = "motorways.follow", (("limit_mps", 27.8), ("slow_mps", 8.0))
LEVELS = 4


@dataclass(frozen=True)
class Parameter:
    """low, high: factors on what the vehicle model says, as far as a car of its kind may be off; for a scenario's, values."""

    name: str
    low: float
    high: float
    of_scenario: bool = False


PARAMETERS = (
    Parameter("brake dead time", 0.5, 3.0),
    Parameter("brake lag", 0.5, 2.0),
    Parameter("friction", 0.6, 1.1),
    Parameter("mass", 0.9, 1.25),
    Parameter("sensor latency", 0.5, 2.0),
    Parameter("detection range", 0.5, 1.2),
    Parameter("gap, m", 25.0, 60.0, of_scenario=True),
    Parameter("braking of the lead, m/s²", 2.0, 8.0, of_scenario=True),
)
_OURS = tuple(one for one in PARAMETERS if not one.of_scenario)


def changed(trial: Trial, factors: Mapping[str, float]) -> Trial:
    """The trial in a car, or with sensors, that are off by these factors, by a parameter's name; the driving system does not know.

    Mass takes acceleration from the same motor's force; what brakes is the tyres' friction, which is shared by all that the car weighs.
    """
    model = MODELS[trial.vehicle]
    brake, friction, mass = model.actuators.brake, factors.get("friction", 1.0), factors.get("mass", 1.0)
    late = brake._replace(
        delay_s=brake.delay_s * factors.get("brake dead time", 1.0), lag_s=brake.lag_s * factors.get("brake lag", 1.0)
    )  # fmt: skip
    vehicle = model.vehicle._replace(
        acceleration_max_mps2=model.vehicle.acceleration_max_mps2 / mass, braking_max_mps2=model.vehicle.braking_max_mps2 * friction,
        lateral_max_mps2=model.vehicle.lateral_max_mps2 * friction,
    )  # fmt: skip
    other = VehicleModel(vehicle, model.chassis, model.actuators._replace(brake=late), model.energy)
    return replace(trial, model=other, sensing=(factors.get("sensor latency", 1.0), factors.get("detection range", 1.0)))


def near(outcome: Outcome) -> float:
    """The measure: least time to collision, s, cut off at 10 s, beyond which it tells of no danger."""
    return min(HORIZON_S, outcome.ttc_min_s)


def section(vehicle: str, trajectories: int, sobol: int, compute: Compute) -> Section:
    """trajectories: of Morris's design; sobol: size of the sample of Sobol's indices, 0 for none."""
    single, single_items = _one_at_a_time(vehicle, compute)
    effects = _morris(vehicle, trajectories, compute)
    indices = _sobol(vehicle, sobol, compute) if sobol else None
    told = [
        "Parameters of the simulated car and its sensors are off by a factor of which the driving system knows nothing; what is looked at "
        f"is the least time to collision, cut off at {HORIZON_S:g} s, and the verdict. Mass acts through the motor alone: the kinematic "
        "car brakes by friction, whatever it weighs.",
        f"One at a time: each by ± {100.0 * SHARE:g} % in {len(SCENES)} scenes, beside the spread by the sensors' errors alone (seeds).",
        f"Morris: {trajectories} walks through all parameters at once, over the ranges in which a car of this kind may be off, behind a "
        "lead on a motorway whose gap and braking vary too. What outweighs those two would make it a test of the simulator.",
    ]
    return Section(
        "sensitivity", "Sensitivity to parameters", tuple(told), (*single_items, _morris_item(effects)),
        (single, _ranking(effects, indices)), (_effects_chart(effects),),
    )  # fmt: skip


def _one_at_a_time(vehicle: str, compute: Compute) -> tuple[Table, tuple[Item, ...]]:
    plain = [Trial(scene, vehicle, 1) for scene in SCENES]
    seeds = [replace(trial, seed=seed) for trial in plain for seed in SEEDS]
    moved = [changed(trial, {one.name: 1.0 + sign * SHARE}) for trial in plain for one in _OURS for sign in (-1.0, 1.0)]
    outcomes = all_of(compute, drive, [*plain, *seeds, *moved])
    base, spread = outcomes[: len(plain)], _in_rows(outcomes[len(plain) : len(plain) + len(seeds)], len(plain))
    sides = _in_rows(outcomes[len(plain) + len(seeds) :], len(plain))
    rows: list[Row] = []
    flips, beyond, worst = 0, 0, 0.0
    for scene, nominal, others, pairs in zip(SCENES, base, spread, sides, strict=True):
        noise = max(abs(near(one) - near(nominal)) for one in others)
        for parameter, lower, upper in zip(_OURS, pairs[::2], pairs[1::2], strict=True):
            moves = max(abs(near(lower) - near(nominal)), abs(near(upper) - near(nominal)))
            flips += (lower.failed != nominal.failed) + (upper.failed != nominal.failed)
            beyond += moves > max(noise, SHARE * near(nominal))
            worst = max(worst, moves)
            told = elasticity(near(lower), near(nominal), near(upper), SHARE)
            rows.append((scene, parameter.name, near(lower), near(nominal), near(upper), told, noise))
    columns = ("scene", "parameter", "TTC at −10 %, s", "nominal, s", "at +10 %, s", "elasticity", "spread by seeds, s")
    drives = 2 * len(_OURS) * len(plain)
    items = (
        Item(
            "verdicts under ± 10 %", "no case changes between passed and failed", f"{flips} of {drives}", flips == 0,
            f"{flips} of {drives} drives with one parameter off by 10 % change between passed and failed.",
        ),
        Item(
            "least time to collision under ± 10 %", "moves by no more than 10 % of itself, or than the sensors' errors alone move it",
            f"{beyond} of {len(rows)} beyond", beyond == 0,
            f"{beyond} of {len(rows)} pairs of scene and parameter move it by more; the greatest move is {said(worst, 's')}.",
        ),
    )  # fmt: skip
    return Table("One at a time", columns, tuple(rows)), items


def _in_rows(outcomes: Sequence[Outcome], rows: int) -> list[Sequence[Outcome]]:
    width = len(outcomes) // rows
    return [outcomes[k * width : (k + 1) * width] for k in range(rows)]


def at(vehicle: str, point: Floats) -> Trial:
    """The lead that brakes, at a point of the unit cube, (parameters,)."""
    values = {one.name: one.low + float(part) * (one.high - one.low) for one, part in zip(PARAMETERS, point, strict=True)}
    scene = (*FIXED, ("gap_m", values["gap, m"]), ("braking_mps2", values["braking of the lead, m/s²"]))
    return changed(Trial(LOGICAL, vehicle, 1, values=scene), values)


def _run(vehicle: str, points: Floats, compute: Compute) -> Floats:
    """(n,) outcomes at points (n, parameters)."""
    return np.array([near(one) for one in all_of(compute, drive, [at(vehicle, point) for point in points])])


def _morris(vehicle: str, trajectories: int, compute: Compute) -> Effects:
    design = morris_design(len(PARAMETERS), trajectories, LEVELS, seed=1)
    outcomes = _run(vehicle, design.reshape(-1, len(PARAMETERS)), compute)
    return elementary_effects(design, outcomes.reshape(design.shape[:2]))


def _sobol(vehicle: str, size: int, compute: Compute) -> Indices:
    design = sobol_design(len(PARAMETERS), size, seed=1)
    return sobol_indices(design, _run(vehicle, design, compute), size)


def _morris_item(effects: Effects) -> Item:
    ours = [k for k, one in enumerate(PARAMETERS) if not one.of_scenario]
    given = [k for k, one in enumerate(PARAMETERS) if one.of_scenario]
    first = max(ours, key=lambda k: effects.size[k])
    least = min(given, key=lambda k: effects.size[k])
    met = bool(effects.size[first] < effects.size[least])
    return Item(
        "what decides behind a lead that brakes",
        "both parameters of the scenario have greater effects than any of the simulator (Morris, μ*)",
        f"{PARAMETERS[first].name} {said(effects.size[first], 's')} against {PARAMETERS[least].name} {said(effects.size[least], 's')}", met,
        f"Of the simulator's parameters {PARAMETERS[first].name} has the greatest effect: {said(effects.size[first], 's')} of time to "
        f"collision over its range (95 %: {said(effects.low[first])} to {said(effects.high[first])}); the weaker one of the scenario, "
        f"{PARAMETERS[least].name}, has {said(effects.size[least], 's')}.",
    )  # fmt: skip


def _ranking(effects: Effects, indices: Indices | None) -> Table:
    order = sorted(range(len(PARAMETERS)), key=lambda k: -effects.size[k])
    names = ["parameter", "from", "to", "of", "μ*, s", "from", "to", "μ, s", "σ, s"]
    columns = [effects.size, effects.low, effects.high, effects.mean, effects.spread]
    if indices is not None:
        names += ["Sobol' first", "Sobol' total", "from", "to"]
        columns += [indices.first, indices.total, indices.low, indices.high]
    rows: list[Row] = []
    for k in order:
        one = PARAMETERS[k]
        rows.append((one.name, one.low, one.high, "scenario" if one.of_scenario else "simulator", *(float(c[k]) for c in columns)))
    title = "Behind a lead that brakes: effect on the least time to collision over the whole range, by size"
    return Table(title, tuple(names), tuple(rows))


def _effects_chart(effects: Effects) -> Chart:
    kinds: tuple[tuple[str, Callable[[Parameter], bool]], ...] = (
        ("of the simulator", lambda one: not one.of_scenario), ("of the scenario", lambda one: one.of_scenario),
    )  # fmt: skip
    lines = []
    for name, of_kind in kinds:
        chosen = [k for k, one in enumerate(PARAMETERS) if of_kind(one) and math.isfinite(effects.size[k])]
        lines.append(series(name, effects.size[chosen], effects.spread[chosen]))
    title = "Behind a lead that brakes: effects of parameters"
    return Chart(title, "size of the effect μ*, s", "its spread σ, s", tuple(lines), marks=True, lines=False)
