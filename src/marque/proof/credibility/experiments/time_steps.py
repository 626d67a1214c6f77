"""Step halving: of the car by itself, and of whole cases in the closed loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from marque.common import Floats
from marque.foundation.compute import Compute
from marque.proof.credibility.experiments.closed_loop import Trial, can_slip, drive
from marque.proof.credibility.experiments.plants import FinePlant
from marque.proof.credibility.experiments.telling import all_of, quantile, said, series
from marque.proof.credibility.model import Chart, Item, Row, Section, Table
from marque.proof.credibility.step_halving import Change, Convergence, change, convergence
from marque.vehicle import MODELS, Command, VehicleState
from marque.vehicle.single_track import KINEMATIC_BELOW_MPS, SingleTrackState, runge_kutta

STEP_S = 0.1
PARTS = (1, 2, 4)
_CUTS = (1, 2, 4, 8, 16)
_LASTS = 60
ERROR_M, LIMIT_ERROR_M, ORDER = 0.05, 0.5, 1.9
TTC_S, PLACE_M = 0.3, 0.5
"""Within which nine of ten cases, and the middle one, have to stay when the step is quartered."""

MANOEUVRES: dict[str, tuple[float, Callable[[float], Command]]] = {
    "lane change at 100 km/h": (27.8, lambda t: Command(0.5 * math.sin(t), 0.015 * math.sin(math.pi * t / 2.0))),
    "slalom at 43 km/h": (12.0, lambda t: Command(0.0, 0.25 * math.sin(2.0 * math.pi * t / 2.5))),
    "braking in a bend from 72 km/h": (20.0, lambda t: Command(-2.5 if t > 1.0 else 0.0, 0.02 * math.exp(-t))),
    "braking in a bend at the tyres' limit": (20.0, lambda t: Command(-7.0 if t > 1.0 else 0.0, 0.11 * math.exp(-t))),
}
"""Speed to begin with, m/s, and the command by time, s, held for a step of the loop each; 6 s long. In the last one limits take hold."""
_AT_LIMITS = "braking in a bend at the tyres' limit"


def car(vehicle: str) -> dict[str, Convergence]:
    """By manoeuvre: place, heading and speed of the simulator's car at each step of the loop, the step cut into 1 to 16."""
    model = MODELS[vehicle]
    found = {}
    for name, (speed, command) in MANOEUVRES.items():
        levels = []
        for parts in _CUTS:
            plant = FinePlant(parts, STEP_S, model.vehicle, model.actuators)
            state = VehicleState(0.0, 0.0, 0.0, speed, 0.0, 0.0)
            kept = []
            for k in range(_LASTS):
                state = plant(state, command(STEP_S * k))
                kept.append(state[:4])
            levels.append(np.array(kept))
        found[name] = convergence([STEP_S / parts for parts in _CUTS], levels)
    return found


def slipping_car(vehicle: str) -> Convergence:
    """The single-track model's Runge-Kutta method, in a lane change at 100 km/h; from 10 ms on."""
    model, (speed, command) = MODELS[vehicle], MANOEUVRES["lane change at 100 km/h"]
    levels: list[Floats] = []
    for parts in (5, 10, 20, 40):
        state, kept = SingleTrackState(0.0, 0.0, 0.0, speed, 0.0, 0.0, 0.0), []
        for k in range(40):
            for _ in range(parts):
                state = runge_kutta(state, command(STEP_S * k), STEP_S / parts, model.vehicle, model.chassis, KINEMATIC_BELOW_MPS)
            kept.append(state[:4])
        levels.append(np.array(kept))
    return convergence([STEP_S / parts for parts in (5, 10, 20, 40)], levels)


def section(trials: Sequence[Trial], vehicle: str, compute: Compute) -> Section:
    """trials: the cases, as they are driven without any change."""
    found, tyres = car(vehicle), slipping_car(vehicle)
    many = [replace(trial, parts=parts) for parts in PARTS for trial in trials]
    slip = [k for k, trial in enumerate(trials) if can_slip(trial)]
    outcomes = all_of(compute, drive, [*many, *(replace(trials[k], slipping=True) for k in slip)])
    levels = [outcomes[k * len(trials) : (k + 1) * len(trials)] for k in range(len(PARTS))]
    changes = {parts: change(level, levels[-1]) for parts, level in zip(PARTS[:-1], levels, strict=False)}
    tyre_change = change([levels[0][k] for k in slip], outcomes[len(many) :]) if slip else None
    return Section(
        "step-halving", "Step halving",
        (
            "The driving system decides every 0.1 s, in the car as in the simulator; that is its own and is left as it is. What is halved "
            "is the simulator's step: of the car and its actuators, of the storyboard, and of the judge who looks for touches.",
            "Where a decision hangs by a hair – to pass now or to wait – a millimetre may turn it, and the courses part by metres from "
            "there on. This is why verdicts and least times to collision are compared, and courses by quantiles.",
        ),
        (*_car_items(found, tyres), *_case_items(changes), *([] if tyre_change is None else [_tyre_item(tyre_change)])),
        (_car_table(found, tyres), _case_table(changes, tyre_change)),
        (_car_chart(found), _case_chart(changes, tyre_change)),
    )  # fmt: skip


