"""The walk over components: decide, split, look up, join; an exhaustive DPLL whose trace is a d-DNNF.

Every component that is gone into is known to have a model, so that learnt clauses never mix what belongs to different components.
Source of the scheme: Sang et al. 2004 (component caching with learning); Huang and Darwiche 2005 (the trace as a d-DNNF).
"""

from __future__ import annotations

import numpy as np

from marque.product.knowledge.compile_search import decide, propagate, satisfiable, undo
from marque.product.knowledge.compile_state import (
    BRANCH,
    CLAUSES,
    CLOSE,
    DEEPEST,
    DONE,
    EDGES,
    ENTRIES,
    FRAMES,
    HITS,
    KEYS,
    KIDS,
    LEVEL,
    NEXT,
    NODES,
    ORIGINAL,
    PAUSED,
    POOL,
    ROOM,
    ROOT,
    STAMP,
    STATE,
    WAITING,
    Formula,
    Search,
    Walk,
)
from marque.vehicle.kernel import inlined, lean

_MIX = 0x2545F4914F6CDD1D
_AND, _OR = 3, 4


@inlined
def mixed(digest: int, word: int) -> int:
    digest = (digest ^ word) * _MIX
    return digest ^ (digest >> 29)


@inlined
def reach(walk: Walk, search: Search, variable: int, mark: int, end: int) -> int:
    """Label an open variable that is met for the first time and queue it."""
    if search.value[2 * variable] == 0 and walk.label[variable] < 0:
        walk.label[variable] = mark
        walk.queue[end] = variable
        end += 1
    return end


@lean
def flood(formula: Formula, search: Search, walk: Walk, start: int, mark: int) -> int:
    """Label all variables that a constraint still joins to one; how many they are.

    clause_stamp: the search's stamp for a clause that is still open and whole, stamp + 1 for one that is open in part, stamp + 2 satisfied.
    """
    stamp = search.register[STAMP]
    walk.label[start] = mark
    walk.queue[0] = start
    end = 1
    done = 0
    while done < end:
        variable = walk.queue[done]
        done += 1
        for literal in (2 * variable, 2 * variable + 1):
            for place in range(formula.implied_first[literal], formula.implied_first[literal + 1]):
                end = reach(walk, search, formula.implied[place] >> 1, mark, end)
            for place in range(formula.groups_first[literal], formula.groups_first[literal + 1]):
                group = formula.groups[place]
                if walk.group_stamp[group] != stamp:
                    walk.group_stamp[group] = stamp
                    for member in range(formula.members_first[group], formula.members_first[group + 1]):
                        end = reach(walk, search, formula.members[member] >> 1, mark, end)
        for place in range(formula.occurs_first[variable], formula.occurs_first[variable + 1]):
            clause = formula.occurs[place]
            if walk.clause_stamp[clause] < stamp:
                first = search.at[clause]
                state = stamp
                for at in range(first, first + search.size[clause]):
                    value = search.value[search.pool[at]]
                    if value > 0:
                        state = stamp + 2
                        break
                    if value < 0:
                        state = stamp + 1
                walk.clause_stamp[clause] = state
                if state != stamp + 2:
                    for at in range(first, first + search.size[clause]):
                        end = reach(walk, search, search.pool[at] >> 1, mark, end)
    return end


@lean
def split(formula: Formula, search: Search, walk: Walk, first: int, last: int) -> None:
    """Literals, known components and waiting ones of key[first:last], variables of which some are assigned by now."""
    register, key = walk.register, walk.key
    search.register[STAMP] += 4
    stamp = search.register[STAMP]
    for place in range(first, last):
        variable = key[place]
        value = search.value[2 * variable]
        if value == 0:
            walk.label[variable] = -1
        else:
            walk.kids[register[KIDS]] = 2 * variable + (0 if value > 0 else 1)
            register[KIDS] += 1
    mark = 0
    begin = register[KEYS]
    for place in range(first, last):
        start = key[place]
        if search.value[2 * start] != 0 or walk.label[start] >= 0:
            continue
        mark += 1
        size = flood(formula, search, walk, start, mark)
        if size == 1:
            continue
        key[begin] = size
        end = begin + 1
        digest = size
        for later in range(place, last):
            variable = key[later]
            if search.value[2 * variable] == 0 and walk.label[variable] == mark:
                key[end] = variable
                end += 1
                digest = mixed(digest, variable)
                if end == begin + 1 + size:
                    break
        for at in range(begin + 1, begin + 1 + size):
            variable = key[at]
            for occurrence in range(formula.occurs_first[variable], formula.occurs_first[variable + 1]):
                clause = formula.occurs[occurrence]
                if walk.clause_stamp[clause] == stamp + 1:
                    walk.clause_stamp[clause] = stamp + 3
                    key[end] = clause
                    end += 1
                    digest = mixed(digest, clause)
        look_up(walk, begin, end, digest)
        begin = register[KEYS]


