"""The risk of each cell as a forest plot: estimate and exact interval on a logarithmic axis, its limit beside it, the whole below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from marque.proof.report.facts import CellFacts, Facts
from marque.proof.report.figures import between, share
from marque.proof.report.svg import BAD, GOOD, INK, LINE, SOFT, picture, tag, text, width_of, wrapped

MOST_ROWS = 30
"""So many to a picture, which then fits on a page."""
_SIZE, _ROW, _HEAD, _FOOT = 13.0, 30.0, 10.0, 40.0
_COLOURS = {"PASSED": GOOD, "FAILED": BAD}


@dataclass(frozen=True)
class _Row:
    name: str
    estimate: float | None
    low: float
    high: float
    limit: float | None
    answer: str
    told: str


@dataclass(frozen=True)
class _Axis:
    """Logarithmic, from 10^low to 1. Whatever is less lies at its left end."""

    left: float
    right: float
    low: int

    def at(self, value: float) -> float:
        power = math.log10(value) if value > 0.0 else float(self.low)
        return self.left + (self.right - self.left) * (1.0 - min(0.0, max(self.low, power)) / self.low)


def forest(facts: Facts, width: float = 1168.0) -> tuple[str, ...]:
    """Pictures of all cells in which anything was driven, and of the whole in the last. Narrow ones have their words above the lines."""
    rows = [_of_cell(one) for one in facts.cells if one.share is not None]
    if facts.risk is not None:
        told = facts.risk.interval
        rows.append(
            _Row(
                "All claimed cells",
                facts.risk.estimate,
                float(told.low),
                float(told.high),
                None,
                "",
                _figures(facts.risk.estimate, between(told)),
            )
        )
    low, named = _lowest(rows), min(0.3 * width, 12.0 + max((width_of(row.name, _SIZE) for row in rows), default=0.0))
    pieces = [rows[at : at + MOST_ROWS] for at in range(0, len(rows), MOST_ROWS)]
    return tuple(_drawn(piece, width, low, named) for piece in pieces)


def _of_cell(one: CellFacts) -> _Row:
    assert one.share is not None
    told = _figures(one.estimate, between(one.share))
    return _Row(one.cell, one.estimate, float(one.share.low), float(one.share.high), one.limit, one.answer, told)


def _figures(estimate: float | None, interval: str) -> str:
    return interval if estimate is None else f"{share(estimate)} ({interval})"


def _lowest(rows: Sequence[_Row]) -> int:
    """The power of ten that the axis begins with: below all that is to be told apart."""
    seen = [value for row in rows for value in (row.low, row.high, row.limit, row.estimate) if value]
    beyond = any(row.low == 0.0 for row in rows)  # an arrow needs room to point to nought
    return min(-2, math.floor(math.log10(min(seen))) - beyond) if seen else -2


def _drawn(rows: Sequence[_Row], width: float, low: int, named: float) -> str:
    narrow = width < 600.0
    axis = _Axis(12.0, width - 12.0, low) if narrow else _Axis(named + 12.0, width - 230.0, low)
    row_height = 2.0 * _ROW if narrow else _ROW
    bottom = _HEAD + row_height * len(rows)
    drawn = [_scale(axis, bottom, narrow)]
    for number, row in enumerate(rows):
        y = _HEAD + row_height * number + (42.0 if narrow else _ROW / 2)
        drawn.append(_words(row, y, narrow, width, named))
        drawn.append(_marks(row, axis, y))
    title = "Probability that a run fails, by cell, with intervals and limits; the same figures stand in the table."
    return picture(width, bottom + _FOOT, *drawn, title=title)


def _words(row: _Row, y: float, narrow: bool, width: float, named: float) -> str:
    weight = "600" if not row.answer else "400"
    if narrow:
        name = wrapped(row.name, 0.42 * width, _SIZE - 1, 1)[0]
        return text(name, 12.0, y - 16.0, font_size=_SIZE - 1, fill=INK, font_weight=weight) + text(
            row.told, width - 12.0, y - 16.0, font_size=_SIZE - 2, fill=SOFT, text_anchor="end"
        )
    name = wrapped(row.name, named, _SIZE, 1)[0]
    return text(name, 0.0, y + 4.5, font_size=_SIZE, fill=INK, font_weight=weight) + text(
        row.told, width, y + 4.5, font_size=_SIZE - 1, fill=SOFT, text_anchor="end"
    )


def _marks(row: _Row, axis: _Axis, y: float) -> str:
    """The interval with its estimate, an arrow where it goes on to nought; the limit as an upright line."""
    colour = _COLOURS.get(row.answer, SOFT if row.answer else INK)
    left, right = axis.at(row.low), axis.at(row.high)
    drawn = [tag("line", x1=left, y1=y, x2=right, y2=y, stroke=colour, stroke_width=2)]
    if row.low <= 10.0**axis.low:
        drawn.append(
            tag(
                "path",
                d=f"M {left + 7:.1f} {y - 4:.1f} L {left:.1f} {y:.1f} L {left + 7:.1f} {y + 4:.1f}",
                fill="none",
                stroke=colour,
                stroke_width=2,
            )
        )
    else:
        drawn.append(tag("line", x1=left, y1=y - 4, x2=left, y2=y + 4, stroke=colour, stroke_width=2))
    drawn.append(tag("line", x1=right, y1=y - 4, x2=right, y2=y + 4, stroke=colour, stroke_width=2))
    if row.limit is not None:
        at = axis.at(row.limit)
        drawn.append(tag("line", x1=at, y1=y - 11, x2=at, y2=y + 11, stroke=INK, stroke_width=2.5))
    if row.estimate:
        at = axis.at(row.estimate)
        shape = f"M {at - 6:.1f} {y:.1f} L {at:.1f} {y - 6:.1f} L {at + 6:.1f} {y:.1f} L {at:.1f} {y + 6:.1f} Z"
        drawn.append(tag("path", d=shape, fill=colour) if not row.answer else tag("circle", cx=at, cy=y, r=4.5, fill=colour))
    return "".join(drawn)


def _scale(axis: _Axis, bottom: float, narrow: bool) -> str:
    """Powers of ten, and what the marks mean."""
    powers = range(axis.low, 1)
    each = max(1, math.ceil(len(powers) / 6)) if narrow else 1
    drawn = []
    for power in powers:
        x = axis.at(10.0**power)
        drawn.append(tag("line", x1=x, y1=0.0, x2=x, y2=bottom, stroke=LINE, stroke_width=1))
        if power % each == 0:
            anchor = "end" if power == 0 else "start" if power == axis.low else "middle"
            drawn.append(text(share(10.0**power), x, bottom + 15.0, font_size=11, fill=SOFT, text_anchor=anchor))
    caption = (
        "● estimate  ├─┤ interval  ┃ limit" if narrow else "probability that a run fails: ● estimate, ├─┤ interval, ┃ limit of the policy"
    )
    drawn.append(text(caption, axis.left, bottom + 33.0, font_size=11.5, fill=SOFT))
    return "".join(drawn)
