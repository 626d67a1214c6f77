"""Cases per CPU second that each reference driver goes through: bench/reference_drivers.py [--cases N] [--seed S]

Printed per situation, mode and driver: cases per second of CPU time of one core, with everything that belongs to a case (parameters checked
and copied, room for results), the best of three; and the same with what compiling, or loading what was compiled, took in this process.
Cases are drawn from the ranges of UN R157's scenarios, off any grid.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from marque.proof.reference import CarFollowing, CutIn, CutOut, Driver, Kind, Mode, drive, knows
from marque.proof.reference.model import Situation


def cases(kind: Kind, count: int, random: np.random.Generator) -> Situation:
    ego = random.uniform(20.0, 130.0, count)
    across = random.uniform(0.1, 1.8, count)
    if kind is Kind.CUT_IN:
        return CutIn(ego, ego * random.random(count), random.uniform(0.0, 120.0, count), across)
    if kind is Kind.CUT_OUT:
        return CutOut(ego, random.uniform(0.0, 150.0, count), across)
    return CarFollowing(ego, random.uniform(0.05, 1.0, count))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--cases", type=int, default=100_000)
    ask.add_argument("--seed", type=int, default=157)
    given = ask.parse_args()
    random = np.random.default_rng(given.seed)
    print(f"{'situation':<15}{'mode':<6}{'driver':<8}{'cases/CPU-s':>12}{'with loading':>14}{'crash':>8}")
    for kind in Kind:
        begun = time.process_time()
        drive(Driver.CC, cases(kind, 1, random), Mode.JRC)
        loading = time.process_time() - begun
        driven = cases(kind, given.cases, random)
        for mode in Mode:
            for driver in Driver:
                if not knows(driver, kind):
                    continue
                best, crashes = np.inf, 0.0
                for _ in range(3):
                    begun = time.process_time()
                    crashes = float(np.mean(drive(driver, driven, mode).crash))
                    best = min(best, time.process_time() - begun)
                rate, with_loading = given.cases / best, given.cases / (best + loading)
                print(f"{kind.value:<15}{mode.value:<6}{driver.name:<8}{rate:>12,.0f}{with_loading:>14,.0f}{crashes:>8.1%}")
        print(f"{'':<15}loaded or compiled in {loading:.2f} s")


if __name__ == "__main__":
    main()
