"""The safety case as a nested list: word by word what the drawing of it shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from marque.proof.report.argument import Argument, Defeater, Element, Kind, Status

_MARKS = {Status.SUPPORTED: "✓", Status.UNDEVELOPED: "◇", Status.DEFEATED: "✗"}


def case_list(argument: Argument) -> dict[str, Any]:
    """The top goal with everything below it, each thing once.

    Of each: id, kind, status, mark, text, cited (texts), and what hangs on it: `challenges` (defeaters), `beside`, `below`. What stands
    higher up has `again` and nothing else of its own.
    """
    return _element(argument, argument.element(argument.top), set())


def _element(argument: Argument, element: Element, seen: set[str]) -> dict[str, Any]:
    status = argument.status(element.id)
    if element.id in seen:
        return {"id": unquote(element.id), "again": True}
    seen.add(element.id)
    return {
        "id": unquote(element.id),
        "again": False,
        "kind": str(element.kind),
        "status": str(status),
        "mark": _MARKS[status],
        "claims": element.kind in (Kind.GOAL, Kind.STRATEGY) or status is not Status.SUPPORTED,
        "text": element.text,
        "cited": [f"{one.file}{f', {one.place}' if one.place else ''} · SHA-256 {one.digest[:16]}…" for one in element.cited],
        "challenges": [_defeater(argument, one) for one in argument.challengers(element.id)],
        "beside": [_element(argument, argument.element(one), seen) for one in element.in_context_of],
        "below": [_element(argument, argument.element(one), seen) for one in element.supported_by],
    }


def _defeater(argument: Argument, one: Defeater) -> dict[str, Any]:
    return {
        "id": unquote(one.id),
        "open": one in argument.open,
        "text": one.text,
        "by": f"{one.raised_by}{f', {one.on}' if one.on else ''}",
        "answer": one.resolution,
        "answered_by": f"{one.resolved_by}{f', {one.resolved_on}' if one.resolved_on else ''}",
        "challenges": [_defeater(argument, other) for other in argument.challengers(one.id)],
    }
