"""How long a click takes, ours and peers', on the same models and traces.

    bench/configurator.py [FILE.uvl…] [--clicks N] [--seconds S] [--cache DIR]

Without files: the model line that comes with Marque. A trace of random clicks (mostly on features that are free, some decided against, some
taken back) is drawn with a seed. Ours: from the click to the lists of names. Peers are asked for forced and forbidden features in the same
states, as numbers, without names: python-sat with phases; ddnnife's core and dead features, from our circuit in its format; flamapy's
backbone, where it reads the file. Each peer stops after S seconds of answering. Every answer is compared with ours. Times are told by the
clock and by the processor: on a machine that does other things too, the clock's 99th percentile is that of the others.
bench/peers/make configurator makes the peers' environment.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import subprocess
import tempfile
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from marque.app.caches import cache_folder
from marque.product.configure import Answer, Conflict, Product, Verb, begin, click, load
from marque.product.knowledge.circuit import AND, FALSE, LITERAL, TRUE, Circuit
from marque.product.line import line_file

PEERS = {"python-sat with phases": "pysat", "ddnnife core+dead": "ddnnife", "flamapy backbone": "flamapy"}
HERE = Path(__file__).parent
PYTHON = HERE / "peers" / ".venv-configurator" / "bin" / "python"
SEED = 2026
MOST_DECIDED = 40
Step = tuple[Verb, str]


def trace(product: Product, clicks: int) -> list[Step]:
    """So many clicks that are answered, and those in between that are refused."""
    chance, answer, steps, answered = random.Random(SEED), first(product), list[Step](), 0
    while answered < clicks:
        decided = [one.feature for one in answer.decisions]
        drawn = chance.random()
        free = answer.free
        if decided and (drawn < 0.15 or len(decided) >= MOST_DECIDED or not free):
            step = (Verb.RETRACT, chance.choice(decided))
        else:
            name = chance.choice(free if drawn < 0.95 else product.cnf.names)
            step = (Verb.DESELECT if drawn > 0.8 and drawn < 0.95 else Verb.SELECT, name)
        after = click(answer, *step)
        steps.append(step)
        if isinstance(after, Answer):
            answer, answered = after, answered + 1
    return steps


def first(product: Product) -> Answer:
    answer = begin(product)
    assert isinstance(answer, Answer)
    return answer


def ours(product: Product, steps: list[Step]) -> tuple[dict[str, Any], list[list[int]], list[float]]:
    """Seconds and check sum of each answered click; the literals of each state; seconds of refused clicks, their conflict set included."""
    answer = first(product)
    answer.why(product.cnf.names[0])  # what explanations need is made once
    seconds, busy, states, sums, refused = [], [], [], [], []
    gc.collect()
    gc.freeze()
    for step in steps:
        began, worked = time.perf_counter(), time.process_time()
        after = click(answer, *step)
        if isinstance(after, Conflict):
            refused.append(time.perf_counter() - began)
            continue
        assert isinstance(after, Answer)
        lists = after.forced, after.forbidden, after.free_count
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
        assert len(lists[0]) + len(lists[1]) + lists[2] == product.features
        core, dead = np.flatnonzero(after.domains == 1), np.flatnonzero(after.domains == -1)
        sums.append(zlib.crc32(np.concatenate([core, -dead[::-1]]).astype(np.int32).tobytes()))
        states.append(after.literals)
        answer = after
    return {"seconds": seconds, "busy": busy, "sums": sums}, states, refused


def write_nnf(circuit: Circuit, file: Path) -> None:
    """In c2d's format, smooth: what an edge of an OR leaves open becomes a choice beside the child; one line for each literal."""
    lines, edges = list[str](), 0
    number = np.zeros(len(circuit.kinds), dtype=np.int64)
    choices: dict[int, int] = {}
    literals: dict[int, int] = {}

    def put(line: str, children: int = 0) -> int:
        nonlocal edges
        lines.append(line)
        edges += children
        return len(lines) - 1

    def side(literal: int) -> int:
        if literal not in literals:
            literals[literal] = put(f"L {literal}")
        return literals[literal]

    def choice(variable: int) -> int:
        if variable not in choices:
            sides = side(variable), side(-variable)
            choices[variable] = put(f"O {variable} 2 {sides[0]} {sides[1]}", 2)
        return choices[variable]

    def both(child: int, variables: np.ndarray) -> int:
        parts = [child, *(choice(int(one)) for one in variables)]
        return put(f"A {len(parts)} {' '.join(map(str, parts))}", len(parts)) if len(parts) > 1 else child

    for node, kind in enumerate(circuit.kinds):
        start, end = circuit.first[node], circuit.first[node + 1]
        children = [int(number[one]) for one in circuit.children[start:end]]
        if kind == LITERAL:
            number[node] = side(int(circuit.literals[node]))
        elif kind in {TRUE, FALSE}:
            number[node] = put("A 0" if kind == TRUE else "O 0 0")
        elif kind == AND:
            number[node] = put(f"A {len(children)} {' '.join(map(str, children))}", len(children))
        else:
            opened = pairwise(circuit.open_first[start : end + 1].tolist())
            children = [both(child, circuit.open[a:b]) for child, (a, b) in zip(children, opened, strict=True)]
            number[node] = put(f"O 0 {len(children)} {' '.join(map(str, children))}", len(children))
    both(int(number[-1]), circuit.free)
    file.write_text("\n".join([f"nnf {len(lines)} {edges} {circuit.variables}", *lines]) + "\n")


