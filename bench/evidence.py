"""Evidence as Markdown: what sealing, verifying and refusing 100,000 runs cost, and what a change makes stale, in CPU time.

python bench/evidence.py [--runs N]

Runs as a campaign writes them, about 500 bytes a line, sealed by two partners. `a new process` is the whole of a `python -c` that imports
what is needed and verifies; the rest is measured within one. Every figure is the least of three.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "proof"))
from sealed_world import NOW, World, packed, run_line

from marque.proof.evidence import archive, lines, verify
from marque.proof.evidence.staleness import Graph, Ledger, stale
from marque.proof.evidence.statements import Verdict

TESTS = Path(__file__).parents[1] / "tests" / "proof"
VERIFIED_S = 1.0
CELLS = ("motorway/day", "motorway/night", "urban/day/rain", "urban/night")
ALONE = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from pathlib import Path; from sealed_world import NOW, World; from marque.proof.evidence import verify\n"
    "sys.exit(not verify(Path(sys.argv[2]), World().directories, now=NOW).ok)"
)


def least_s(work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    return min(once() for _ in range(3))


def least_child_s(command: list[str]) -> float:
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def measured(case: int) -> dict[str, dict[str, object]]:
    """As much as a cut-in is told by."""
    chance = random.Random(case)
    return {
        "measures": {name: chance.random() for name in ("cfs_max", "gap_min_m", "pfs_max", "ttc_min_s")},
        "parameters": {name: f"{chance.random():.1f}" for name in ("dx0_m", "dy_mps", "long_m", "ve0_kmh")},
        "preventable": {name: chance.random() < 0.5 for name in ("cc", "fsm", "reg157", "rss")},
    }


def evidence(number: int) -> tuple[World, dict[str, bytes]]:
    outcomes = ["passed"] * 40 + ["failed", "lost"]
    runs = b"".join(run_line(case, outcomes[case * 5 % 42], CELLS[case % 4], **measured(case)) for case in range(number))
    world = World(runs=runs, verdicts=tuple(Verdict("vela", cell, "FAILED") for cell in CELLS))
    return world, world.parts()


def verifying(number: int, folder: Path) -> list[tuple[str, float, str]]:
    world, parts = evidence(number)
    runs = parts[archive.RUNS]
    path = folder / "whole.evidence"
    path.write_bytes(packed(parts))

    def checked(file: Path, sound: bool) -> None:
        report = verify(file, world.directories, now=NOW)
        assert report.ok == sound, report.findings

    bent = folder / "bent.evidence"
    place = runs.index(b'"outcome":"failed"', len(runs) // 2)
    bent.write_bytes(packed(parts | {archive.RUNS: runs[:place] + runs[place:].replace(b'"failed"', b'"passed"', 1)}))
    dropped = folder / "dropped.evidence"
    kept = b"".join(line for line in runs.splitlines(keepends=True) if b'"outcome":"passed"' in line)
    dropped.write_bytes(packed(parts | {archive.RUNS: kept}))
    return [
        ("verify", least_s(lambda: checked(path, True)), f"< {VERIFIED_S:g}"),
        ("verify, in a new process", least_child_s([sys.executable, "-c", ALONE, str(TESTS), str(path)]), ""),
        ("  of it: form, counts and hashes of the lines", least_s(lambda: lines.scan(runs, 0, len(runs))), ""),
        ("refuse: one outcome changed in the middle", least_s(lambda: checked(bent, False)), ""),
        ("refuse: every failing run dropped", least_s(lambda: checked(dropped, False)), ""),
    ]


def following() -> list[tuple[str, float, str]]:
    """2,000 artefacts of 300 inputs, each of a few inputs and of artefacts before it."""
    chance = random.Random(1)
    inputs = {f"i{number}": "0" for number in range(300)}
    parts: dict[str, frozenset[str]] = {}
    for number in range(2000):
        known = [*chance.sample(list(inputs), 4), *chance.sample(list(parts), min(1, len(parts)))]
        parts[f"a{number}"] = frozenset(known)
    graph = Graph(parts)
    ledger = Ledger(graph, inputs)
    for artefact in parts:
        ledger.made(artefact)
    changed = inputs | {"i7": "1"}
    turn = iter(range(10**9))
    each = least_s(lambda: [ledger.change({"i7": str(next(turn))}) for _ in range(100)]) / 100
    return [
        ("stale, of 2,000 artefacts", least_s(lambda: stale(inputs, changed, graph)), ""),
        (f"a change in a ledger of them, {len(ledger.stale)} stale by it", each, ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    number = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        rows = verifying(number, Path(folder))
        size = (Path(folder) / "whole.evidence").stat().st_size
    print(f"{number:,} runs, {size / 1e6:.1f} MB\n\n| | CPU s | bar |\n|---|---:|---|")
    for name, seconds, bar in rows + following():
        print(f"| {name} | {seconds:.4f} | {bar} |")


if __name__ == "__main__":
    main()
