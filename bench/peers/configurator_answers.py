"""A peer's side of bench/configurator.py: what is forced and forbidden after decisions. Runs in bench/peers/.venv-configurator.

argv: the peer (pysat, ddnnife, flamapy) and a JSON file with the model's files and states, lists of literals. On stdout, as JSON: seconds
to get ready, seconds by the clock (seconds) and the processor (busy) per state, and a check sum of each answer, for as many states as the
time that is given allows.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import zlib
from array import array
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

Answer = tuple[list[int], list[int]]
Ask = Callable[[list[int]], Answer]


def pysat(said: dict[str, Any]) -> Ask:
    """Backbone by one question for each literal that no car met so far goes against, the solver's phases set against all of them."""
    from pysat.formula import CNF
    from pysat.solvers import Solver

    solver, features = Solver("glucose4", bootstrap_with=CNF(from_file=said["dimacs"]).clauses), said["features"]

    def ask(decisions: list[int]) -> Answer:
        solver.solve(assumptions=decisions)
        waiting = set(solver.get_model()[:features])
        _, implied = solver.propagate(assumptions=decisions)
        proved = waiting.intersection(implied, range(-features, features + 1))
        waiting -= proved
        while waiting:
            solver.set_phases([-one for one in waiting])
            one = next(iter(waiting))
            if solver.solve(assumptions=[*decisions, -one]):
                waiting.intersection_update(solver.get_model()[:features])
            else:
                proved.add(one)
                waiting.discard(one)
        return [one for one in proved if one > 0], [-one for one in proved if one < 0]

    return ask


def ddnnife(said: dict[str, Any]) -> Ask:
    """Core and dead features under assumptions, of a circuit that Marque compiled."""
    from ddnnife import Ddnnf

    circuit, features = Ddnnf.from_file(said["nnf"], said["variables"]).as_mut(), said["features"]

    def ask(decisions: list[int]) -> Answer:
        core, dead = circuit.core(decisions), circuit.dead(decisions)
        refused = {-one for one in decisions if one < 0}  # it does not count these among the dead
        return [one for one in core if 0 < one <= features], sorted({abs(one) for one in dead if abs(one) <= features} | refused)

    return ask


def flamapy(said: dict[str, Any]) -> Ask:
    """Its backbone operation, the decisions as clauses of the model."""
    from flamapy.metamodels.fm_metamodel.transformations import UVLReader
    from flamapy.metamodels.pysat_metamodel.operations import PySATBackbone
    from flamapy.metamodels.pysat_metamodel.transformations import FmToPysat

    model = FmToPysat(UVLReader(said["uvl"]).transform()).transform()
    number = {name: index for index, name in enumerate(said["names"], 1)}
    by_name = {name.strip('"'): variable for name, variable in model.variables.items()}
    theirs = {index: by_name[name] for name, index in number.items()}
    clauses = model.get_all_clauses()
    size = len(clauses.clauses)

    def ask(decisions: list[int]) -> Answer:
        clauses.clauses[size:] = [[theirs[abs(one)] * (1 if one > 0 else -1)] for one in decisions]
        told = PySATBackbone().execute(model).get_result()
        return [number[one.strip('"')] for one in told["core"]], [number[one.strip('"')] for one in told["dead"]]

    return ask


def main() -> None:
    peer, file = sys.argv[1:]
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123
        said = json.load(opened)
    logging.disable()
    began = time.perf_counter()
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            ask = {"pysat": pysat, "ddnnife": ddnnife, "flamapy": flamapy}[peer](said)
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        json.dump({"refused": lines[0][:120]}, sys.stdout)
        return
    ready = time.perf_counter() - began
    seconds, busy, sums = [], [], []
    for state in said["states"]:
        began, worked = time.perf_counter(), time.process_time()
        core, dead = ask(state)
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
        sums.append(zlib.crc32(array("i", sorted(core) + sorted(-one for one in dead)).tobytes()))
        if sum(seconds) > said["seconds"]:
            break
    json.dump({"ready": ready, "seconds": seconds, "busy": busy, "sums": sums}, sys.stdout)


main()