def asked(product: Product, uvl: Path, states: list[list[int]], seconds: float, folder: Path) -> Path:
    """Everything that peers are told, in files; returns the one that names the others."""
    cnf = product.cnf
    clauses = [cnf.literals[start:end].tolist() for start, end in pairwise(cnf.offsets.tolist())]
    dimacs = folder / "model.cnf"
    dimacs.write_text(f"p cnf {cnf.variables} {len(clauses)}\n" + "".join(f"{' '.join(map(str, one))} 0\n" for one in clauses))
    said: dict[str, Any] = {
        "dimacs": str(dimacs), "uvl": str(uvl), "features": product.features, "variables": cnf.variables, "names": cnf.names,
        "states": states, "seconds": seconds, "nnf": "",
    }  # fmt: skip
    circuit = getattr(product.reasoner, "circuit", None)
    if circuit is not None:
        said["nnf"] = str(folder / "model.nnf")
        write_nnf(circuit, folder / "model.nnf")
    (folder / "asked.json").write_text(json.dumps(said))
    return folder / "asked.json"


def peer(name: str, file: Path, limit_s: float) -> dict[str, Any]:
    command = [str(PYTHON), str(HERE / "peers" / "configurator_answers.py"), name, str(file)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {"refused": f"no answer in {limit_s:.0f} s"}
    if told.returncode:
        return {"refused": (told.stderr.strip().splitlines() or ["failed"])[-1][:120]}
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def row(name: str, told: dict[str, Any], own: dict[str, Any]) -> str:
    if "refused" in told:
        return f"  {name:<24} {told['refused']}"
    cells = ""
    for clock in ("seconds", "busy"):
        times, base = ((np.median(one[clock]) * 1e3, np.percentile(one[clock], 99) * 1e3) for one in (told, own))
        cells += f"{times[0]:>11.3f}{times[1]:>11.3f}{times[0] / base[0]:>9.1f} ×{times[1] / base[1]:>8.1f} ×"
    same = sum(a == b for a, b in zip(told["sums"], own["sums"], strict=False))
    return f"  {name:<24}{len(told['seconds']):>7}{cells}   {same} answers as ours"


def bench(uvl: Path, clicks: int, seconds: float, cache: Path) -> None:
    began = time.perf_counter()
    product = load(uvl, cache)
    loaded = time.perf_counter() - began
    steps = trace(product, clicks)
    own, states, refused = ours(product, steps)
    print(f"{uvl.name}: {product.features} features, {product.cnf.clauses} clauses; by {product.reasoner.method}, ready in {loaded:.2f} s")
    print(f"  {'':<24}{'':>7}{'by the clock, ms: median, 99th percentile, ratios':>42}{'by the processor':>42}")
    print(row("Marque", own, own))
    with tempfile.TemporaryDirectory() as folder:
        file = asked(product, uvl, states, seconds, Path(folder))
        for name, kind in PEERS.items():
            print(row(name, peer(kind, file, 3 * seconds + 60.0), own), flush=True)
    if refused:
        times = np.array(refused) * 1e3
        print(f"  refused clicks: {len(times)}, with their conflict set {np.median(times):.1f} ms, p99 {np.percentile(times, 99):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--clicks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--cache", type=Path, default=cache_folder("product"))
    args = parser.parse_args()
    for file in args.files or [line_file()]:
        bench(file, args.clicks, args.seconds, args.cache)


main()
