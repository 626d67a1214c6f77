"""Charts of a credibility page as inline SVG: no script, no font of its own, told apart by dashes and marks as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from markupsafe import Markup

from marque.proof.credibility import Chart, Series

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640.0, 320.0, 64.0, 12.0, 12.0, 46.0
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")
_TICKS = 6
_DECADES = 6

Scale = Callable[[float], float]


def svg(chart: Chart) -> Markup:
    """The chart, titled for those who cannot see it; its figures stand in the table beside it."""
    points = [(x, y) for one in chart.series for x, y in zip(one.x, one.y, strict=True) if _drawable(x, y, logarithmic=chart.logarithmic)]
    if not points:
        return Markup("")
    low_x, high_x = _range([x for x, _ in points], zero=False)
    ys = [math.log10(y) if chart.logarithmic else y for _, y in points]
    low_y, high_y = _range(ys, zero=not chart.logarithmic)
    plot_w, plot_h = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(x: float) -> float:
        return _LEFT + plot_w * (x - low_x) / (high_x - low_x)

    def down(y: float) -> float:
        return _TOP + plot_h * (high_y - (math.log10(y) if chart.logarithmic else y)) / (high_y - low_y)

    ticks_y = [10.0**k for k in _decades(low_y, high_y)] if chart.logarithmic else _ticks(low_y, high_y)
    parts = [_grid(_ticks(low_x, high_x), ticks_y, across, down), _axis_names(chart)]
    parts += [_line(chart, one, number, across, down) for number, one in enumerate(chart.series)]
    parts.append(_legend(chart.series))
    size = f'viewBox="0 0 {_WIDTH:g} {_HEIGHT + 18.0 * len(chart.series):g}"'
    return Markup(  # noqa: S704  every text in it is escaped where it is put in
        f'<svg {size} role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'
    )


def _drawable(x: float, y: float, *, logarithmic: bool) -> bool:
    return math.isfinite(x) and math.isfinite(y) and (y > 0.0 or not logarithmic)


def _range(values: Sequence[float], *, zero: bool) -> tuple[float, float]:
    """A little more than the values take; zero: with 0 in it where they all lie on one side of it."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = max(0.04 * (high - low), 1e-6 * max(abs(low), abs(high))) or 1.0
    return (low if zero and low == 0.0 else low - room), high + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the range, about _TICKS."""
    rough = (high - low) / _TICKS
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(one * decade for one in (1.0, 2.0, 2.5, 5.0, 10.0) if one * decade >= rough)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> range:
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    return range(first, last + 1, max(1, (last - first) // _DECADES))


def _grid(xs: Sequence[float], ys: Sequence[float], across: Scale, down: Scale) -> str:
    base = _HEIGHT - _BOTTOM
    parts = []
    for x in xs:
        parts.append(f'<path class="grid" d="M{across(x):.1f} {_TOP:g}V{base:g}"/>')
        parts.append(f'<text x="{across(x):.1f}" y="{base + 16:g}" text-anchor="middle">{x:.4g}</text>')
    for y in ys:
        parts.append(f'<path class="grid" d="M{_LEFT:g} {down(y):.1f}H{_WIDTH - _RIGHT:g}"/>')
        parts.append(f'<text x="{_LEFT - 6:g}" y="{down(y) + 4:.1f}" text-anchor="end">{y:.4g}</text>')
    return "".join(parts)


def _axis_names(chart: Chart) -> str:
    middle_x, middle_y = 0.5 * (_LEFT + _WIDTH - _RIGHT), 0.5 * (_TOP + _HEIGHT - _BOTTOM)
    return (
        f'<text x="{middle_x:.1f}" y="{_HEIGHT - 8:g}" text-anchor="middle">{escape(chart.x)}</text>'
        f'<text transform="translate(14 {middle_y:.1f}) rotate(-90)" text-anchor="middle">{escape(chart.y)}</text>'
    )


def _line(chart: Chart, one: Series, number: int, across: Scale, down: Scale) -> str:
    there = [(x, y) for x, y in zip(one.x, one.y, strict=True) if _drawable(x, y, logarithmic=chart.logarithmic)]
    if not there:
        return ""
    dash = f' stroke-dasharray="{_DASHES[number % len(_DASHES)]}"' if _DASHES[number % len(_DASHES)] else ""
    parts = []
    if chart.steps:
        width = there[1][0] - there[0][0] if len(there) > 1 else 1.0
        base = _HEIGHT - _BOTTOM if chart.logarithmic else down(0.0)
        way = "".join(f"V{down(y):.1f}H{across(x + width):.1f}" for x, y in there)
        parts.append(f'<path class="s{number % 5}" d="M{across(there[0][0]):.1f} {base:.1f}{way}V{base:.1f}"{dash}/>')
    elif chart.lines:
        way = "L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in there)
        parts.append(f'<path class="s{number % 5}" d="M{way}"{dash}/>')
    if chart.marks:
        parts += [_mark(across(x), down(y), number) for x, y in there]
    return "".join(parts)


def _mark(x: float, y: float, number: int) -> str:
    """A disc, a square, a triangle …: each series its own."""
    shape = {
        0: f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
        1: f"M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4z",
        2: f"M{x:.1f} {y - 4.2:.1f}l4.2 7.4h-8.4z",
        3: f"M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
        4: f"M{x:.1f} {y + 4.2:.1f}l4.2 -7.4h-8.4z",
    }[number % 5]
    return f'<path class="s{number % 5} mark" d="{shape}"/>'


def _legend(series: Sequence[Series]) -> str:
    parts = []
    for number, one in enumerate(series):
        y = _HEIGHT + 18.0 * number + 6.0
        dash = f' stroke-dasharray="{_DASHES[number % len(_DASHES)]}"' if _DASHES[number % len(_DASHES)] else ""
        parts.append(f'<path class="s{number % 5}" d="M{_LEFT:g} {y:g}h34"{dash}/>{_mark(_LEFT + 17.0, y, number)}')
        parts.append(f'<text x="{_LEFT + 42:g}" y="{y + 4:g}">{escape(one.name)}</text>')
    return "".join(parts)
