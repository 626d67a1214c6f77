"""Sentences that can be said again in another language: English text that remembers what it was made of."""

from __future__ import annotations

from typing import Any


class Sentence(str):
    """A pattern filled with values; for everybody who knows nothing of it, the English text.

    `Sentence("{given!r} is not a day", given=text)`. pattern: as `str.format` has it; what catalogues of other languages know it by.
    values: by name. A text without values needs no Sentence: it is its own pattern.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, /, **values: Any) -> Sentence:
        made = super().__new__(cls, pattern.format_map(values))
        made.pattern, made.values = pattern, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.pattern, self.values)


class Every(tuple[str, ...]):
    """A value of several words, all of which are meant."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class Either(Every):
    """A value of several words, one of which is enough."""

    __slots__ = ()

    def __str__(self) -> str:
        return " or ".join(self)


def _again(pattern: str, values: dict[str, Any]) -> Sentence:
    return Sentence(pattern, **values)
