"""A road map drawn from above."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from marque.app.map import KINDS, lane_kinds
from marque.common import Bools, Floats, Records
from marque.driving.map import MapArrays, RoadMap

mpl.use("Agg")

_LONG_SIDE_PX, _DPI = 3200, 200
_GROUND, _INK = "#f4f2ec", "#3b4048"
_FILL = dict(zip(KINDS, ("#5d646f", "#7d6b91", "#8b8577", "#b5654a", "#cfc8b8", "#e3ded2"), strict=True))
_JUNCTION_FILL = "#6b727d"
_DETAIL_PX_PER_M = 2.0  # markings appear from here on
_SIGNAL = "#e0b100"


def draw_map(road_map: RoadMap, png: Path) -> None:
    """Draws lane surfaces, markings, crossings and signals with a scale bar; the longer side has 3200 pixels."""
    arrays = road_map.arrays
    corners = np.concatenate([_xy(arrays.points, "left"), _xy(arrays.points, "right")])
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.03 * float(max(high - low)) + 2.0
    low, high = low - margin, high + margin
    size = high - low
    scale = _LONG_SIDE_PX / float(max(size))  # px per m
    inches = np.maximum(size * scale / _DPI, 3.0)
    figure = Figure(figsize=(inches[0], inches[1]), dpi=_DPI, facecolor=_GROUND)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(low[0], low[0] + inches[0] * _DPI / scale)
    axes.set_ylim(low[1], low[1] + inches[1] * _DPI / scale)

    _surfaces(axes, arrays)
    if scale >= _DETAIL_PX_PER_M:
        _markings(axes, arrays, scale)
    _crossings(axes, arrays.crossings, scale)
    _signals(axes, arrays, scale)
    _scale_bar(axes, road_map.name, scale)
    figure.savefig(png, dpi=_DPI, facecolor=_GROUND)


def _xy(points: Records, side: str = "") -> Floats:
    prefix = f"{side}_" if side else ""
    return np.stack([points[f"{prefix}x"], points[f"{prefix}y"]], axis=1)


def _lane_slices(arrays: MapArrays, chosen: Bools) -> list[slice]:
    first, count = arrays.lanes["point_first"], arrays.lanes["point_count"]
    return [slice(first[i], first[i] + count[i]) for i in np.flatnonzero(chosen)]


def _surfaces(axes: Axes, arrays: MapArrays) -> None:
    """Junctions below, then pavements, rails, roads."""
    start = arrays.outline_start
    areas = [arrays.outlines[start[i] : start[i + 1]] for i in np.flatnonzero(_driven_junctions(arrays))]
    axes.add_collection(PolyCollection(areas, facecolors=_JUNCTION_FILL, edgecolors="none"), autolim=False)
    left, right = _xy(arrays.points, "left"), _xy(arrays.points, "right")
    kinds, inside = lane_kinds(arrays.lanes), arrays.lanes["junction"] >= 0
    for within, k in product((True, False), reversed(range(len(KINDS)))):
        mine = (kinds == k) & (inside == within)
        polygons = [np.concatenate([left[part], right[part][::-1]]) for part in _lane_slices(arrays, mine)]
        colour = _JUNCTION_FILL if within and k == 0 else _FILL[KINDS[k]]
        axes.add_collection(PolyCollection(polygons, facecolors=colour, edgecolors=colour, linewidths=0.2), autolim=False)


def _driven_junctions(arrays: MapArrays) -> Bools:
    """Whether cars pass a junction."""
    driven = np.zeros(arrays.outline_start.size - 1, bool)
    driven[arrays.lanes["junction"][(lane_kinds(arrays.lanes) == 0) & (arrays.lanes["junction"] >= 0)]] = True
    return driven


def _markings(axes: Axes, arrays: MapArrays, scale: float) -> None:
    """Dashed where lanes may be changed, solid at the edges, amber towards oncoming traffic."""
    lanes = arrays.lanes
    roads = (lanes["junction"] < 0) & (lane_kinds(lanes) == 0)
    left, right = _xy(arrays.points, "left"), _xy(arrays.points, "right")
    width = 0.12 * scale * 72.0 / _DPI
    changes = lanes["may_change_left"] != 0
    styles: tuple[tuple[Bools, Floats, str, str | tuple[float, tuple[float, float]]], ...] = (
        (roads & changes, left, "white", (0.0, (3.0 * scale * 72.0 / _DPI / width, 6.0 * scale * 72.0 / _DPI / width))),
        (roads & ~changes & (lanes["oncoming"] < 0), left, "white", "solid"),
        (roads & ~changes & (lanes["oncoming"] >= 0), left, "#f2c14e", "solid"),
        (roads & (lanes["right"] < 0), right, "white", "solid"),
    )
    for mine, border, colour, style in styles:
        lines = [border[part] for part in _lane_slices(arrays, mine)]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, linestyles=style, capstyle="butt"), autolim=False)
    stops = [np.stack([left[part][-1], right[part][-1]]) for part in _lane_slices(arrays, roads & _leads_into_junction(arrays))]
    axes.add_collection(LineCollection(stops, colors="white", linewidths=2.5 * width), autolim=False)


def _leads_into_junction(arrays: MapArrays) -> Bools:
    lanes = arrays.lanes
    owner = np.repeat(np.arange(lanes.size), lanes["successor_count"])
    found = np.zeros(lanes.size, bool)
    found[owner[lanes["conflict_count"][arrays.successors] > 0]] = True
    return found


def _crossings(axes: Axes, crossings: Records, scale: float) -> None:
    """Stripes of half a metre across the axis; one band where they would blur."""
    stripes = []
    for crossing in crossings:
        start, end = np.array([crossing["x0"], crossing["y0"]]), np.array([crossing["x1"], crossing["y1"]])
        length = float(np.hypot(*(end - start)))
        along = (end - start) / length
        across = np.array([-along[1], along[0]]) * 0.5 * crossing["width"]
        pieces = max(1, round(length)) if scale >= _DETAIL_PX_PER_M else 1
        share = 0.5 if pieces > 1 else 1.0
        for k in range(pieces):
            a, b = start + along * length * (k / pieces), start + along * length * ((k + share) / pieces)
            stripes.append(np.stack([a - across, b - across, b + across, a + across]))
    axes.add_collection(PolyCollection(stripes, facecolors="white", edgecolors="none", zorder=3), autolim=False)


def _signals(axes: Axes, arrays: MapArrays, scale: float) -> None:
    """A dot on every lane that a signal lets in."""
    part = arrays.points[arrays.lanes["point_first"][arrays.lanes["signal"] >= 0]]
    size = (max(4.0, 0.9 * scale) * 72.0 / _DPI) ** 2
    axes.scatter(part["x"], part["y"], s=size, c=_SIGNAL, edgecolors=_INK, linewidths=0.3, zorder=4)


def _scale_bar(axes: Axes, name: str, scale: float) -> None:
    """A bar of a round number of metres at the lower left, about 400 pixels long."""
    rough = 400.0 / scale
    power = 10.0 ** math.floor(math.log10(rough))
    metres = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= rough)
    x, y, px = axes.get_xlim()[0] + 40.0 / scale, axes.get_ylim()[0] + 40.0 / scale, 1.0 / scale
    axes.add_patch(Rectangle((x, y), metres, 10.0 * px, facecolor=_INK, edgecolor="none", zorder=5))
    label = f"{metres:g} m" if metres < 1000.0 else f"{metres / 1000.0:g} km"
    axes.text(x, y + 22.0 * px, f"{name} · {label}", fontsize=9, color=_INK, zorder=5, va="bottom")
