"""A safety case drawn in the Goal Structuring Notation: what rests on what, from left to right, so that many cells go down the page.

Shapes as in the GSN Community Standard, version 3, part 1: goals are rectangles, strategies parallelograms, solutions circles (their words
beside them, where they can be read), contexts rounded, assumptions and justifications ovals with their letter; what supports is joined by a
filled arrow, what stands beside by a hollow one. Defeaters stand below what they challenge, joined by a broken line; what is defeated is
crossed out. Alike and supported branches are folded into one, which says how many they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from marque.proof.report.argument import Argument, Defeater, Element, Kind, Status
from marque.proof.report.svg import BAD, GOOD, INK, OPEN, PAPER, SOFT, picture, tag, text, wrapped

_WIDE, _APART, _BELOW = 204.0, 36.0, 12.0
_SIZE, _LEAD, _PAD = 11.0, 14.0, 8.0
_MOST_LINES = 10
_MOST_NAMED = 8
_KEPT = 2
"""Of alike branches so many are drawn before the rest is folded."""
_BESIDE = {Kind.CONTEXT, Kind.ASSUMPTION, Kind.JUSTIFICATION}
_SLANT = 12.0
_COLOURS = {Status.SUPPORTED: GOOD, Status.UNDEVELOPED: OPEN, Status.DEFEATED: BAD}


@dataclass
class _Box:
    """A node with its place: x, y of its upper left corner. supports: from it to the boxes in the next column."""

    shape: str
    head: str
    lines: list[str]
    colour: str
    status: Status | None = None
    beside: list[_Box] = field(default_factory=list)
    support: list[_Box] = field(default_factory=list)
    challenge: list[_Box] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        return 2 * _PAD + _LEAD * (1 + len(self.lines))

    @property
    def bottom(self) -> float:
        return self.y + self.height


def tree(argument: Argument) -> str:
    """All of it in one picture."""
    return _picture(_box(argument, argument.element(argument.top), set()))


def sheets(argument: Argument, proportion: float) -> tuple[str, ...]:
    """The same for paper: first the top with what is below named only, then each branch, in as many pictures as it needs.

    proportion: of a picture's height to its width; only a picture of a single branch may be higher.
    """
    top = _box(argument, argument.element(argument.top), set())
    most = proportion * _width(top)
    pages = [replace(top, support=[replace(one, support=_named(one.support)) for one in top.support])]
    for one in top.support:
        pages.extend(_pages(one, most))
    return tuple(_picture(page) for page in pages)


def _pages(branch: _Box, most: float) -> Iterator[_Box]:
    """A branch again and again, each time with as much below it as fits; what stands beside it is drawn the first time."""
    page = replace(branch, support=[])
    for one in branch.support:
        longer = replace(page, support=[*page.support, one])
        if page.support and _place(longer, 0.0, 0.0) > most:
            yield page
            page = replace(branch, beside=[], challenge=[], support=[one])
        else:
            page = longer
    if page.support:
        yield page


def _named(boxes: Sequence[_Box]) -> list[_Box]:
    """The first of them, and how many more there are."""
    kept = boxes if len(boxes) <= _MOST_NAMED else boxes[: _MOST_NAMED - 1]
    named = [_Box("reference", one.head, ["is drawn below"], one.colour) for one in kept]
    if more := len(boxes) - len(kept):
        named.append(_Box("reference", f"{more} more", ["are drawn below"], SOFT))
    return named


def _picture(top: _Box) -> str:
    _place(top, 2.0, 2.0)
    boxes = list(_all(top))
    drawn = "".join([*(_joined(one) for one in boxes), *(_drawn(one) for one in boxes)])
    title = "The safety case in the Goal Structuring Notation; it stands in words, too."
    return picture(_width(top), max(one.bottom for one in boxes) + 4.0, drawn, title=title)


def _width(top: _Box) -> float:
    _place(top, 2.0, 2.0)
    return max(one.x for one in _all(top)) + _WIDE + 4.0


def _box(argument: Argument, element: Element, seen: set[str]) -> _Box:
    """With all that hangs on it. What was drawn before is only named."""
    status = argument.status(element.id)
    colour = SOFT if status is Status.SUPPORTED and element.kind in _BESIDE else _COLOURS[status]
    if element.id in seen:
        return _Box("reference", unquote(element.id), ["is drawn above"], SOFT)
    seen.add(element.id)
    told = element.kind.value if status is Status.SUPPORTED and element.kind not in (Kind.GOAL, Kind.STRATEGY) else status.value
    box = _Box(element.kind.value, f"{unquote(element.id)} · {told}", _lines(element), colour, status)
    box.beside = [_box(argument, argument.element(one), seen) for one in element.in_context_of]
    box.challenge = [_defeater(argument, one) for one in argument.challengers(element.id)]
    whole, folded = _folded(argument, [argument.element(one) for one in element.supported_by])
    box.support = [_box(argument, one, seen) for one in whole]
    if folded:
        names = ", ".join(unquote(one.id) for one in folded)
        words = wrapped(f"{len(folded)} more, each supported in the same way: {names}", _WIDE - 2 * _PAD, _SIZE, _MOST_LINES)
        box.support.append(_Box("folded", f"{len(folded)} more · supported", words, GOOD, Status.SUPPORTED))
    return box


def _lines(element: Element) -> list[str]:
    width = _WIDE - 2 * _PAD - {Kind.SOLUTION: 30.0, Kind.STRATEGY: 16.0}.get(element.kind, 6.0)
    return wrapped(_short(element.text), width, _SIZE, _MOST_LINES)


def _short(said: str) -> str:
    """Digests and ids by their beginning: nobody reads more of them in a drawing."""
    return re.sub(r"\b([0-9a-f]{8})(?:[0-9a-f]{24,}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", r"\1…", said)


def _defeater(argument: Argument, one: Defeater) -> _Box:
    """Answers to it are challenged in their turn."""
    standing = one in argument.open
    said = one.text if standing else f"{one.text} Answered by {one.resolved_by}: {one.resolution}"
    words = wrapped(_short(said), _WIDE - 2 * _PAD - 10.0, _SIZE, _MOST_LINES)
    box = _Box("defeater", f"{unquote(one.id)} · {'open' if standing else 'resolved'}", words, BAD if standing else SOFT)
    box.challenge = [_defeater(argument, other) for other in argument.challengers(one.id)]
    return box


def _folded(argument: Argument, elements: Sequence[Element]) -> tuple[list[Element], list[Element]]:
    """Which are drawn, and which are not: of the goals that differ by the name behind their dot alone, all supported without a defeater."""
    alike: dict[str, list[Element]] = {}
    for one in elements:
        if one.kind is Kind.GOAL and _plain(argument, one):
            alike.setdefault(one.id.partition(".")[0], []).append(one)
    most = max(alike.values(), key=len, default=[])
    left_out = most[_KEPT:] if len(most) > _KEPT + 1 else []
    return [one for one in elements if one not in left_out], left_out


def _plain(argument: Argument, element: Element) -> bool:
    below = [argument.element(one) for one in element.supported_by + element.in_context_of]
    return (
        argument.status(element.id) is Status.SUPPORTED
        and not argument.challengers(element.id)
        and all(_plain(argument, one) for one in below)
    )


def _place(box: _Box, x: float, y: float) -> float:
    """Puts it and all that hangs on it from there on; answers where the next one may begin."""
    box.x, box.y = x, y
    end = box.bottom
    for one in (*box.challenge, *box.beside):
        end = _place(one, x + (16.0 if one in box.challenge else 0.0), end + _BELOW) - _BELOW
    below = y
    for one in box.support:
        below = _place(one, x + _WIDE + _APART, below)
    return max(end + _BELOW, below)


def _all(box: _Box) -> Iterator[_Box]:
    yield box
    for one in (*box.challenge, *box.beside, *box.support):
        yield from _all(one)


def _joined(box: _Box) -> str:
    """Lines to what hangs on it."""
    drawn = []
    from_x, from_y = box.x + _WIDE - _slanted(box), box.y + 20.0
    for one in box.support:
        to_x, to_y = one.x + _SLANT - _slanted(one) if one.shape == "strategy" else one.x, one.y + 20.0
        middle = one.x - _APART / 2
        drawn.append(tag("path", d=f"M {from_x:.1f} {from_y:.1f} H {middle:.1f} V {to_y:.1f} H {to_x - 7:.1f}", fill="none", stroke=SOFT))
        drawn.append(_arrow(to_x, to_y, SOFT))
    for one in box.beside:
        x = box.x + 6.0
        drawn.append(tag("path", d=f"M {x:.1f} {box.bottom:.1f} V {one.y - 7:.1f}", fill="none", stroke=SOFT))
        drawn.append(tag("path", d=f"M {x - 4:.1f} {one.y - 7:.1f} h 8 l -4 7 Z", fill=PAPER, stroke=SOFT))
    for one in box.challenge:
        x = box.x + 24.0
        drawn.append(tag("path", d=f"M {x:.1f} {one.y:.1f} V {box.bottom + 7:.1f}", fill="none", stroke=one.colour, stroke_dasharray="4 3"))
        drawn.append(tag("path", d=f"M {x - 4:.1f} {box.bottom + 7:.1f} h 8 l -4 -7 Z", fill=one.colour))
    return "".join(drawn)


def _slanted(box: _Box) -> float:
    """How far the side of a strategy has gone in where lines meet it."""
    return _SLANT * 20.0 / box.height if box.shape == "strategy" else 0.0


def _arrow(x: float, y: float, colour: str) -> str:
    return tag("path", d=f"M {x - 7:.1f} {y - 4:.1f} L {x:.1f} {y:.1f} L {x - 7:.1f} {y + 4:.1f} Z", fill=colour)


def _drawn(box: _Box) -> str:
    indent = {"solution": 34.0, "strategy": 18.0}.get(box.shape, _PAD + 2.0)
    drawn = [_outline(box)]
    if box.status is Status.DEFEATED:
        x, y, right, bottom, slant = box.x, box.y, box.x + _WIDE, box.bottom, _SLANT if box.shape == "strategy" else 0.0
        cross = f"M {x + slant:.1f} {y:.1f} L {right - slant:.1f} {bottom:.1f} M {x:.1f} {bottom:.1f} L {right:.1f} {y:.1f}"
        drawn.append(tag("path", d=cross, stroke=BAD, stroke_opacity="0.22", fill="none"))
    head = wrapped(box.head, _WIDE - indent - _PAD - (16.0 if box.shape == "defeater" else 0.0), 1.08 * _SIZE, 1)[0]
    drawn.append(text(head, box.x + indent, box.y + _PAD + 10.0, font_size=_SIZE, font_weight="700", fill=box.colour))
    for number, line in enumerate(box.lines, 1):
        drawn.append(text(line, box.x + indent, box.y + _PAD + 10.0 + number * _LEAD, font_size=_SIZE, fill=INK))
    return "".join(drawn)


def _outline(box: _Box) -> str:
    x, y, height, colour = box.x, box.y, box.height, box.colour
    if box.shape == "strategy":
        right, low = x + _WIDE, y + height
        path = f"M {x + _SLANT:.1f} {y:.1f} L {right:.1f} {y:.1f} L {right - _SLANT:.1f} {low:.1f} L {x:.1f} {low:.1f} Z"
        return tag("path", d=path, fill=PAPER, stroke=colour, stroke_width=1.5)
    if box.shape == "solution":
        return tag("circle", cx=x + 14.0, cy=y + 20.0, r=13.0, fill=PAPER, stroke=colour, stroke_width=1.5)
    if box.shape == "folded":
        behind = tag("rect", x=x + 4, y=y + 4, width=_WIDE - 4, height=height - 2, fill=PAPER, stroke=colour)
        return behind + tag("rect", x=x, y=y, width=_WIDE - 4, height=height - 2, fill=PAPER, stroke=colour, stroke_width=1.5)
    rounding = {"context": 9.0, "assumption": 22.0, "justification": 22.0}.get(box.shape, 0.0)
    dashes = {"stroke_dasharray": "4 3"} if box.shape in {"defeater", "reference"} else {}
    width = _WIDE - 16.0 if box.shape == "defeater" else _WIDE
    drawn = tag("rect", x=x, y=y, width=width, height=height, rx=rounding, fill=PAPER, stroke=colour, stroke_width=1.5, **dashes)
    if box.shape in ("goal", "strategy") and box.status is Status.UNDEVELOPED and not box.support:
        right, middle = x + _WIDE, y + 20.0
        drawn += tag("path", d=f"M {right - 7:.1f} {middle:.1f} l 7 -7 l 7 7 l -7 7 Z", fill=PAPER, stroke=colour, stroke_width=1.5)
    letter = {"assumption": "A", "justification": "J"}.get(box.shape)
    return drawn + (text(letter, x + _WIDE - 14.0, y + height - 6.0, font_size=_SIZE, font_weight="700", fill=colour) if letter else "")
