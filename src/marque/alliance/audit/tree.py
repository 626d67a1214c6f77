"""Merkle trees as RFC 9162 defines them (section 2.1): hashes, inclusion and consistency proofs, and their verification.

A *place* is a complete subtree: (level, index) covers the entries from `index << level` on, `1 << level` of them. Once full, its hash never
changes; all a tree of n entries needs is kept as the hashes of at most 2n places. A *plan* lists, for each hash that is wanted, the places
whose hashes make it, left to right, so that a store can fetch them in one query. Standard library only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Place = tuple[int, int]
Plan = list[list[Place]]


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, kept as the hashes of its complete subtrees, largest first: ⌊log₂ n⌋ + 1 of them at most."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """leaf: the hash of the next entry. Amortised, one further hash is computed."""
        rest = self.size
        while rest & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            rest >>= 1
        self._hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return fold(self._hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that follow each other, each smaller than the one before; that of no entry for none."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes[:-1]), hashes[-1]) if hashes else EMPTY_ROOT


def root_plan(size: int) -> Plan:
    """One hash: the root of the first `size` entries."""
    return [_places(0, size)]


def inclusion_plan(index: int, size: int) -> Plan:
    """PATH(index, D_size) of RFC 9162, 2.1.3.1, from the leaf up. Raises ValueError unless 0 ≤ index < size."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has no entry {index}")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return [_places(*one) for one in reversed(ranges)]


def consistency_plan(first: int, second: int) -> Plan:
    """PROOF(first, D_second) of RFC 9162, 2.1.4.1; empty for equal sizes and from none. Raises ValueError unless 0 ≤ first ≤ second."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} entries does not grow to one of {second}")
    if first in (0, second):
        return []
    start, end, ranges = 0, second, []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # what is left is no whole tree of the first size, so its reader does not know its hash
        ranges.append((start, end))
    return [_places(*one) for one in reversed(ranges)]


def carry_out(plan: Plan, hashes: Mapping[Place, bytes]) -> list[bytes]:
    """The hashes that were wanted. Raises KeyError for a place that is not among `hashes`."""
    return [fold([hashes[place] for place in places]) for places in plan]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows `leaf` as entry `index` of the tree of `size` entries with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    first, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            found = node_hash(one, found)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, one)
        first, last = first >> 1, last >> 1
    return last == 0 and found == root


def grows(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the first tree as the beginning of the second (RFC 9162, 2.1.4.2); anything grows from the empty tree."""
    if first == 0 or first == second:
        return not proof and 0 <= first <= second and first_root == (second_root if first else EMPTY_ROOT)
    if not 0 < first < second or not proof:
        return False
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    left, last = first - 1, second - 1
    while left & 1:
        left, last = left >> 1, last >> 1
    old = new = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if left & 1 or left == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while left and not left & 1:
                left, last = left >> 1, last >> 1
        else:
            new = node_hash(new, one)
        left, last = left >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def all_places(plans: Iterable[Plan]) -> set[Place]:
    return {place for plan in plans for places in plan for place in places}


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (k in RFC 9162, 2.1.1)."""
    return 1 << (count - 1).bit_length() - 1


def _places(start: int, end: int) -> list[Place]:
    """The complete subtrees over entries [start, end), where start is a multiple of a power of two that is at least end − start."""
    found: list[Place] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found