@inlined
def look_up(walk: Walk, begin: int, end: int, digest: int) -> None:
    """A component whose key was written behind the last: its node if it is known, else it waits."""
    register, key = walk.register, walk.key
    mask = len(walk.entry_slots) - 1
    slot = digest & mask
    while walk.entry_slots[slot] >= 0:
        entry = walk.entry_slots[slot]
        at = walk.key_at[entry]
        if walk.entry_hash[entry] == digest and walk.key_at[entry + 1] - at == end - begin:
            same = True
            for index in range(end - begin):
                if key[at + index] != key[begin + index]:
                    same = False
                    break
            if same:
                register[HITS] += 1
                walk.kids[register[KIDS]] = walk.entry_node[entry]
                register[KIDS] += 1
                return
        slot = (slot + 1) & mask
    entry = register[ENTRIES]
    walk.entry_slots[slot] = entry
    walk.entry_hash[entry] = digest
    walk.entry_node[entry] = -1
    walk.key_at[entry + 1] = end
    register[ENTRIES] += 1
    register[KEYS] = end
    walk.waiting[register[WAITING]] = entry
    register[WAITING] += 1


@lean
def node_of(walk: Walk, kind: int, base: int) -> int:
    """The node over kids[base:], which are taken off; one there is already if it has the same children."""
    register, kids = walk.register, walk.kids
    count = register[KIDS] - base
    register[KIDS] = base
    if count == 1:
        return int(kids[base])
    for index in range(base + 1, base + count):
        kid = kids[index]
        place = index
        while place > base and kids[place - 1] > kid:
            kids[place] = kids[place - 1]
            place -= 1
        kids[place] = kid
    digest = kind
    for index in range(base, base + count):
        digest = mixed(digest, kids[index])
    mask = len(walk.node_slots) - 1
    slot = digest & mask
    while walk.node_slots[slot] >= 0:
        node = walk.node_slots[slot]
        at = walk.node_first[node]
        if walk.node_hash[node] == digest and walk.node_kind[node] == kind and walk.node_first[node + 1] - at == count:
            same = True
            for index in range(count):
                if walk.node_kids[at + index] != kids[base + index]:
                    same = False
                    break
            if same:
                return int(node + offset_of(walk))
        slot = (slot + 1) & mask
    node = register[NODES]
    walk.node_slots[slot] = node
    walk.node_hash[node] = digest
    walk.node_kind[node] = kind
    at = register[EDGES]
    for index in range(count):
        walk.node_kids[at + index] = kids[base + index]
    register[EDGES] = at + count
    walk.node_first[node + 1] = at + count
    register[NODES] += 1
    return int(node + offset_of(walk))


@inlined
def offset_of(walk: Walk) -> int:
    """The number of the first node that is made; below it are literals, TRUE, FALSE."""
    return 2 * len(walk.label) + 2


@inlined
def has_room(search: Search, walk: Walk) -> bool:
    register = walk.register
    variables = len(walk.label)
    return bool(
        register[KEYS] + 3 * variables + search.register[ORIGINAL] < len(walk.key)
        and register[ENTRIES] + variables + 1 < len(walk.entry_node)
        and 2 * (register[ENTRIES] + variables) < len(walk.entry_slots)
        and register[NODES] + 4 < len(walk.node_kind)
        and 2 * (register[NODES] + 4) < len(walk.node_slots)
        and register[EDGES] + 2 * variables + 8 < len(walk.node_kids)
        and register[KIDS] + 2 * variables + 8 < len(walk.kids)
        and register[WAITING] + variables < len(walk.waiting)
    )