def _car_items(found: dict[str, Convergence], tyres: Convergence) -> tuple[Item, ...]:
    smooth = {name: one for name, one in found.items() if name != _AT_LIMITS}
    lowest, worst, limit = min(one.order for one in smooth.values()), max(one.error for one in smooth.values()), found[_AT_LIMITS]
    parted = limit.differences[0]
    return (
        Item(
            "order of the car", f"order of convergence ≥ {ORDER} where no limit takes hold", f"order {lowest:.2f}", lowest >= ORDER,
            f"The car behind its actuators converges with order {lowest:.2f} while tyres and motor are within their limits.",
        ),
        Item(
            "error of the car", f"place and heading after 6 s within {said(ERROR_M)} m and rad at the step used", said(worst, "m"),
            worst <= ERROR_M, f"Richardson's estimate of the worst manoeuvre within the limits is {said(worst, 'm')} at the step of 0.1 s.",
        ),
        Item(
            "error of the car at its limits", f"the same within {said(LIMIT_ERROR_M)} m and rad where tyres reach their limits",
            said(parted, "m"), parted <= LIMIT_ERROR_M,
            f"Where the tyres' limit takes hold within a step, halving the step changes the place by {said(parted, 'm')}, and halving it "
            f"again by {said(limit.differences[1], 'm')}: limits are those of a step's beginning.",
        ),
        Item(
            "order of the tyres", "order of convergence 4 ± 0.3 of the model whose tyres slip", f"order {tyres.orders[0]:.2f}",
            abs(tyres.orders[0] - 4.0) <= 0.3, f"The Runge-Kutta method has its order, {tyres.orders[0]:.2f}.",
        ),
    )  # fmt: skip


def _case_items(changes: dict[int, Change]) -> tuple[Item, ...]:
    coarse = changes[1]
    ttc, place = quantile(coarse.ttc_s, 0.9), quantile(coarse.place_m, 0.5)
    high = float(coarse.share.high)
    return (
        Item(
            "verdicts", "no case that passes at the step used fails at a quarter of it, nor the other way",
            f"{coarse.failures} of {coarse.cases}", coarse.failures == 0,
            f"{coarse.failures} of {coarse.cases} cases pass at one step and fail at the other; the share is below {100.0 * high:.2g} % "
            f"(exact, 95 % both sides). {coarse.verdicts} end otherwise in any word of the verdict.",
        ),
        Item(
            "least time to collision", f"changes by ≤ {said(TTC_S, 's')} in nine of ten cases in which it is below 10 s", said(ttc, "s"),
            None if math.isnan(ttc) else ttc <= TTC_S,
            f"Nine of ten of the {len(coarse.ttc_s)} cases that come near somebody change by no more than {said(ttc, 's')}, half of them "
            f"by no more than {said(quantile(coarse.ttc_s, 0.5), 's')}.",
        ),
        Item(
            "courses", f"half of the courses change by ≤ {said(PLACE_M, 'm')} at their worst instant", said(place, "m"), place <= PLACE_M,
            f"Half of the courses stay within {said(place, 'm')} of those at a quarter of the step, nine of ten within "
            f"{said(quantile(coarse.place_m, 0.9), 'm')}; the one that parts most, after a decision that turned, by "
            f"{said(float(coarse.place_m.max()), 'm')}.",
        ),
    )  # fmt: skip


def _tyre_item(found: Change) -> Item:
    return Item(
        "a car whose tyres slip", "no case that passes with the kinematic car fails with tyres that slip, nor the other way",
        f"{found.failures} of {found.cases}", found.failures == 0,
        f"Driven by a car with tyres that slip, of which the driving system knows nothing, {found.failures} of {found.cases} cases change "
        f"between passed and failed; the least time to collision changes by {said(quantile(found.ttc_s, 0.9), 's')} in nine of ten.",
    )  # fmt: skip


def _car_table(found: dict[str, Convergence], tyres: Convergence) -> Table:
    rows: list[Row] = [(name, *one.differences, one.order, one.error) for name, one in found.items()]
    columns = ("manoeuvre", *(f"{1e3 * STEP_S / parts:g} ms" for parts in _CUTS[:-1]), "order", "error at 100 ms")
    rows.append(("tyres that slip, lane change, from 20 ms", *tyres.differences, None, tyres.orders[0], tyres.error))
    return Table("Greatest difference to half the step (m, rad, m/s)", columns, tuple(rows))


def _car_chart(found: dict[str, Convergence]) -> Chart:
    lines = tuple(series(name, range(len(one.differences)), one.differences) for name, one in found.items())
    title = "The car: what halving the step changes, the slope being the order"
    return Chart(title, "halvings of the step of 100 ms", "difference to half the step, m", lines, logarithmic=True, marks=True)


def _case_table(changes: dict[int, Change], tyres: Change | None) -> Table:
    rows: list[Row] = []
    named = [(f"{1e3 * STEP_S / parts:g} ms against {1e3 * STEP_S / PARTS[-1]:g} ms", one) for parts, one in changes.items()]
    for name, one in [*named, *([] if tyres is None else [("tyres that slip against none", tyres)])]:
        figures = [quantile(values, share) for values in (one.ttc_s, one.place_m) for share in (0.5, 0.9, 1.0)]
        rows.append((name, float(one.cases), float(one.failures), float(one.verdicts), *figures))
    parts = [f"{what}: {which}" for what in ("TTC, s", "course, m") for which in ("half", "9 of 10", "all")]
    return Table("Cases: what changes, within", ("what", "cases", "passed ↔ failed", "other verdict", *parts), tuple(rows))


def _case_chart(changes: dict[int, Change], tyres: Change | None) -> Chart:
    shares = np.linspace(0.0, 1.0, 21)
    lines = [
        series(f"{1e3 * STEP_S / parts:g} ms", shares, [max(1e-4, quantile(one.place_m, share)) for share in shares])
        for parts, one in changes.items()
    ]
    if tyres is not None:
        lines.append(series("tyres that slip", shares, [max(1e-4, quantile(tyres.place_m, share)) for share in shares]))
    return Chart("Cases: how far courses part", "share of cases", "greatest distance of the courses, m", tuple(lines), logarithmic=True)
