"""The gate's own error rates, as Markdown: false passes at the limit, planted regressions found, releases without a change rejected.

python bench/gate_error_rates.py [--releases N]

False passes: synthetic releases whose failure probability is exactly the limit, in every cell or in one; decided once, and looked at after
every 25 runs until some cell passes. A release counts if *any* of its cells at the limit is passed. Changes: a closed loop, a car
that brakes for another cutting in before it, driven on the same cases with the same noise by the baseline and by the release. The release
without a change draws its perception noise anew, so that it does differ. All shares come with exact 95 % intervals.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import numpy as np
from numba import njit

from marque.proof.statistics import Counts, Rules, intervals, power, shown, verdicts

ALPHA = 0.05
CELLS = ("motorway/day", "motorway/rain", "motorway/night", "rural/day", "rural/rain", "city/day", "city/rain", "city/night")
SPEED_MPS = np.array([33.0, 28.0, 31.0, 25.0, 22.0, 14.0, 12.5, 13.5])
GRIP = np.array([1.0, 0.75, 1.0, 1.0, 0.7, 1.0, 0.72, 1.0])
LIMIT = 0.06
"""Share of the drawn, deliberately hard cut-ins that may end in a collision."""
STEP_S, STEPS = 0.05, 130


@dataclass(frozen=True)
class Car:
    """What a release changes: time from seeing to braking, and the deceleration the brakes give on dry road; one value a cell."""

    latency_s: np.ndarray
    brake_mps2: np.ndarray


@dataclass(frozen=True)
class CutIns:
    """Concrete cases, arrays (cells, cases)."""

    gap_m: np.ndarray
    closing_mps: np.ndarray
    lead_brake_mps2: np.ndarray


BASELINE = Car(np.full(len(CELLS), 0.4), np.full(len(CELLS), 8.0))


def cases(rng: np.random.Generator, count: int) -> CutIns:
    shape = (len(CELLS), count)
    closing = SPEED_MPS[:, None] * np.clip(0.32 + 0.08 * rng.standard_normal(shape), 0.05, 0.6)
    needed = 2.0 + closing * 0.9 + closing**2 / (2 * 8.0 * GRIP[:, None])
    gap = needed * np.exp(0.22 + 0.2 * rng.standard_normal(shape))
    return CutIns(gap, closing, np.clip(0.3 + 0.4 * rng.standard_normal(shape), 0.0, 2.0))


def collides(car: Car, cut_ins: CutIns, noise: np.ndarray) -> np.ndarray:
    """(cells, cases) whether it touches; `noise` (2, cells, cases) standard normal: of the seen gap and of the time to see it."""
    most, touched = car.brake_mps2 * GRIP, np.zeros(cut_ins.gap_m.shape, np.bool_)
    drive(cut_ins.gap_m, cut_ins.closing_mps, cut_ins.lead_brake_mps2, car.latency_s, most, noise, touched)
    return touched


@njit(cache=True)
def drive(gap_m, closing_mps, lead_mps2, latency_s, most_mps2, noise, touched):  # noqa: ANN001, ANN201
    """Closed loop of a car behind another, arrays (cells, cases): it brakes as the seen gap asks for, late, and no faster than 12 m/s³."""
    for cell in range(gap_m.shape[0]):
        for case in range(gap_m.shape[1]):
            gap, closing, lead = gap_m[cell, case], closing_mps[cell, case], lead_mps2[cell, case]
            seen, wait = 1.0 + 0.05 * noise[0, cell, case], latency_s[cell] * math.exp(0.12 * noise[1, cell, case])
            braking, wanted_for = 0.0, 0.0
            for _ in range(STEPS):
                wanted = min(1.15 * closing**2 / (2 * max(gap * seen - 1.0, 0.1)) + lead, most_mps2[cell])
                wanted_for = wanted_for + STEP_S if wanted > 1.5 or braking > 0.0 else 0.0
                asked = wanted if wanted_for > wait else 0.0
                braking += min(max(asked - braking, -12.0 * STEP_S), 12.0 * STEP_S)
                closing -= (braking - lead) * STEP_S
                gap -= closing * STEP_S
                if gap <= 0.0:
                    touched[cell, case] = True
                if gap <= 0.0 or closing <= 0.0:
                    break


def compared(release: Car, rng: np.random.Generator, count: int, *, new_noise: bool) -> Counts:
    cut_ins = cases(rng, count)
    noise = rng.standard_normal((2, len(CELLS), count))
    before = collides(BASELINE, cut_ins, noise)
    after = collides(release, cut_ins, rng.standard_normal(noise.shape) if new_noise else noise)
    return Counts.of(count, after.sum(1), LIMIT, (after & ~before).sum(1), (before & ~after).sum(1), count)


def stacked(each: list[Counts]) -> Counts:
    return Counts(*(np.stack([getattr(one, name) for one in each]) for name in ("runs", "failures", "limit", "worse", "better", "pairs")))


def share(hits: int, of: int) -> str:
    interval = intervals.binomial(hits, of)
    return f"{100 * hits / of:.2f} % ({100 * float(interval.low):.2f}–{100 * float(interval.high):.2f} %, {of})"


def false_passes(releases: int, rng: np.random.Generator, at_limit: int, rules: Rules, runs: int, every: int) -> int:
    """Releases of which a cell at the limit is passed; the others have a tenth of it. Looks after each `every` runs."""
    limit = 0.01
    probability = np.where(np.arange(len(CELLS)) < at_limit, limit, limit / 10)
    failures = np.zeros((releases, len(CELLS)))
    wrong = np.zeros(releases, bool)
    for seen in range(every, runs + 1, every):
        failures += rng.binomial(every, probability, failures.shape)
        passed, _ = verdicts(shown(Counts.of(seen, failures, limit), rules), rules)
        wrong |= passed[:, :at_limit].any(axis=1)
    return int(wrong.sum())


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--releases", type=int, default=2000)
    releases = asked.parse_args().releases
    start, rng = time.process_time(), np.random.default_rng(20_250_601)
    print(
        f"α = {ALPHA}, {len(CELLS)} cells, Holm over cells\n\n| false pass of any cell at the limit | share of releases (95 %) |\n|---|---|"
    )
    for at_limit in (len(CELLS), 1):
        once = false_passes(releases, rng, at_limit, Rules(ALPHA), 2000, 2000)
        print(f"| {at_limit} of {len(CELLS)} cells at the limit, 2,000 runs a cell, decided once | {share(once, releases)} |")
        often = false_passes(releases, rng, at_limit, Rules(ALPHA, peeking=True), 4000, 25)
        print(
            f"| {at_limit} of {len(CELLS)} cells at the limit, up to 4,000 runs a cell, 160 looks | {share(often, releases)} |", flush=True
        )
    changes(releases, rng)
    print(f"\nCPU time: {time.process_time() - start:.0f} s")


def changes(releases: int, rng: np.random.Generator) -> None:
    count = 2000
    least = power.pairs_to_find(0.008, 0.0, ALPHA / 2 / len(CELLS))
    print(
        f"\n{count} cases a cell; stated beforehand: if 0.8 % of pairs are worse and none better, {least} pairs find it with 95 % power\n"
    )
    one_cell = np.arange(len(CELLS)) == 1
    slow, weak = np.where(one_cell, 0.6, 0.4), np.where(one_cell, 7.2, 8.0)
    kinds = [
        ("no change, noise drawn anew", BASELINE, True, releases // 2, None),
        ("+0.2 s latency", Car(BASELINE.latency_s + 0.2, BASELINE.brake_mps2), False, releases // 8, None),
        ("−10 % brake", Car(BASELINE.latency_s, 0.9 * BASELINE.brake_mps2), False, releases // 8, None),
        ("+0.2 s latency in one cell only", Car(slow, BASELINE.brake_mps2), False, releases // 8, 1),
        ("−10 % brake in one cell only", Car(BASELINE.latency_s, weak), False, releases // 8, 1),
    ]
    print("| release | FAILED (95 %) | a cell FAILED that did not change | failures a cell, %, before → after |\n|---|---|---|---|")
    for name, car, new_noise, number, where in kinds:
        counts = stacked([compared(car, rng, count, new_noise=new_noise) for _ in range(number)])
        after = (counts.failures / counts.runs).mean(axis=0)
        before = ((counts.failures - counts.worse + counts.better) / counts.runs).mean(axis=0)
        told = ", ".join(f"{100 * b:.1f}→{100 * a:.1f}" for b, a in zip(before, after, strict=True))
        for peeking in (False, True):
            rules = Rules(ALPHA, peeking)
            _, failed = verdicts(shown(counts, rules), rules)
            found = failed.any(axis=1) if where is None else failed[:, where]
            others = "" if where is None else share(int(np.delete(failed, where, axis=1).any(axis=1).sum()), number)
            print(f"| {name}{', e-values' if peeking else ''} | {share(int(found.sum()), number)} | {others} | {told} |", flush=True)


if __name__ == "__main__":
    main()