@lean
def advance(formula: Formula, search: Search, walk: Walk, steps: int) -> int:
    """Go on with a compilation for some steps; DONE, ROOM or PAUSED."""
    register = walk.register
    true = 2 * len(walk.label)
    for _ in range(steps):
        if not has_room(search, walk):
            return ROOM
        frame = register[FRAMES] - 1
        entry = walk.frame_entry[frame]
        literal = walk.frame_literal[frame]
        if register[STATE] == BRANCH:
            first = walk.key_at[entry] + 1
            last = first + walk.key[first - 1]
            if literal >= 0:
                decide(search, literal ^ walk.frame_branch[frame])
            if literal >= 0 and walk.frame_branch[frame] == 0:
                good = 1 if propagate(formula, search) else 0
            else:
                good = satisfiable(formula, search, walk.key[first:last])
            if good < 0:
                if literal >= 0:
                    undo(search, search.register[LEVEL] - 1)
                return ROOM
            if good > 0:
                split(formula, search, walk, first, last)
                walk.frame_parts[frame] = register[WAITING] - walk.frame_waiting[frame]
                register[STATE] = NEXT
            else:
                walk.kids[register[KIDS]] = true + 1
                register[KIDS] += 1
                register[STATE] = CLOSE
        elif register[STATE] == NEXT:
            if register[WAITING] == walk.frame_waiting[frame]:
                register[STATE] = CLOSE
                continue
            register[WAITING] -= 1
            entry = walk.waiting[register[WAITING]]
            first = walk.key_at[entry] + 1
            best = walk.key[first]
            for place in range(first + 1, first + walk.key[first - 1]):
                if formula.rank[walk.key[place]] > formula.rank[best]:
                    best = walk.key[place]
            walk.frame_entry[frame + 1] = entry
            walk.frame_literal[frame + 1] = 2 * best + (0 if search.phase[best] else 1)
            walk.frame_branch[frame + 1] = 0
            walk.frame_kids[frame + 1] = register[KIDS]
            walk.frame_waiting[frame + 1] = register[WAITING]
            register[FRAMES] += 1
            register[DEEPEST] = max(register[DEEPEST], register[FRAMES])
            register[STATE] = BRANCH
        else:
            base = walk.frame_kids[frame]
            if register[KIDS] == base:
                walk.kids[base] = true
                register[KIDS] += 1
            node = node_of(walk, _AND, base)
            if literal < 0:
                register[ROOT] = node
                return DONE
            undo(search, search.register[LEVEL] - 1)
            if walk.frame_branch[frame] == 0:
                walk.frame_node[frame] = node
                walk.frame_branch[frame] = 1
                register[STATE] = BRANCH
                continue
            walk.kids[base] = walk.frame_node[frame]
            register[KIDS] = base + 1
            if node != true + 1:
                walk.kids[base + 1] = node
                register[KIDS] = base + 2
            node = node_of(walk, _OR, base)
            walk.entry_node[entry] = node
            walk.kids[register[KIDS]] = node
            register[KIDS] += 1
            register[FRAMES] -= 1
            register[STATE] = NEXT
    return PAUSED


@lean
def watch(search: Search) -> None:
    """Begin the lists of watchers anew: each clause's first two literals."""
    search.watch_head[:] = -1
    for clause in range(search.register[CLAUSES]):
        for slot in range(2):
            literal = search.pool[search.at[clause] + slot]
            search.watch_next[2 * clause + slot] = search.watch_head[literal]
            search.watch_head[literal] = 2 * clause + slot


@lean
def forget(search: Search, spare: int) -> None:
    """Drop learnt clauses but for those in use as reasons, short ones, and the newest `spare`; what is kept moves together."""
    register = search.register
    clauses = register[ORIGINAL]
    end = search.at[clauses - 1] + search.size[clauses - 1] if clauses > 0 else 0
    for clause in range(register[CLAUSES]):
        if clause >= register[ORIGINAL]:
            first = search.pool[search.at[clause]] >> 1
            second = search.pool[search.at[clause] + 1] >> 1
            size = search.size[clause]
            used_first = search.value[2 * first] != 0 and search.reason[first] == clause
            used_second = search.value[2 * second] != 0 and search.reason[second] == clause
            if not (used_first or used_second or size <= 4 or clause >= register[CLAUSES] - spare):
                continue
            for index in range(size):
                search.pool[end + index] = search.pool[search.at[clause] + index]
            if used_first:
                search.reason[first] = clauses
            if used_second:
                search.reason[second] = clauses
            search.at[clauses] = end
            search.size[clauses] = size
            end += size
            clauses += 1
    register[CLAUSES] = clauses
    register[POOL] = end
    watch(search)


@lean
def fill_slots(slots: np.ndarray, digests: np.ndarray) -> None:
    """Number what has these digests in a hash table."""
    mask = len(slots) - 1
    for number in range(len(digests)):
        slot = digests[number] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number
