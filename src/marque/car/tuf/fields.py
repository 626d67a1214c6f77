"""Fields of a JSON object taken strictly: of the type that the format says, or the file is refused with the place at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from marque.car.attacks import Attack, UpdateRefused

LATEST_VERSION = 2**31 - 1
"""No honest repository gets there; one that says more wants its clients stuck."""

_HEX = re.compile(r"[0-9a-fA-F]+")
_INSTANT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


@dataclass(frozen=True)
class Fields:
    """An object of a file. place: where it stands in it, for messages."""

    values: Mapping[str, Any]
    file: str
    repository: str
    place: str = ""

    def refuse(self, problem: str, attack: Attack = Attack.MALFORMED) -> NoReturn:
        """Raises UpdateRefused."""
        raise UpdateRefused(attack, self.repository, self.file, f"{self.place}: {problem}" if self.place else problem)

    def has(self, name: str) -> bool:
        """Whether the field is there at all."""
        return name in self.values

    def any(self, name: str) -> Any:
        """The field, whatever it is."""
        if name not in self.values:
            self.refuse(f"has no {name}")
        return self.values[name]

    def text(self, name: str, longest: int = 8192) -> str:
        """A text, not empty."""
        value = self.any(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            self.refuse(f"{name} is no text of 1 to {longest} characters")
        return str(value)

    def flag(self, name: str, otherwise: bool | None = None) -> bool:
        """True or false."""
        value = self.values.get(name, otherwise)
        if not isinstance(value, bool):
            self.refuse(f"{name} is neither true nor false")
        return value

    def whole(self, name: str, least: int, otherwise: int | None = None) -> int:
        """A whole number of at least `least`."""
        value = self.values.get(name, otherwise)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
            self.refuse(f"{name} is no whole number of at least {least}")
        return int(value)

    def version(self, name: str = "version") -> int:
        """A version: 1 and more, and not so many that nothing can follow."""
        version = self.whole(name, 1)
        if version > LATEST_VERSION:
            self.refuse(f"{name} {version} is beyond what any repository reaches", Attack.FAST_FORWARD)
        return version

    def instant(self, name: str) -> datetime:
        """An instant in UTC, to the second, as ISO 8601 with Z."""
        value = self.any(name)
        parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if parts is not None:
            year, month, day, hour, minute, second = (int(one) for one in parts.groups())
            with suppress(ValueError):
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return self.refuse(f"{name} is no instant like 2031-01-31T12:00:00Z")

    def object(self, name: str) -> Fields:
        """An object inside."""
        return self.within(self.any(name), name)

    def objects(self, name: str) -> list[Fields]:
        """A list of objects."""
        value = self.any(name)
        if not isinstance(value, list):
            self.refuse(f"{name} is no list")
        return [self.within(one, f"{name}[{index}]") for index, one in enumerate(value)]

    def within(self, value: Any, place: str) -> Fields:
        """The object found at a place below this one."""
        if not isinstance(value, dict):
            self.refuse(f"{place} is no object")
        return Fields(value, self.file, self.repository, f"{self.place}.{place}" if self.place else place)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.any(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.refuse(f"{name} is no list of texts")
        return tuple(value)

    def distinct(self, name: str) -> tuple[str, ...]:
        """A list of texts, none empty, none twice."""
        found = self.texts(name)
        if len(set(found)) != len(found) or "" in found:
            self.refuse(f"{name} names one twice, or nothing")
        return found

    def hashes(self, name: str) -> dict[str, str]:
        """Hashes by algorithm, at least one, as hexadecimal."""
        found = self.object(name)
        for algorithm, value in found.values.items():
            if not isinstance(value, str) or not _HEX.fullmatch(value):
                found.refuse(f"{algorithm} is not hexadecimal")
        if not found.values:
            found.refuse("names no hash")
        return dict(found.values)
