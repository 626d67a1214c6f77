"""Rows of numbers of different lengths as two flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """first: [rows + 1]; numbers: int32; row r is numbers[first[r]:first[r + 1]]."""

    first: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.first)

    @property
    def owners(self) -> np.ndarray:
        """The row of each number."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def kept(self, which: np.ndarray) -> Rows:
        """The rows for which `which` (bool [rows]) is true."""
        return Rows(_starts(self.lengths[which]), self.numbers[np.repeat(which, self.lengths)])

    def lists(self) -> list[list[int]]:
        numbers, first = self.numbers.tolist(), self.first.tolist()
        return [numbers[first[row] : first[row + 1]] for row in range(len(self))]


def rows(lists: Iterable[Iterable[int]]) -> Rows:
    held = [list(row) for row in lists]
    return Rows(_starts(np.array([len(row) for row in held], np.int64)), np.array([number for row in held for number in row], np.int32))


def gathered(keys: np.ndarray, numbers: np.ndarray, count: int) -> Rows:
    """Per key from 0 to count − 1 the numbers that have it, in the order they come in."""
    order = np.argsort(keys, kind="stable")
    return Rows(_starts(np.bincount(keys, minlength=count)), numbers[order].astype(np.int32))


def normal(clauses: Rows) -> Rows:
    """Clauses of literals 2 · variable + negated: each literal once, ascending; no tautologies; no clause twice; shorter ones first."""
    owners, literals = clauses.owners, clauses.numbers
    order = np.lexsort((literals, owners))
    owners, literals = owners[order], literals[order]
    same_row = owners[1:] == owners[:-1]
    distinct = np.ones(len(literals), np.bool_)
    distinct[1:] = ~(same_row & (literals[1:] == literals[:-1]))
    opposed = same_row & (literals[1:] == literals[:-1] + 1) & (literals[1:] % 2 == 1)
    good = np.ones(len(clauses), np.bool_)
    good[owners[1:][opposed]] = False
    kept = distinct & good[owners]
    lengths = np.bincount(owners[kept], minlength=len(clauses))[good]
    return _distinct(Rows(_starts(lengths), literals[kept]))


def _distinct(clauses: Rows) -> Rows:
    """Sorted by length, then by literals, each once."""
    lengths = clauses.lengths
    parts: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    for length in np.unique(lengths):
        alike = lengths == length
        block = clauses.kept(alike).numbers.reshape(int(alike.sum()), length)
        block = np.unique(block, axis=0) if length else block[:1]
        parts.append(block.ravel())
        sizes.append(np.full(len(block), length))
    return Rows(_starts(np.concatenate([*sizes, np.zeros(0, np.int64)])), np.concatenate([*parts, np.zeros(0, np.int32)]).astype(np.int32))


def _starts(lengths: np.ndarray) -> np.ndarray:
    first = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=first[1:])
    return first
