"""The gate's own error rates, as Markdown: false passes at the limit, planted regressions found, releases without a change rejected.

python bench/gate_error_rates.py [--releases N]

Everything is asked of the gate itself: what it says of runs that were read (`gate.conclude`, of which `judge` is the reading), and which
cases a campaign that stops early drives (`gate.course`).

False passes: synthetic releases whose failure probability is exactly the limit, in every cell or in one; driven whole, and until they are
decided. A release counts if *any* of its cells at the limit is passed. Fitted releases: they fail less where the suite was known than where
it was hidden. Changes: a closed loop, a car that brakes for another cutting in before it, driven on the same cases with the same noise by
the baseline and by the release. The release without a change draws its perception noise anew, so that it does differ. All shares come with
exact 95 % intervals.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from marque.proof.gate import Cases, GateRules, Seen, before_of, conclude, course, read_rules
from marque.proof.statistics import intervals, power

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


SHOWN_LIMIT = 0.02
RULES = read_rules(
    {
        "reference": "competent-and-careful", "confidence": 1.0 - ALPHA, "limits": dict.fromkeys(CELLS, SHOWN_LIMIT), "outside": [],
        "least_runs": dict.fromkeys(CELLS, 500), "baseline": "", "margin": None,
    }
)  # fmt: skip
SEQUENTIAL = replace(RULES, stopping="sequential", least_runs=dict.fromkeys(CELLS, 1))
KEY = hashlib.sha256(b"a policy").hexdigest()


def seen_of(failed: np.ndarray, hidden: np.ndarray | None = None) -> list[Seen]:
    """Runs (cells, cases), cell by cell; hidden (cases,): which are of a hidden suite."""
    of_hidden = np.zeros(failed.shape[1], np.bool_) if hidden is None else hidden
    numbers = [str(case) for case in range(failed.shape[1])]
    return [
        Seen(cell, "failed" if bad else "passed", bad, known, same=number)
        for cell, row in zip(CELLS, failed.tolist(), strict=True)
        for bad, known, number in zip(row, of_hidden.tolist(), numbers, strict=True)
    ]


def answers(rules: GateRules, runs: list[Seen], before: dict[str, dict[str, bool]] | None = None) -> list[str]:
    """By cell, in the order of CELLS."""
    told = {one.cell: one.answer for one in conclude(rules, "bench", runs, before or {}, KEY)}
    return [told[cell] for cell in CELLS]


def until_decided(runs: list[Seen]) -> list[Seen]:
    driven = set(course(SEQUENTIAL, KEY, Cases([run.cell for run in runs], hidden=False), dict(enumerate(runs)), {}).driven)
    return [run if case in driven else replace(run, outcome="not-needed", failed=None) for case, run in enumerate(runs)]


def share(hits: int, of: int) -> str:
    interval = intervals.binomial(hits, of)
    return f"{100 * hits / of:.2f} % ({100 * float(interval.low):.2f}–{100 * float(interval.high):.2f} %, {of})"


def false_passes(releases: int, rng: np.random.Generator, at_limit: int, early: bool, runs: int) -> tuple[int, float]:
    """Releases of which a cell at the limit is passed, the others having a tenth of it; and the share of cases that were driven."""
    probability = np.where(np.arange(len(CELLS)) < at_limit, SHOWN_LIMIT, SHOWN_LIMIT / 10)[:, None]
    wrong, driven = 0, 0
    for _ in range(releases):
        found = seen_of(rng.random((len(CELLS), runs)) < probability)
        taken = until_decided(found) if early else found
        driven += sum(run.failed is not None for run in taken)
        wrong += "PASSED" in answers(SEQUENTIAL if early else RULES, taken)[:at_limit]
    return wrong, driven / (releases * runs * len(CELLS))


def fitted(releases: int, rng: np.random.Generator, known: float, hidden: float) -> int:
    """Releases of which some cell is failed, 2,000 runs a cell, a tenth of them hidden, with these failure probabilities."""
    of_hidden = np.arange(2000) % 10 == 0
    chance = np.where(of_hidden, hidden, known)
    return sum("FAILED" in answers(RULES, seen_of(rng.random((len(CELLS), 2000)) < chance, of_hidden)) for _ in range(releases))


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--releases", type=int, default=2000)
    releases = asked.parse_args().releases
    start, rng = time.process_time(), np.random.default_rng(20_250_601)
    print(f"α = {ALPHA}, {len(CELLS)} cells, Holm over cells, limit {100 * SHOWN_LIMIT:g} %\n")
    print("| false pass of any cell at the limit | share of releases (95 %) | cases driven |\n|---|---|---|")
    for at_limit in (len(CELLS), 1):
        for early, runs, words in ((False, 600, "600 runs a cell, all driven"), (True, 1200, "up to 1,200 runs a cell, until decided")):
            wrong, driven = false_passes(releases, rng, at_limit, early, runs)
            told = f"| {at_limit} of {len(CELLS)} cells at the limit, {words} | {share(wrong, releases)} | {100 * driven:.0f} % |"
            print(told, flush=True)
    print("\n| a tenth of 2,000 runs a cell is hidden | FAILED (95 %) |\n|---|---|")
    for words, known, hidden in (("fails alike on both", 0.004, 0.004), ("fails at 0.1 % of open cases, 4 % of hidden ones", 0.001, 0.04)):
        number = releases // 4
        print(f"| {words} | {share(fitted(number, rng, known, hidden), number)} |", flush=True)
    changes(releases, rng)
    print(f"\nCPU time: {time.process_time() - start:.0f} s")


def compared(release: Car, rng: np.random.Generator, count: int, *, new_noise: bool) -> tuple[np.ndarray, np.ndarray]:
    """(before, after), whether each case fails."""
    cut_ins = cases(rng, count)
    noise = rng.standard_normal((2, len(CELLS), count))
    return collides(BASELINE, cut_ins, noise), collides(release, cut_ins, rng.standard_normal(noise.shape) if new_noise else noise)


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
    fixed = replace(RULES, limits=dict.fromkeys(CELLS, LIMIT), baseline="0" * 64)
    for name, car, new_noise, number, where in kinds:
        found, others, before, after = [0, 0], [0, 0], np.zeros(len(CELLS)), np.zeros(len(CELLS))
        for _ in range(number):
            old, new = compared(car, rng, count, new_noise=new_noise)
            before, after = before + old.mean(axis=1), after + new.mean(axis=1)
            for at, rules in enumerate((fixed, replace(fixed, stopping="sequential"))):
                failed = [one == "FAILED" for one in answers(rules, seen_of(new), before_of(seen_of(old)))]
                found[at] += any(failed) if where is None else failed[where]
                others[at] += where is not None and any(failed[:where] + failed[where + 1 :])
        told = ", ".join(f"{100 * b:.1f}→{100 * a:.1f}" for b, a in zip(before / number, after / number, strict=True))
        for at, words in enumerate(("", ", e-values")):
            beside = "" if where is None else share(others[at], number)
            print(f"| {name}{words} | {share(found[at], number)} | {beside} | {told} |", flush=True)


if __name__ == "__main__":
    main()
