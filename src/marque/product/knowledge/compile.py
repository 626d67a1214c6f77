"""From a formula to a decision-DNNF: in a file where there is one, else compiled, in steps that a later call continues if it is cut off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from marque.common import MarqueError
from marque.product.encoding.cnf import Cnf
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
from marque.product.knowledge.preprocess import Reduced, reduce
from marque.product.knowledge.rows import Rows

_STEPS = 5_000
_TRIAL_STEPS = 100_000
_TOLD_S = 0.5
_KEPT_S = 30.0
_WRITTEN_PER_S = 200e6
_KEPT_BYTES = 1 << 30
_LEARNT_CLAUSES = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take: seconds of processor time, nodes of the circuit, bytes of the search's arrays."""

    seconds: float = 3600.0
    nodes: int = 50_000_000
    bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class Progress:
    """components: different ones met; hits: how often one was known already; nodes, edges: made so far; seconds: of processor time in this
    call.

    done: a rough share of the work, 0 to 1: each branch counts as half of its decision, each component as much as those beside it, though
    one hard one may take longer than all others.
    """

    components: int
    hits: int
    nodes: int
    edges: int
    done: float
    seconds: float


class LimitReached(MarqueError):
    """A formula took more than it was allowed to. If there is a cache, and it is not too large for a file (1 GiB), what was done is kept
    there, and a later call continues. progress: None where not even the preparation was done.
    """

    def __init__(self, what: str, progress: Progress | None) -> None:
        self.what, self.progress = what, progress
        super().__init__(f"Compiling the formula needs more than {what}. Questions to it can be answered by search instead.")

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
        self.told = self.kept = self.furthest = 0.0

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
        """The walk with the smallest circuit of those done within a trial, or else the one that came furthest, to its end."""
        from marque.product.knowledge.ordering import Order, neighbours, ranks

        near = neighbours(reduced)
        if (attempt := self._kept(reduced, near)) is not None:
            self._advance(attempt, None, 0)
            return attempt.walk
        best: _Attempt | None = None
        tried: list[np.ndarray] = []
        for order in Order:
            rank = ranks(reduced, order, near)
            if any(np.array_equal(rank, other) for other in tried):
                continue
            tried.append(rank)
            attempt = _Attempt.begin(reduced, order, rank)
            bound = int(best.walk.register[EDGES]) if best is not None and best.done else 0
            self._advance(attempt, _TRIAL_STEPS, bound)
            if best is None or attempt.better(best):
                best = attempt
        assert best is not None
        if not best.done:
            self._advance(best, None, 0)
        return best.walk

    def _kept(self, reduced: Reduced, near: Rows) -> _Attempt | None:
        """What a call that was cut off has left."""
        from marque.product.knowledge.ordering import Order, ranks

        kept = files.load_walk(self.cache, self.cnf) if self.cache is not None else None
        if kept is None:
            return None
        order = Order(kept.order)
        fresh = _Attempt.begin(reduced, order, ranks(reduced, order, near))
        return _Attempt(order, fresh.formula, kept.search, kept.walk) if files.digest_of(fresh.formula) == kept.formula else None

    def _advance(self, attempt: _Attempt, steps: int | None, bound: int) -> None:
        """Go on until it is done, or so many steps are taken, or it has more edges than a bound (0: none)."""
        from marque.product.knowledge.compile_arrays import roomier
        from marque.product.knowledge.compile_walk import advance, forget

        left = steps
        while left is None or left > 0:
            take = _STEPS if left is None else min(left, _STEPS)
            outcome = advance(attempt.formula, attempt.search, attempt.walk, take)
            attempt.done = outcome == DONE
            if attempt.done or (bound and attempt.walk.register[EDGES] > bound):
                return
            left = None if left is None else left - take
            register = attempt.search.register
            if register[CLAUSES] - register[ORIGINAL] > _LEARNT_CLAUSES:
                forget(attempt.search, _LEARNT_CLAUSES // 2)
            if outcome == ROOM:
                attempt.search, attempt.walk = roomier(attempt.search, attempt.walk)
            self._between(attempt, keep=left is None)

    def _between(self, attempt: _Attempt, *, keep: bool) -> None:
        """Tell how far it is, keep what there is, and see that it does not take too much."""
        now = self.seconds()
        if self.tell is not None and now - self.told > _TOLD_S:
            progress = attempt.progress(now)
            self.furthest = max(self.furthest, progress.done)
            self.tell(replace(progress, done=self.furthest))
            self.told = now
        exceeded = self._exceeded(attempt, now)
        due = keep and now - self.kept > max(_KEPT_S, 10 * attempt.bytes / _WRITTEN_PER_S)
        if self.cache is not None and (due or exceeded) and attempt.bytes <= _KEPT_BYTES:
            files.save_walk(self.cache, self.cnf, attempt.order, attempt.formula, attempt.search, attempt.walk)
            self.kept = now
        if exceeded:
            raise LimitReached(exceeded, attempt.progress(now))

    def _exceeded(self, attempt: _Attempt, now: float) -> str:
        if now > self.limit.seconds:
            return f"{self.limit.seconds:g} s"
        if attempt.walk.register[NODES] > self.limit.nodes:
            return f"{self.limit.nodes} nodes"
        if attempt.bytes > self.limit.bytes:
            return f"{self.limit.bytes / 1e9:.1f} GB"
        return ""


@dataclass(eq=False)
class _Attempt:
    """A walk in one order."""

    order: str
    formula: Formula
    search: Search
    walk: Walk
    done: bool = False

    @classmethod
    def begin(cls, reduced: Reduced, order: str, rank: np.ndarray) -> _Attempt:
        from marque.product.knowledge.compile_arrays import formula_arrays, search_arrays, walk_arrays

        return cls(
            order,
            formula_arrays(reduced.variables, reduced.clauses, reduced.pairs, reduced.groups, rank),
            search_arrays(reduced.variables, reduced.clauses),
            walk_arrays(reduced.variables, reduced.clauses, reduced.groups),
        )

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for part in (self.formula, self.search, self.walk) for array in part)

    def better(self, other: _Attempt) -> bool:
        if self.done and other.done:
            return bool(self.walk.register[EDGES] < other.walk.register[EDGES])
        return self.done or (not other.done and self.progress(0.0).done > other.progress(0.0).done)

    def progress(self, seconds: float) -> Progress:
        walk, register = self.walk, self.walk.register
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
