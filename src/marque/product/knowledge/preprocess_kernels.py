"""The loops of preprocessing."""

from __future__ import annotations

import numpy as np

from marque.product.knowledge.compile_search import assume, decide, propagate, satisfiable, undo
from marque.product.knowledge.compile_state import FACT, STAMP, Formula, Search, Walk
from marque.product.knowledge.compile_walk import flood
from marque.vehicle.kernel import kernel, lean


@lean
def fix(formula: Formula, search: Search, literals: np.ndarray) -> bool:
    """Assume literals for good; False if they contradict each other or the formula."""
    for literal in literals:
        if search.value[literal] < 0:
            return False
        if search.value[literal] == 0:
            assume(search, literal, FACT)
    return bool(propagate(formula, search))


@lean
def probe(formula: Formula, search: Search, walk: Walk, candidates: np.ndarray, probes: int) -> int:
    """Assume for good what is true in every model: each literal of one model, unless its negation has a model, too.

    candidates: int8 [variables], the work so far: 0 not looked at, 1 true and −1 false in all models found, 2 done. 0 when all is done, −1
    when there is no model, 1 to be called again, after this many questions or where the room for learnt clauses does not suffice.
    Source: Janota, Lynce and Marques-Silva 2015 (every model found strikes candidates off); here component by component.
    """
    variables = len(candidates)
    search.register[STAMP] += 4
    for variable in range(variables):
        walk.label[variable] = -1
    for start in range(variables):
        if walk.label[start] >= 0 or search.value[2 * start] != 0:
            continue
        size = flood(formula, search, walk, start, 1)
        if size == 1:
            continue
        part = walk.key[:size]
        fresh = False
        for place in range(size):
            part[place] = walk.queue[place]
            fresh |= candidates[part[place]] == 0
        if fresh:
            good = satisfiable(formula, search, part)
            if good <= 0:
                return -1 if good == 0 else 1
            for variable in part:
                candidates[variable] = 1 if search.phase[variable] else -1
        for variable in part:
            if candidates[variable] == 2 or search.value[2 * variable] != 0:
                continue
            probes -= 1
            if probes < 0:
                return 1
            literal = 2 * variable + (0 if candidates[variable] > 0 else 1)
            decide(search, literal ^ 1)
            good = satisfiable(formula, search, part)
            undo(search, 0)
            if good < 0:
                return 1
            if good == 0:
                assume(search, literal, FACT)
                if not propagate(formula, search):
                    return -1
                continue
            candidates[variable] = 2
            for other in part:
                if candidates[other] != 2 and (candidates[other] > 0) != (search.phase[other] > 0):
                    candidates[other] = 2
    return 0


@kernel
def subsumed(first: np.ndarray, literals: np.ndarray, near_first: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Which clauses are implied by a shorter one or by a pair. bool [clauses].

    Clauses ascend in length, literals within each; no two are the same. near: per literal those it forms a clause of two with.
    """
    count = len(first) - 1
    size = len(near_first) - 1
    implied = np.zeros(count, np.bool_)
    inside = np.full(size, -1, np.int32)
    under = np.zeros(size + 1, np.int32)
    for clause in range(count):
        under[literals[first[clause]] + 1] += 1
    for literal in range(size):
        under[literal + 1] += under[literal]
    by_least = np.empty(count, np.int32)
    filled = np.zeros(size, np.int32)
    for clause in range(count):
        least = literals[first[clause]]
        for place in range(first[clause], first[clause + 1]):
            inside[literals[place]] = clause
        for place in range(first[clause], first[clause + 1]):
            literal = literals[place]
            for at in range(near_first[literal], near_first[literal + 1]):
                if inside[near[at]] == clause:
                    implied[clause] = True
                    break
            for at in range(under[literal], under[literal] + filled[literal]):
                shorter = by_least[at]
                contained = first[shorter + 1] - first[shorter] < first[clause + 1] - first[clause]
                for other in range(first[shorter], first[shorter + 1]):
                    if not contained or inside[literals[other]] != clause:
                        contained = False
                        break
                if contained:
                    implied[clause] = True
                    break
            if implied[clause]:
                break
        if not implied[clause]:
            by_least[under[least] + filled[least]] = clause
            filled[least] += 1
    return implied


@kernel
def groups_of(first: np.ndarray, excluded: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of literals that exclude each other, as groups of three and more of which at most one is true, and the pairs left over.

    excluded: per literal those it excludes, both ways. Greedy: a group grows from the literal with most exclusions, by those not covered
    yet, again with most exclusions first. As (pairs [n, 2], first, members).
    """
    size = len(first) - 1
    covered = np.zeros(len(excluded), np.bool_)
    mark = np.zeros(size, np.int64)
    pairs = np.empty((len(excluded) // 2, 2), np.int32)
    pair_count = 0
    group_first = np.zeros(len(excluded) // 2 + 2, np.int32)
    members = np.empty(len(excluded) + 2, np.int32)
    groups = 0
    end = 0
    base = np.int64(0)
    degree = first[1:] - first[:-1]
    for literal in np.argsort(-degree, kind="mergesort"):
        while True:
            begin = end
            members[end] = literal
            end += 1
            waiting = excluded[first[literal] : first[literal + 1]][~covered[first[literal] : first[literal + 1]]]
            if len(waiting) == 0:
                end = begin
                break
            for at in range(first[literal], first[literal + 1]):
                mark[excluded[at]] = base + 1
            for other in waiting[np.argsort(-degree[waiting], kind="mergesort")]:
                if mark[other] == base + end - begin:
                    members[end] = other
                    for at in range(first[other], first[other + 1]):
                        if mark[excluded[at]] == base + end - begin:
                            mark[excluded[at]] += 1
                    end += 1
            base += end - begin + 1
            for place in range(begin, end):
                mark[members[place]] = base
            for place in range(begin, end):
                for at in range(first[members[place]], first[members[place] + 1]):
                    if mark[excluded[at]] == base:
                        covered[at] = True
            if end - begin == 2:
                pairs[pair_count, 0] = members[begin]
                pairs[pair_count, 1] = members[begin + 1]
                pair_count += 1
                end = begin
            else:
                members[begin:end] = np.sort(members[begin:end])
                groups += 1
                group_first[groups] = end
    return pairs[:pair_count], group_first[: groups + 1], members[:end]
