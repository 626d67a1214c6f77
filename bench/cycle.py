"""Where a cycle of the driving system spends its time in the city: bench/cycle.py [--seconds N] [--after N] [--seed N] [--cars N]

Every statement of `cycle.cycle` is timed by the processor's own counter, in a copy of the kernel that this file compiles; what surrounds
it is timed from Python. Prints milliseconds per car and step, and a digest of all states driven: two versions with the same digest have
decided the same, to the bit.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import inspect
import textwrap
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from marque.app.live import map_cache
from marque.driving import cycle, pilot
from marque.driving.importers import default_city, load_map
from marque.simulation.city import City


@intrinsic
def _ticks(_typing_context: Any) -> Any:
    """The processor's time stamp counter."""

    def code(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", fnty=ir.FunctionType(ir.IntType(64), [])), [])

    return types.int64(), code


def timed_cycle() -> tuple[Callable[..., Any], list[str]]:
    """`cycle.cycle`, adding the ticks of each of its statements to the array it is handed first, and what the statements are."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cycle.cycle.py_func)))  # type: ignore[attr-defined]
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list, function.name = [], "timed"
    function.args.args.insert(0, ast.arg("_marks"))
    for argument in function.args.args:
        argument.annotation = None
    function.returns = None
    names: list[str] = []

    def note(statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, ast.For):
                statement.body = note(statement.body)
            if isinstance(statement, ast.For):
                out.append(statement)
                continue
            names.append(ast.unparse(statement).splitlines()[0][:70])
            returns = isinstance(statement, ast.Return)
            out.append(ast.Assign([ast.Name("_result", ast.Store())], statement.value) if returns else statement)  # type: ignore[attr-defined]
            out += ast.parse(f"_now = _ticks()\n_marks[{len(names) - 1}] += _now - _last\n_last = _now").body
            if returns:
                out.append(ast.Return(ast.Name("_result", ast.Load())))
        return out

    function.body = ast.parse("_last = _ticks()").body + note(function.body)
    scope = dict(vars(cycle), _ticks=_ticks)
    exec(compile(ast.fix_missing_locations(tree), "timed_cycle", "exec"), scope)
    return numba.njit(error_model="numpy", nogil=True)(scope["timed"]), names


class Stopwatch:
    """Adds up how long calls of a function take; what is timed inside it counts there alone."""

    running: ClassVar[list[Stopwatch]] = []

    def __init__(self, name: str) -> None:
        self.name, self.spent = name, 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            began = time.thread_time_ns()
            self.running.append(self)
            try:
                return function(*args, **named)
            finally:
                took = time.thread_time_ns() - began
                self.running.pop()
                self.spent += took
                if self.running:
                    self.running[-1].spent -= took

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--after", type=float, default=20.0, help="seconds driven before the clock starts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cars", type=int, default=10)
    parser.add_argument("--plain", action="store_true", help="time nothing inside: the real speed, and the digest")
    args = parser.parse_args()
    city = City(load_map(default_city(), cache=map_cache()), seed=args.seed, cars=args.cars)
    marks, names, watches = np.zeros(80, np.int64), [], []
    if not args.plain:
        timed, names = timed_cycle()
        pilot.cycle = lambda *given: timed(marks, *given)  # type: ignore[assignment]
        watches = watch(city)
    digest = hashlib.blake2b(digest_size=8)

    def drive(seconds: float) -> None:
        until = city.time_s + seconds
        while city.time_s < until - 1e-6:
            city.step()
            digest.update(np.array([car.state for car in city._cars]).tobytes())

    drive(args.after)
    marks[:] = 0
    for one in watches:
        one.spent = 0
    city.cycle_ms.clear()
    began, counted = time.thread_time(), _counter()
    drive(args.seconds)
    spent, counted = time.thread_time() - began, _counter() - counted
    steps = max(1.0, args.seconds / city.step_s * args.cars)
    print(f"{1e3 * spent / steps:.3f} ms a car and step, {args.seconds / spent:.1f} x real time; states {digest.hexdigest()}")
    print(f"cycle: median {np.median(city.cycle_ms):.3f} ms, p99 {np.percentile(city.cycle_ms, 99):.3f}, worst {max(city.cycle_ms):.3f}")
    for one in sorted(watches, key=lambda one: -one.spent):
        print(f"{1e-6 * one.spent / steps:8.4f}  {one.name}")
    tick_ms = 1e3 * spent / max(1, counted)
    for k in np.argsort(-marks)[: len(names)]:
        if marks[k] * tick_ms / steps > 0.002:
            print(f"{marks[k] * tick_ms / steps:8.4f}      {names[k]}")


@numba.njit
def _counter() -> int:
    return _ticks()


def watch(city: City) -> list[Stopwatch]:
    """Times what surrounds the kernel, all cars together."""
    watches: dict[str, Stopwatch] = {}

    def put(owner: Any, *names: str) -> None:
        for name in names:
            title = f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"
            setattr(owner, name, watches.setdefault(title, Stopwatch(title)).wrap(getattr(owner, name)))

    put(pilot, "cycle")
    put(city, "_observe", "_guests", "_judge", "step")
    put(city.traffic, "step", "frame")
    for car in city._cars:
        put(car.pilot, "cycle", "_watch", "route", "reason")
        put(car.pilot._localisation, "believe")
        if car.sensors is not None:
            put(car.sensors, "sense")
    return list(watches.values())


if __name__ == "__main__":
    main()
