"""Reading canonical JSON strictly: every helper raises ValueError with what was expected, so that a reader has one kind of error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rfc8785

from marque.alliance.signing import MAX_ENVELOPE_BYTES, read_json
from marque.common import Refusal

ORGANISATION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_TEXT = 2000


def canonical_object(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object that is written exactly as RFC 8785 has it. Raises ValueError."""
    said = read_json(text, MAX_ENVELOPE_BYTES, what)
    if isinstance(said, Refusal):
        raise ValueError(said.reason)  # noqa: TRY004  a reader's fault is one kind of error here
    if canonical(said) != text:
        raise ValueError(f"the {what} is not canonical JSON (RFC 8785)")
    return said


def canonical(said: Any) -> bytes:
    """JSON by RFC 8785. Raises ValueError for what it cannot say: numbers beyond a double, text that is no Unicode, nesting without end."""
    try:
        return rfc8785.dumps(said)
    except (rfc8785.CanonicalizationError, RecursionError) as fault:
        raise ValueError(f"there is no canonical JSON of this: {fault}"[:200]) from fault


def only(said: Any, *names: str) -> dict[str, Any]:
    if not isinstance(said, dict) or said.keys() != set(names):
        raise ValueError(f"expected an object of the fields {', '.join(names)}, and no others")
    return said


def constant(said: Any, expected: Any) -> None:
    """The value has to be this one: what a field of a fixed meaning says."""
    if type(said) is not type(expected) or said != expected:
        raise ValueError(f"expected {expected!r}, found {str(said)[:80]!r}")


def text(said: Any) -> str:
    """A line of text, not empty."""
    if not isinstance(said, str) or not said.isprintable() or not 0 < len(said) <= _MOST_TEXT:
        raise ValueError(f"expected a line of text, found {str(said)[:80]!r}")
    return said


def texts(said: Any) -> tuple[str, ...]:
    return tuple(text(one) for one in items(said))


def items(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise ValueError(f"expected a list, found {str(said)[:80]!r}")  # noqa: TRY004  as above
    return said


def mapping(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise ValueError(f"expected an object, found {str(said)[:80]!r}")  # noqa: TRY004  as above
    return said


def count(said: Any, least: int = 0) -> int:
    """A whole number that every reader of JSON keeps (below 2⁵³)."""
    if type(said) is not int or not least <= said < 1 << 53:
        raise ValueError(f"expected a whole number from {least} on, found {str(said)[:80]!r}")
    return said


def digest(said: Any) -> str:
    """A SHA-256 in lower-case hexadecimal."""
    if not isinstance(said, str) or not _DIGEST.fullmatch(said):
        raise ValueError(f"expected a SHA-256 in lower-case hexadecimal, found {str(said)[:80]!r}")
    return said


def digests(said: Any) -> dict[str, str]:
    """Names with their digests."""
    return {text(name): digest(value) for name, value in mapping(said).items()}


def organisation(said: Any) -> str:
    if not isinstance(said, str) or not ORGANISATION.fullmatch(said):
        raise ValueError(f"expected an organisation's code, found {str(said)[:80]!r}")
    return said


def ascending(names: Iterable[str], what: str) -> None:
    """Each once, and in order, so that the same content is written in one way only."""
    listed = list(names)
    if listed != sorted(set(listed)):
        raise ValueError(f"the {what} are not in order, or one is named twice")
