"""From a formula to a decision-DNNF: in a file where there is one, else compiled, in steps that a later call continues if it is cut off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from marque.common import MarqueError
from marque.product.cnf import Cnf
from marque.product.knowledge import cache as files
from marque.product.knowledge.circuit import Circuit
from marque.product.knowledge.compile_state import (
    BRANCH,
    CLAUSES,
    DONE,
    EDGES,
    ENTRIES,
    FRAMES,
    HITS,
    NODES,
    ORIGINAL,
    ROOM,
    STATE,
    WAITING,
    Formula,
    Search,
    Walk,
)
from marque.product.knowledge.ordering import ranks
from marque.product.knowledge.preprocess import Reduced, reduce

_STEPS = 5_000
_TOLD_S = 0.5
_KEPT_S = 30.0
_LEARNT_CLAUSES = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take: seconds of processor time, nodes of the circuit, bytes of the search's arrays."""

    seconds: float = 3600.0
    nodes: int = 50_000_000
    bytes: int = 8 << 30


@dataclass(frozen=True, slots=True)
class Progress:
    """components: different ones met; hits: how often one was known already; nodes, edges: made so far; seconds: of processor time in this
    call.

    done: a rough share of the work, 0 to 1: each branch counts as half of its decision, each component as much as those beside it.
    """

    components: int
    hits: int
    nodes: int
    edges: int
    done: float
    seconds: float


class LimitReached(MarqueError):
    """A formula took more than it was allowed to. What was done is in the cache, if there is one, and a later call continues from there."""

    def __init__(self, what: str, progress: Progress | None) -> None:
        self.what, self.progress = what, progress
        done = f" about {progress.done:.0%} was done" if progress else " its preparation was not done"
        super().__init__(f"Compiling the formula needs more than {what};{done}. Questions to it can be answered by search instead.")

    def __reduce__(self) -> tuple[type[LimitReached], tuple[str, Progress | None]]:
        return type(self), (self.what, self.progress)


def compile_formula(
    cnf: Cnf, *, cache: Path | None = None, progress: Callable[[Progress], None] | None = None, limit: Limits | None = None
) -> Circuit:
    """The circuit of a formula, from the folder `cache` or compiled and kept there.

    progress is called about twice a second. Raises LimitReached.
    """
    if cache is not None and (kept := files.load_circuit(cache, cnf)) is not None:
        return kept
    circuit = _Compilation(cnf, cache, progress, limit or Limits()).run()
    if cache is not None:
        files.save_circuit(cache, circuit)
        files.forget_walk(cache, cnf)
    return circuit


class _Compilation:
    def __init__(self, cnf: Cnf, cache: Path | None, progress: Callable[[Progress], None] | None, limit: Limits) -> None:
        self.cnf, self.cache, self.tell, self.limit = cnf, cache, progress, limit
        self.start = time.process_time()

    def seconds(self) -> float:
        return time.process_time() - self.start

    def in_time(self) -> None:
        if self.seconds() > self.limit.seconds:
            raise LimitReached(f"{self.limit.seconds:g} s", None)

    def run(self) -> Circuit:
        from marque.product.knowledge.compile_assemble import circuit_of, impossible

        reduced = reduce(self.cnf, self.in_time)
        if not reduced.satisfiable:
            return impossible(self.cnf)
        return circuit_of(self.cnf, reduced, self._walk(reduced))

    def _walk(self, reduced: Reduced) -> Walk:
        from marque.product.knowledge.compile_arrays import formula_arrays, roomier, search_arrays, walk_arrays
        from marque.product.knowledge.compile_walk import advance, forget

        formula = formula_arrays(reduced.variables, reduced.clauses, reduced.pairs, reduced.groups, ranks(reduced))
        search = search_arrays(reduced.variables, reduced.clauses)
        walk = walk_arrays(reduced.variables, reduced.clauses, reduced.groups)
        if self.cache is not None and (kept := files.load_walk(self.cache, self.cnf, formula, search, walk)) is not None:
            search, walk = kept
        told = kept_at = self.seconds()
        while True:
            outcome = advance(formula, search, walk, _STEPS)
            if outcome == DONE:
                return walk
            if search.register[CLAUSES] - search.register[ORIGINAL] > _LEARNT_CLAUSES:
                forget(search, _LEARNT_CLAUSES // 2)
            if outcome == ROOM:
                search, walk = roomier(search, walk)
            now = self.seconds()
            if self.tell is not None and now - told > _TOLD_S:
                self.tell(_progress(walk, now))
                told = now
            exceeded = self._exceeded(formula, search, walk, now)
            if self.cache is not None and (exceeded or now - kept_at > max(_KEPT_S, 10 * self._keeping_s(search, walk))):
                files.save_walk(self.cache, self.cnf, formula, search, walk)
                kept_at = now
            if exceeded:
                raise LimitReached(exceeded, _progress(walk, now))

    def _exceeded(self, formula: Formula, search: Search, walk: Walk, now: float) -> str:
        if now > self.limit.seconds:
            return f"{self.limit.seconds:g} s"
        if walk.register[NODES] > self.limit.nodes:
            return f"{self.limit.nodes} nodes"
        if _bytes(formula, search, walk) > self.limit.bytes:
            return f"{self.limit.bytes / 1e9:.1f} GB"
        return ""

    @staticmethod
    def _keeping_s(search: Search, walk: Walk) -> float:
        """About how long it takes to write all to a file, at 200 MB/s."""
        return _bytes(search, walk) / 200e6


def _bytes(*parts: Formula | Search | Walk) -> int:
    return sum(array.nbytes for part in parts for array in part)


def _progress(walk: Walk, seconds: float) -> Progress:
    register = walk.register
    done, width = 0.0, 1.0
    frames = int(register[FRAMES])
    for frame in range(frames):
        if walk.frame_literal[frame] >= 0:
            width /= 2
            done += width * int(walk.frame_branch[frame])
        if frame == frames - 1 and register[STATE] == BRANCH:
            break
        parts = max(1, int(walk.frame_parts[frame]))
        inside = frame + 1 < frames
        waiting = int(walk.frame_waiting[frame + 1] if inside else register[WAITING]) - int(walk.frame_waiting[frame])
        done += width * (parts - waiting - inside) / parts
        width /= parts
    return Progress(
        components=int(register[ENTRIES]),
        hits=int(register[HITS]),
        nodes=int(register[NODES]),
        edges=int(register[EDGES]),
        done=done,
        seconds=seconds,
    )
