"""JSON as signed and as read: the canonical form that signatures are over, and a reader that takes nothing doubtful.

Canonical: the OLPC form as the TUF reference implementation writes it. Fields sorted by code point, no space, whole numbers only; in
strings only the quotation mark and the backslash are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from marque.car.attacks import Attack, UpdateRefused

DEEPEST = 48
"""Levels of objects and lists. Honest metadata has about ten."""

_LEAVES = frozenset({str, int, bool, type(None)})
_HOLDERS = frozenset({dict, list})
_ESCAPE = re.compile(r'\\(?:u([0-9a-f]{4})|(["\\bfnrt]))')
_LITERAL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '\\"', "\\": "\\\\"}


class _Doubtful(ValueError):
    """Text that is JSON for others, and not for us."""


def encode(value: object) -> bytes:
    """The canonical bytes of a value of dict, list, str, int, bool and None. ValueError on anything else, and on a lone surrogate."""
    _plain(value)
    return encode_again(value)


def encode_again(value: object) -> bytes:
    """As encode, of what `decode` gave: that it has a canonical form is known, but for lone surrogates (ValueError)."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if "\\" in text:  # json escapes control characters too, which the canonical form leaves as they are
        text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _LITERAL[found[2]], text)
    return text.encode()


def decode(raw: bytes, at_most: int, file: str, repository: str = "") -> dict[str, Any]:
    """The object a file holds: UTF-8, no field twice, whole numbers, at most `at_most` bytes and DEEPEST levels; else UpdateRefused."""
    if len(raw) > at_most:
        raise UpdateRefused(Attack.ENDLESS_DATA, repository, file, f"is {len(raw)} bytes long, more than the {at_most} allowed")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_fields, parse_float=_no_float, parse_constant=_no_float)
        _not_deep(value)
    except (ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, _Doubtful) else "is not JSON in UTF-8"
        raise UpdateRefused(Attack.MALFORMED, repository, file, problem) from error
    if not isinstance(value, dict):
        raise UpdateRefused(Attack.MALFORMED, repository, file, "is not a JSON object")
    return value


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Doubtful("has a field twice in one object")
    return fields


def _no_float(text: str) -> None:
    raise _Doubtful(f"holds {text[:20]}, where only whole numbers are allowed")


def _not_deep(value: object) -> None:
    """Of what json.loads made: all that is left to ask of it."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inside = (one.values() if type(one) is dict else one for one in level if type(one) in _HOLDERS)
        level = [item for items in inside for item in items if type(item) in _HOLDERS]
        if not level:
            return
    raise _Doubtful(f"is nested deeper than {DEEPEST} levels")


def _plain(value: object) -> None:
    """Refuses what the canonical form cannot say, level by level, so that no depth exhausts the stack."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for one in level:
            if type(one) in _LEAVES:
                continue
            inner.extend(item for item in _inside(one) if type(item) not in _LEAVES)
        if not inner:
            return
        level = inner
    raise _Doubtful(f"is nested deeper than {DEEPEST} levels")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        if any(type(name) is not str and not isinstance(name, str) for name in value):
            raise _Doubtful("has a field whose name is no text")
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, (str, int)):
        return ()
    raise _Doubtful(f"holds a {type(value).__name__}, which canonical JSON has no form for")
