"""Rare failures by importance sampling against brute force, as Markdown: how many fewer runs, and how honest the interval is.

python bench/rare_events.py [--repetitions N] [--brute MILLIONS] [--only NAME,NAME]

Each limit state is estimated once and held against brute force (vectorised numpy, CPU time of both told), then estimated with other seeds:
the share of their 95 % intervals that hold the truth. The truth is a formula, or quadrature where there is none; it is never the method's
own. A refusal (an alarm) counts as not holding it. Calls include the search.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import integrate, stats

from marque.proof.statistics import intervals, rare

Points = np.ndarray


@dataclass(frozen=True)
class State:
    name: str
    inputs: int
    modes: str
    margin: Callable[[Points], Points]
    truth: float


def opposite(u: Points) -> Points:
    """Two design points on opposite sides, one curved."""
    return np.minimum(4.4 - u[:, 0] + 0.1 * u[:, 1] ** 2, 4.5 + u[:, 0])


def opposite_truth() -> float:
    near = integrate.quad(lambda v: stats.norm.pdf(v) * stats.norm.sf(4.4 + 0.1 * v**2), -9, 9, epsabs=1e-14)[0]
    return near + stats.norm.sf(4.5)


def exponentials(u: Points) -> Points:
    """The sum of exponential inputs exceeds what it may."""
    return 21.0 + stats.norm.logsf(u).sum(axis=1)


def braking(u: Points) -> Points:
    """A lead car brakes to a stop at 25 m/s: reaction time, own and its deceleration, headway, log-normal; the gap left, in metres."""
    speed = 25.0
    reaction_s = 0.45 * np.exp(0.28 * u[:, 0])
    own = 7.5 * np.exp(0.07 * u[:, 1])
    lead = 6.0 * np.exp(0.13 * u[:, 2])
    gap = speed * 1.6 * np.exp(0.12 * u[:, 3])
    return gap + speed**2 / (2 * lead) - speed * reaction_s - speed**2 / (2 * own)


def braking_truth() -> float:
    """Tensor Gauss–Legendre in three inputs, the fourth (the gap) by its distribution function."""
    x, w = np.polynomial.legendre.leggauss(120)
    x, w = 7.5 * x, 7.5 * w * stats.norm.pdf(7.5 * x)
    a, b, c = np.meshgrid(x, x, x, indexing="ij")
    points = np.stack([a.ravel(), b.ravel(), c.ravel(), np.full(a.size, -np.inf)], axis=1)
    missing = -braking(points)  # metres of gap needed: the gap itself is 0 at −∞
    needed = np.log(np.maximum(missing, 1e-300) / (25.0 * 1.6)) / 0.12
    return float((np.multiply.outer(np.multiply.outer(w, w), w).ravel() * stats.norm.cdf(needed)).sum())


STATES = [
    State("plane", 10, "1", lambda u: 4.5 - u.sum(axis=1) / np.sqrt(10), float(stats.norm.sf(4.5))),
    State("opposite sides", 2, "2", opposite, opposite_truth()),
    State("three pairs", 6, "6", lambda u: 4.7 - np.abs(u[:, :3]).max(axis=1), float(1 - (1 - 2 * stats.norm.sf(4.7)) ** 3)),
    State("ring", 2, "all round", lambda u: 4.9 - np.hypot(u[:, 0], u[:, 1]), float(stats.chi2.sf(4.9**2, 2))),
    State("corner", 5, "1, no gradient", lambda u: 2.9 - np.minimum(u[:, 0], u[:, 1]), float(stats.norm.sf(2.9) ** 2)),
    State("exponentials", 5, "many, curved", exponentials, float(stats.gamma.sf(21.0, 5))),
    State("braking lead car", 4, "1, nonlinear", braking, braking_truth()),
    State("plane of 100", 100, "1", lambda u: 4.5 - u.sum(axis=1) / 10.0, float(stats.norm.sf(4.5))),
]


def brute_force(state: State, runs: int) -> tuple[int, float]:
    """(failures, CPU seconds)."""
    rng, failures, start = np.random.default_rng(12345), 0, time.process_time()
    batch = 4_000_000 // state.inputs
    for at in range(0, runs, batch):
        failures += int(np.count_nonzero(state.margin(rng.standard_normal((min(batch, runs - at), state.inputs))) <= 0))
    return failures, time.process_time() - start


def told(state: State, repetitions: int, brute: int) -> str:
    brute = brute // 10 if state.inputs > 20 else brute
    failures, brute_s = brute_force(state, brute)
    plain = intervals.binomial(failures, brute)
    start = time.process_time()
    once = [rare.estimate(state.margin, state.inputs, seed) for seed in range(repetitions)]
    each_s = (time.process_time() - start) / repetitions
    first = once[0]
    held = np.mean([one.claims and bool(one.interval.holds(state.truth)) for one in once])
    refused = np.mean([not one.claims for one in once])
    inside = np.mean([bool(plain.holds(one.probability)) for one in once])
    calls = np.mean([one.calls for one in once])
    cells = (
        state.name,
        f"{state.inputs}, {state.modes}",
        f"{state.truth:.3e}",
        f"{plain.low:.3e}–{plain.high:.3e} ({brute:.0e}, {brute_s:.0f} s)",
        f"{first.probability:.3e} ({first.interval.low:.3e}–{first.interval.high:.3e})",
        f"{'yes' if plain.holds(first.probability) else 'NO'}, {100 * inside:.1f} %",
        f"{calls:,.0f}, {brute / calls:,.0f}×",
        f"{100 * held:.1f} %",
        f"{100 * refused:.1f} %",
        f"{each_s:.2f}",
    )
    return "| " + " | ".join(cells) + " |"


HEADS = (
    "limit state",
    "inputs, modes",
    "truth",
    "brute force 95 % (runs, CPU)",
    "estimate (95 %)",
    "inside brute force's: first, of all",
    "calls, fewer",
    "intervals that hold the truth",
    "refused",
    "CPU s",
)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--repetitions", type=int, default=200)
    asked.add_argument("--brute", type=float, default=20.0, help="millions of runs")
    asked.add_argument("--only", default="")
    given = asked.parse_args()
    print("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|")
    for state in STATES:
        if not given.only or state.name in given.only.split(","):
            print(told(state, given.repetitions, int(given.brute * 1e6)), flush=True)


if __name__ == "__main__":
    main()
