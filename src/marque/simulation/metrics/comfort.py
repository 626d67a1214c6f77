"""Comfort as nuPlan and NAVSIM bound it: accelerations, jerk and yaw, smoothed, at every step."""

from __future__ import annotations

import numpy as np

from marque.common import Bools, Floats
from marque.simulation.metrics.commonroad_costs import smoothed
from marque.simulation.metrics.model import Case, Finding, spans

BOUNDS = {
    "longitudinal acceleration": (-4.05, 2.40, "m/s²"),
    "lateral acceleration": (-4.89, 4.89, "m/s²"),
    "longitudinal jerk": (-4.13, 4.13, "m/s³"),
    "jerk": (-8.37, 8.37, "m/s³"),
    "yaw rate": (-0.95, 0.95, "rad/s"),
    "yaw acceleration": (-1.93, 1.93, "rad/s²"),
}
"""Source: nuplan-devkit, metric `ego_is_comfortable`; the same values in NAVSIM's history comfort."""
_WINDOW_S = 1.5


def felt(case: Case) -> dict[str, Floats]:
    """Each bounded quantity per step (n,) of a drive."""
    return felt_along(case.driven.speed_mps, case.driven.heading_rad, case.scenario.step_s)


def felt_along(speed_mps: Floats, heading_rad: Floats, step_s: float) -> dict[str, Floats]:
    """Each bounded quantity per step (n,), from a course (n,) smoothed by parabolas over 1.5 s."""
    dt = step_s
    speed = _smooth(speed_mps, dt)
    along = _rate(speed, dt)
    yaw_rate = _rate(_smooth(np.unwrap(heading_rad), dt), dt)
    across = speed * yaw_rate
    jerk_along, jerk_across = (_rate(_smooth(a, dt), dt) for a in (along, across))
    values = along, across, jerk_along, np.hypot(jerk_along, jerk_across), yaw_rate, _rate(_smooth(yaw_rate, dt), dt)
    return dict(zip(BOUNDS, values, strict=True))


def uncomfortable(case: Case) -> tuple[Bools, tuple[Finding, ...]]:
    """(n,) whether any bound is passed, and where each is, at its worst step."""
    beyond = np.zeros(case.driven.x_m.size, np.bool_)
    found = []
    for name, values in felt(case).items():
        low, high, unit = BOUNDS[name]
        over = (values < low) | (values > high)
        beyond |= over
        for first, last in spans(over):
            worst = first + int(np.argmax(np.abs(values[first : last + 1])))
            bound = high if values[worst] > 0.0 else low
            found.append((worst, f"{name} {values[worst]:.2f} {unit}, comfortable up to {bound:.2f}"))
    return beyond, tuple(Finding(step, 1.0 / len(found), reason) for step, reason in found)


def _smooth(values: Floats, step_s: float) -> Floats:
    window = min(round(_WINDOW_S / step_s), values.size)
    window -= 1 - window % 2
    return smoothed(values, window, 2) if window >= 5 else values


def _rate(values: Floats, step_s: float) -> Floats:
    return np.gradient(values, step_s) if values.size > 1 else np.zeros_like(values)
