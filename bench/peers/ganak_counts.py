"""A peer's side of bench/counters.py: how many models a formula has, by Ganak. Runs in bench/peers/.venv-counters.

argv: a DIMACS file. On stdout, as JSON: the count as text, seconds of processor time, and of these those for its preparation: python-sat
finds the literals that are true in every model, and what then hangs together no longer is counted in parts. (Handed all at once, the
largest of the published models keeps Ganak busy for more than 400 s.)
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict

from pyganak import Counter
from pysat.formula import CNF
from pysat.solvers import Solver


def backbone(clauses: list[list[int]]) -> set[int] | None:
    with Solver("glucose4", bootstrap_with=clauses) as solver:
        if not solver.solve():
            return None
        waiting = set(solver.get_model())
        solver.set_phases([-literal for literal in waiting])
        found: set[int] = set()
        while waiting:
            literal = waiting.pop()
            if solver.solve(assumptions=[-literal]):
                waiting.intersection_update(solver.get_model())
            else:
                found.add(literal)
                solver.add_clause([literal])
        return found


def parts(clauses: list[list[int]]) -> list[list[list[int]]]:
    """Clauses that share variables, directly or through others."""
    head: dict[int, int] = {}

    def find(variable: int) -> int:
        while head.setdefault(variable, variable) != variable:
            head[variable] = head[head[variable]]
            variable = head[variable]
        return variable

    for clause in clauses:
        for literal in clause[1:]:
            head[find(abs(literal))] = find(abs(clause[0]))
    grouped = defaultdict(list)
    for clause in clauses:
        grouped[find(abs(clause[0]))].append(clause)
    return list(grouped.values())


def count_of(part: list[list[int]]) -> int:
    number = {variable: place for place, variable in enumerate(sorted({abs(literal) for clause in part for literal in clause}), 1)}
    counter = Counter()
    for clause in part:
        counter.add_clause([number[abs(literal)] if literal > 0 else -number[abs(literal)] for literal in clause])
    return int(counter.count())


def main() -> None:
    formula = CNF(from_file=sys.argv[1])
    begin = time.process_time()
    fixed = backbone(formula.clauses)
    prepared = time.process_time() - begin
    total = 0
    if fixed is not None:
        left = [[literal for literal in clause if -literal not in fixed] for clause in formula.clauses if fixed.isdisjoint(clause)]
        mentioned = {abs(literal) for clause in left for literal in clause}
        total = 1 << (formula.nv - len(mentioned) - len(fixed.intersection(range(-formula.nv, formula.nv + 1))))
        for part in parts(left):
            total *= count_of(part)
    sys.set_int_max_str_digits(0)
    json.dump({"count": str(total), "seconds": time.process_time() - begin, "prepared": prepared}, sys.stdout)


if __name__ == "__main__":
    main()
