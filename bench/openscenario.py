"""OpenSCENARIO suites driven by the pilot, as Markdown: one row for each file, and one for each contact.

python bench/openscenario.py FILE_OR_FOLDER... [--json OUT] [--cases N] [--limit SECONDS]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from marque.app.drive import scenario_files
from marque.simulation.drive import FILE_LIMIT_S, drive_file, facts, warm_up
from marque.simulation.openscenario import StoryResult, results


def row(file: str, found: list[StoryResult], wall_s: float) -> str:
    run = [result for result in found if result.driven_s is not None]
    hits = [result for result in run if result.hit is not None]
    scores = [result.score for result in run if result.score is not None]
    fastest = max((result.impact_kmh or 0.0 for result in hits), default=None)
    p50 = [result.cycle_ms_p50 for result in run if result.cycle_ms_p50 is not None]
    p99 = [result.cycle_ms_p99 for result in run if result.cycle_ms_p99 is not None]
    cells = (
        file.removesuffix(".xosc"),
        f"{len(run)} of {found[0].cases}",
        str(len(run) - len(hits)),
        str(sum(result.at_fault is True for result in hits)),
        str(sum(result.careful_driver_avoids is True for result in hits)),
        "" if fastest is None else f"{fastest:.0f}",
        "" if not scores else f"{sum(score >= 1.0 for score in scores)} of {len(scores)} ({np.mean(scores):.2f})",
        run[0].full_score_asks or "" if run else "",
        "" if not p50 else f"{np.median(p50):.1f} / {max(p99):.1f}",
        f"{wall_s:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--cases", type=int, default=results.CASES)
    parser.add_argument("--limit", type=float, default=FILE_LIMIT_S, help="wall-clock time of a case, s")
    options = parser.parse_args()
    results.CASES = options.cases
    warm_up()
    headings = ["file", "cases run", "no contact", "at fault", "careful driver avoids", "fastest impact km/h", "full score (mean)"]
    headings += ["asked for it", "p50 / p99 ms", "wall s"]
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}", flush=True)
    told: list[StoryResult] = []
    for path in scenario_files(options.paths):
        began = time.monotonic()
        found = [result for result in drive_file(path, limit_s=options.limit) if isinstance(result, StoryResult)]
        print(row(path.name, found, time.monotonic() - began), flush=True)
        told += found
        if options.json is not None:
            options.json.write_text(json.dumps({"results": [facts(result) for result in told]}, indent=1, allow_nan=False) + "\n")
    print()
    for result in told:
        if result.hit is not None or result.driven_s is None or not result.strict_success:
            varied = " ".join(f"{name}={value}" for name, value in result.case.items())
            print(f"- {result.name} {varied}: {result.verdict}, {result.why.splitlines()[0]}")


if __name__ == "__main__":
    main()
