"""Unit propagation, learning from conflicts, and the question whether a component has a model."""

from __future__ import annotations

import numpy as np

from marque.product.knowledge.compile_state import (
    BACK,
    CLAUSES,
    CONFLICT,
    CONFLICTS,
    DECISIONS,
    FACT,
    HEAD,
    LEARNT,
    LEVEL,
    OTHER,
    POOL,
    TRAIL,
    Formula,
    Search,
)
from marque.vehicle.kernel import inlined, lean


@inlined
def assume(search: Search, literal: int, reason: int) -> None:
    register = search.register
    search.value[literal] = 1
    search.value[literal ^ 1] = -1
    search.level[literal >> 1] = register[LEVEL]
    search.reason[literal >> 1] = reason
    search.trail[register[TRAIL]] = literal
    register[TRAIL] += 1


@inlined
def decide(search: Search, literal: int) -> None:
    """A new level that begins with a literal."""
    register = search.register
    register[LEVEL] += 1
    search.limits[register[LEVEL]] = register[TRAIL]
    register[DECISIONS] += 1
    assume(search, literal, FACT)


@inlined
def undo(search: Search, level: int) -> None:
    """Back to the end of a level."""
    register = search.register
    if register[LEVEL] > level:
        start = search.limits[level + 1]
        for place in range(start, register[TRAIL]):
            literal = search.trail[place]
            search.value[literal] = 0
            search.value[literal ^ 1] = 0
        register[TRAIL] = start
        register[HEAD] = start
        register[LEVEL] = level


@lean
def propagate(formula: Formula, search: Search) -> bool:
    """Draw all conclusions from what was assumed. False on a conflict: of clause CONFLICT, or where that is −1 of ¬OTHER ∨ ¬BACK."""
    register = search.register
    value = search.value
    while register[HEAD] < register[TRAIL]:
        literal = search.trail[register[HEAD]]
        register[HEAD] += 1
        for place in range(formula.implied_first[literal], formula.implied_first[literal + 1]):
            other = formula.implied[place]
            if value[other] == 0:
                assume(search, other, -2 - literal)
            elif value[other] < 0:
                register[CONFLICT] = -1
                register[OTHER] = literal
                register[BACK] = other ^ 1
                return False
        for place in range(formula.groups_first[literal], formula.groups_first[literal + 1]):
            group = formula.groups[place]
            for member in range(formula.members_first[group], formula.members_first[group + 1]):
                other = formula.members[member]
                if other != literal and value[other] >= 0:
                    if value[other] > 0:
                        register[CONFLICT] = -1
                        register[OTHER] = literal
                        register[BACK] = other
                        return False
                    assume(search, other ^ 1, -2 - literal)
        if not visit_watchers(search, literal ^ 1):
            return False
    return True


@inlined
def visit_watchers(search: Search, false: int) -> bool:
    register = search.register
    value, pool, follows = search.value, search.pool, search.watch_next
    watcher = search.watch_head[false]
    search.watch_head[false] = -1
    good = True
    while watcher >= 0:
        after = follows[watcher]
        clause = watcher >> 1
        start = search.at[clause]
        mine = start + (watcher & 1)
        other = pool[start + 1 - (watcher & 1)]
        moved = False
        if good and value[other] <= 0:
            for place in range(start + 2, start + search.size[clause]):
                if value[pool[place]] >= 0:
                    pool[mine] = pool[place]
                    pool[place] = false
                    follows[watcher] = search.watch_head[pool[mine]]
                    search.watch_head[pool[mine]] = watcher
                    moved = True
                    break
            if not moved:
                if value[other] < 0:
                    register[CONFLICT] = clause
                    good = False
                else:
                    assume(search, other, clause)
        if not moved:
            follows[watcher] = search.watch_head[false]
            search.watch_head[false] = watcher
        watcher = after
    return good


