"""JSON objects of our own taken apart strictly: every field of its type, and none that nobody knows, with a refusal that says which.

`tuf.fields` is for metadata, where the specification wants unknown fields left alone; here an unknown field may be a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from marque.car.attacks import Attack, UpdateRefused

_MOST_TEXT = 4096
_MOST_COUNT = 2**53 - 1
"""The largest whole number that every JSON reader holds exactly (RFC 8259, 6)."""
_HEX = frozenset("0123456789abcdef")


class Fields:
    """One object of `file`, at `place`. What is not asked for by `end` is refused: a claim that is not understood may be a limit."""

    def __init__(self, found: object, file: str, place: str = "", repository: str = "") -> None:
        self.file, self._place, self._repository = file, place, repository
        self._asked: set[str] = set()
        if not isinstance(found, Mapping) or not all(isinstance(name, str) and name for name in found):
            self.refuse("", "is not an object with named fields")
        self.found: Mapping[str, Any] = found

    def refuse(self, name: str, problem: str) -> NoReturn:
        """UpdateRefused, MALFORMED, at the field `name`."""
        where = ".".join(part for part in (self._place, name) if part)
        raise UpdateRefused(Attack.MALFORMED, self._repository, self.file, f"{where} {problem}".strip())

    def has(self, name: str) -> bool:
        return name in self.found

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self.found:
            self.refuse(name, "is missing")
        return self.found[name]

    def text(self, name: str, default: str | None = None) -> str:
        """At most 4096 characters, none of them a control character. Not empty, unless there is a default."""
        if default is not None and name not in self.found:
            self._asked.add(name)
            return default
        found = self._get(name)
        if not isinstance(found, str) or len(found) > _MOST_TEXT or any(ord(sign) < 32 or ord(sign) == 127 for sign in found):
            self.refuse(name, "is not a short text")
        if not found and default is None:
            self.refuse(name, "is empty")
        return str(found)

    def digest(self, name: str) -> str:
        """A SHA-256, 64 small hexadecimal digits."""
        found = self.text(name)
        if len(found) != 64 or not set(found) <= _HEX:
            self.refuse(name, "is not a SHA-256 in small hexadecimal digits")
        return found

    def count(self, name: str, least: int = 0) -> int:
        found = self._get(name)
        if type(found) is not int or not least <= found <= _MOST_COUNT:
            self.refuse(name, f"is not a whole number from {least} on")
        return int(found)

    def flag(self, name: str) -> bool:
        found = self._get(name)
        if not isinstance(found, bool):
            self.refuse(name, "is neither true nor false")
        return found

    def instant(self, name: str) -> datetime:
        """`2026-11-29T14:05:33Z`, UTC; fractions of a second allowed."""
        found = self.text(name)
        try:
            read = datetime.fromisoformat(found) if found.endswith("Z") else None
        except ValueError:
            read = None
        if read is None or read.tzinfo is None:
            self.refuse(name, "is not an instant in UTC such as 2026-11-29T14:05:33Z")
        return read.astimezone(UTC)

    def inner(self, name: str) -> Fields:
        return Fields(self._get(name), self.file, ".".join(part for part in (self._place, name) if part), self._repository)

    def members(self, name: str) -> dict[str, Fields]:
        """Objects by name."""
        inner = self.inner(name)
        return {member: inner.inner(member) for member in inner.names()}

    def names(self) -> tuple[str, ...]:
        return tuple(self.found)

    def items(self, name: str, *, optional: bool = False) -> tuple[Any, ...]:
        if optional and name not in self.found:
            self._asked.add(name)
            return ()
        found = self._get(name)
        if not isinstance(found, (list, tuple)):
            self.refuse(name, "is not a list")
        return tuple(found)

    def texts(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        """A list of texts, none twice."""
        found = self.items(name, optional=optional)
        if not all(isinstance(item, str) and item and len(item) <= _MOST_TEXT for item in found) or len(set(found)) != len(found):
            self.refuse(name, "is not a list of different texts")
        return found

    def objects(self, name: str, *, optional: bool = False) -> tuple[Fields, ...]:
        place = ".".join(part for part in (self._place, name) if part)
        found = self.items(name, optional=optional)
        return tuple(Fields(item, self.file, f"{place}[{at}]", self._repository) for at, item in enumerate(found))

    def end(self) -> None:
        """Nothing else stands there."""
        unknown = sorted(set(self.found) - self._asked)
        if unknown:
            self.refuse(unknown[0], "is not known to this car")
