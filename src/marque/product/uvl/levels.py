"""UVL's language levels: what a file may use, by what it includes."""

from __future__ import annotations

from collections.abc import Iterable

_MINOR = {
    "Boolean": ("group-cardinality",),
    "Arithmetic": ("feature-cardinality", "aggregate-function"),
    "Type": ("string-constraints",),
}
"""From the lowest to the highest: each major level builds on those before it."""

LEVELS = tuple(level for major, minors in _MINOR.items() for level in (major, f"{major}.*", *(f"{major}.{minor}" for minor in minors)))


def permitted(included: Iterable[str]) -> frozenset[str]:
    """Every level that a file with these includes may use; all, where there is none. A major level brings those below it, no minor one."""
    included = tuple(included)
    if not included:
        return frozenset(LEVELS)
    majors = list(_MINOR)
    found = {"Boolean"}
    for level in included:
        major, _, minor = level.partition(".")
        found.update(majors[: majors.index(major) + 1])
        if minor == "*":
            found.update(f"{major}.{each}" for each in _MINOR[major])
        elif minor:
            found.add(level)
    return frozenset(found)