@inlined
def note(search: Search, literal: int, level: int) -> int:
    """A false literal of a clause in the analysis: 1 where it is of the present level, else it is a part of the learnt clause."""
    variable = literal >> 1
    if search.seen[variable] or search.level[variable] == 0:
        return 0
    search.seen[variable] = 1
    if search.level[variable] == level:
        return 1
    search.register[LEARNT] += 1
    search.learnt[search.register[LEARNT] - 1] = literal
    return 0


@lean
def analyse(search: Search) -> None:
    """From a conflict to a clause with one literal of the present level (its first); BACK becomes the level from which it follows.

    The first unique implication point, as in Marques-Silva and Sakallah 1999.
    """
    register = search.register
    level = register[LEVEL]
    register[CONFLICTS] += 1
    register[LEARNT] = 1
    open_count = 0
    if register[CONFLICT] >= 0:
        clause = register[CONFLICT]
        for place in range(search.at[clause], search.at[clause] + search.size[clause]):
            open_count += note(search, search.pool[place], level)
    else:
        open_count += note(search, register[OTHER] ^ 1, level)
        open_count += note(search, register[BACK] ^ 1, level)
    place = register[TRAIL]
    literal = 0
    while True:
        place -= 1
        literal = search.trail[place]
        if search.seen[literal >> 1] == 0 or search.level[literal >> 1] != level:
            continue
        search.seen[literal >> 1] = 0
        open_count -= 1
        if open_count == 0:
            break
        reason = search.reason[literal >> 1]
        if reason >= 0:
            for at in range(search.at[reason], search.at[reason] + search.size[reason]):
                if search.pool[at] != literal:
                    open_count += note(search, search.pool[at], level)
        elif reason <= -2:
            open_count += note(search, (-2 - reason) ^ 1, level)
    search.learnt[0] = literal ^ 1
    back = 0
    for index in range(1, register[LEARNT]):
        variable = search.learnt[index] >> 1
        search.seen[variable] = 0
        if search.level[variable] > back:
            back = search.level[variable]
            search.learnt[1], search.learnt[index] = search.learnt[index], search.learnt[1]
    register[BACK] = back


@inlined
def learn(search: Search) -> int:
    """Keep the learnt clause if it has two literals or more; its number, or FACT."""
    register = search.register
    length = register[LEARNT]
    if length < 2:
        return FACT
    clause = register[CLAUSES]
    start = register[POOL]
    search.at[clause] = start
    search.size[clause] = length
    for index in range(length):
        search.pool[start + index] = search.learnt[index]
    for slot in range(2):
        search.watch_next[2 * clause + slot] = search.watch_head[search.learnt[slot]]
        search.watch_head[search.learnt[slot]] = 2 * clause + slot
    register[CLAUSES] += 1
    register[POOL] += length
    return int(clause)


@lean
def satisfiable(formula: Formula, search: Search, variables: np.ndarray) -> int:
    """Whether these variables have a model with what is assumed; if so their phases become one. Nothing more is assumed afterwards.

    1 or 0; −1 where the room for learnt clauses does not suffice, to be asked again with more.
    """
    register = search.register
    base = register[LEVEL]
    place = 0
    while True:
        if register[CLAUSES] + 1 >= len(search.at) or register[POOL] + len(search.level) >= len(search.pool):
            undo(search, base)
            register[HEAD] = search.limits[base] if base > 0 else 0
            return -1
        if not propagate(formula, search):
            if register[LEVEL] == 0:
                return 0
            analyse(search)
            if register[LEVEL] == base:
                learn(search)
                return 0
            undo(search, max(register[BACK], base))
            assume(search, search.learnt[0], learn(search))
            place = 0
            continue
        while place < len(variables) and search.value[2 * variables[place]] != 0:
            place += 1
        if place == len(variables):
            break
        variable = variables[place]
        decide(search, 2 * variable + (0 if search.phase[variable] else 1))
    for variable in variables:
        search.phase[variable] = 1 if search.value[2 * variable] > 0 else 0
    undo(search, base)
    return 1
