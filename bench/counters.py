"""Compiling and counting beside another exact counter: bench/counters.py [--limit SECONDS] FILE.uvl [FILE.uvl …]

Per model: features, clauses; our circuit's nodes and edges, processor time to compile it and to count with it, memory; the count of Ganak
on the same formula, its processor time, and whether the two counts are the same integer. Ends with 1 where they are not.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from marque.product import uvl
from marque.product.encoding import encode
from marque.product.encoding.cnf import Cnf
from marque.product.knowledge import counting
from marque.product.knowledge.compile import Limits, compile_formula
from marque.product.knowledge.rows import Rows

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-counters" / "bin" / "python"
SMALL = [[1, 2, 3], [-1, -2], [-1, -3], [-2, -3], [3, 4, 5]]


def dimacs(cnf: Cnf, path: Path) -> None:
    with path.open("w", encoding="ascii") as file:
        file.write(f"p cnf {cnf.variables} {cnf.clauses}\n")
        file.writelines(" ".join(map(str, clause)) + " 0\n" for clause in Rows(cnf.offsets, cnf.literals).lists())


def warm() -> None:
    """So that no time of compiling kernels is counted."""
    offsets = np.cumsum([0, *map(len, SMALL)], dtype=np.int32)
    cnf = Cnf((), 5, 5, np.array([literal for clause in SMALL for literal in clause], np.int32), offsets, np.zeros(5, np.int32), ())
    counting.count(compile_formula(cnf), np.zeros(0, np.int32))


def peer_count(cnf: Cnf, limit_s: float) -> dict[str, str | float] | None:
    with tempfile.TemporaryDirectory() as folder:
        dimacs(cnf, Path(folder) / "formula.cnf")
        command = [str(PEER), str(HERE / "peers" / "ganak_counts.py"), str(Path(folder) / "formula.cnf")]
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None
    answer: dict[str, str | float] = json.loads(done.stdout)
    return answer


def log10(number: int) -> float:
    shift = max(0, number.bit_length() - 1000)
    return math.log10(number >> shift) + shift * math.log10(2) if number else -math.inf


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for each of the two on each model")
    arguments = parser.parse_args()
    sys.set_int_max_str_digits(0)
    warm()
    different = 0
    head = ("model", "features", "clauses", "nodes", "edges", "compile s", "count s", "log10", "Ganak s", "ratio", "counts", "MB")
    print("{:28} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9} {:>8} {:>7} {:>9} {:>6}".format(*head))
    for file in arguments.files:
        cnf = encode.encode(uvl.read(file))
        begin = time.process_time()
        circuit = compile_formula(cnf, limit=Limits(seconds=arguments.limit))
        compiled = time.process_time() - begin
        count = counting.count(circuit, np.zeros(0, np.int32))
        counted = time.process_time() - begin - compiled
        other = peer_count(cnf, arguments.limit)
        theirs = float(other["seconds"]) if other else math.nan
        said = "none" if other is None else "equal" if str(count) == other["count"] else "DIFFERENT"
        different += said == "DIFFERENT"
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{file.stem[:28]:28} {len(cnf.names):8} {cnf.clauses:8} {len(circuit.kinds):8} {len(circuit.children):8} {compiled:9.2f} "
            f"{counted:8.2f} {log10(count):9.3f} {theirs:8.2f} {theirs / (compiled + counted):7.1f} {said:>9} {megabytes:6}",
            flush=True,
        )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
