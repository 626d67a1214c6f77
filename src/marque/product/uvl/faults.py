"""Where in a text something is, and how a fault there is told."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from difflib import get_close_matches

from marque.common import InputError
from marque.product.model import Place

_LINE_END = re.compile(r"\r\n?|\n")
_LONGEST_COMPARED = 80
_MOST_COMPARED = 20_000


class Source:
    """A text with the name of its file. start: the place of its first character, for a text that stands inside another one."""

    __slots__ = ("_column", "_line", "_starts", "file", "text")

    def __init__(self, text: str, file: str, start: tuple[int, int] = (1, 1)) -> None:
        self.text, self.file = text, file
        self._line, self._column = start
        self._starts: list[int] = []

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, counted from 1 in characters, of the character at offset."""
        if not self._starts:
            self._starts = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        row = bisect_right(self._starts, offset) - 1
        column = offset - self._starts[row] + (self._column if row == 0 else 1)
        return self._line + row, column

    def place(self, offset: int) -> Place:
        return Place(self.file, *self.position(offset))

    def told(self, offset: int) -> str:
        line, column = self.position(offset)
        return f"line {line}, column {column}"

    def fault(self, offset: int, problem: str, remedy: str = "") -> InputError:
        """To be raised: what is wrong at offset, and what to do about it."""
        return InputError(self.file, self.told(offset), problem, remedy)


def nearest(name: str, known: Iterable[str]) -> str:
    """`Did you mean …?` for a name that is not known; empty where no known one is near. The work is bounded for any names."""
    if len(name) > _LONGEST_COMPARED:
        return ""
    length = len(name)
    candidates = []
    for candidate in known:
        if abs(len(candidate) - length) <= max(2, length // 2):
            candidates.append(candidate)
            if len(candidates) >= _MOST_COMPARED:
                break
    folded = name.casefold()
    found = [candidate for candidate in candidates if candidate.casefold() == folded][:1]
    found = found or get_close_matches(name, candidates, n=2, cutoff=0.75)
    return f"Did you mean {' or '.join(shown(candidate) for candidate in found)}?" if found else ""


def shown(text: str) -> str:
    """A piece of a file in a message: in quotes, and short."""
    return f"“{text}”" if len(text) <= 60 else f"“{text[:57]}…”"
