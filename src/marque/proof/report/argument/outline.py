"""An argument as text, and two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass

from marque.proof.report.argument.model import Argument, Defeater, Status

_INDENT = "  "


def outline(argument: Argument) -> str:
    """Nested by what rests on what, a line each; what does not stand says so. What stands in two places is told in the first."""
    lines: list[str] = []
    for depth, element, seen in argument.walk():
        pad = _INDENT * depth
        if seen:
            lines.append(f"{pad}{element.id}: see above")
            continue
        status = argument.status(element.id)
        mark = "" if status is Status.SUPPORTED else f" [{status}]"
        lines.append(f"{pad}{element.id} ({element.kind}){mark}: {element.text}")
        lines.extend(f"{pad}{_INDENT}↳ {cited}" for cited in element.cited)
        lines.extend(_challenges(argument, element.id, depth + 1))
    return "\n".join(lines) + "\n"


def _challenges(argument: Argument, name: str, depth: int) -> list[str]:
    lines = []
    for one in argument.challengers(name):
        pad = _INDENT * depth
        lines.append(f"{pad}{one.id} (defeater, {_of(argument, one)}): {one.text} — {_who(one.raised_by, one.on)}")
        if one.resolution:
            lines.append(f"{pad}{_INDENT}answered: {one.resolution} — {_who(one.resolved_by, one.resolved_on)}")
        lines.extend(_challenges(argument, one.id, depth + 1))
    return lines


def _who(name: str, day: str) -> str:
    return f"{name}, {day}" if day else name


@dataclass(frozen=True)
class Changed:
    """An element or defeater that stands differently. before, after: its status; `open` or `resolved` of a defeater."""

    id: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """Of two arguments, by ids in the order in which they stand there: new and gone, of another status, told otherwise."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[Changed, ...]
    reworded: tuple[str, ...]


def compare(before: Argument, after: Argument) -> Comparison:
    """What differs between the cases of two releases. reworded: other figures, or other evidence cited."""
    then, now = _standing(before), _standing(after)
    common = [name for name in now if name in then]
    return Comparison(
        new=tuple(name for name in now if name not in then),
        gone=tuple(name for name in then if name not in now),
        changed=tuple(Changed(name, then[name][0], now[name][0]) for name in common if then[name][0] != now[name][0]),
        reworded=tuple(name for name in common if then[name][1] != now[name][1]),
    )


def _standing(argument: Argument) -> dict[str, tuple[str, object]]:
    """By id: how it stands, and what it says."""
    elements = {one.id: (str(argument.status(one.id)), (one.text, one.cited)) for one in argument.elements}
    return {**elements, **{one.id: (_of(argument, one), (one.text, one.resolution)) for one in argument.defeaters}}


def _of(argument: Argument, defeater: Defeater) -> str:
    return "open" if defeater in argument.open else "resolved"
