"""Candidate lines: from where the car is, with the heading and curvature it has, to an offset from a reference path.

Lateral motion is a quintic in the path's arc length (Werling et al. 2010, here over length instead of time, so that a line stays
drivable at walking pace). A line is laid for the rear axle, where heading is the tangent and curvature is tan(steering)/wheelbase.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.map import DRIVABLE, MapArrays
from marque.driving.map.query import on_road_from
from marque.driving.path import BEHIND, COMFORT_LATERAL_MPS2, PATHS, STATIONS, Paths
from marque.driving.shape import FLANK, has_room
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

LINES = 40
CELLS = 112
"""Cells of a line, 1 m of its own arc length each; cell 0 is where the rear axle is now."""
EDGE_CELLS = 36
"""So many metres ahead the corners of the body are checked against the road's edge."""
GRAZES, LEAVES = 1, 2
_ASIDE_MPS2, _GENTLY_MPS2 = 2.0, 0.7
"""Lateral accelerations at which lines go aside, and back to the middle where there is time."""
_OFFSETS = (0.7, -0.7, 1.5, -1.5, 2.8, -2.8)
_EDGE_MARGIN_M = 0.2
"""Two standard deviations of the place the car believes in: nearer to the edge it may be over it."""
_BESIDE_PATH_M = 0.35
_SWERVES, _SWERVING_MPS2 = (1.5, -1.5, 2.2, -2.2, 2.8, -2.8), 5.0
"""Offsets taken so hard with a time to keep: round somebody for whom braking would cost too much of it."""
_ROUND = (1.8, -1.8, 2.8, -2.8)
_BESIDE_M = 4.0
"""Lines round something close lead so far aside, go straight on for so long, and come back."""
_LATER = ((8.0, 1.0), (20.0, 1.0), (36.0, 1.0), (8.0, 0.45), (20.0, 0.45))
"""So far, in m, a car with a time to keep goes on in its lane before it changes, and at which share of its speed now."""
_SHORTEST_M, _NUDGE_M, _NUDGE_S = 7.0, 3.5, 0.7
"""No line is laid over less; but to come back by a hand's breadth takes less, or narrow bends would be over before."""
_SLOWEST_MPS = 2.0
_STAYS_M = 0.01
_TURNING_CELLS = 3
_ROLLING_MPS = 1.5
_STEERING_SHARE = 0.95
_CREEP_MPS = 0.3
_REACH_TOLERANCE_M = 0.3
"""Paths cut bends by so much; reaching over the edge of the carriageway counts from here."""


LINE = np.dtype(
    [
        ("path", "i8"),  # it belongs to
        ("target", "f8"),  # its offset, m left
        ("cells", "i8"),  # how many hold
        ("swerves", "i8"),  # 1 where it goes aside as hard as only a time to keep makes it
    ]
)
CELL = np.dtype(
    [
        ("x", "f8"),  # rear axle
        ("y", "f8"),
        ("heading", "f8"),
        ("ux", "f8"),  # heading as a unit vector
        ("uy", "f8"),
        ("body_x", "f8"),  # the body's centre with the rear axle here
        ("body_y", "f8"),
        ("curvature", "f8"),
        ("offset", "f8"),  # m left of the path
        ("station", "f8"),  # on the path
        ("allowed", "f8"),  # m/s
        ("limit", "f8"),  # m/s
        ("steerable", "f8"),  # m/s up to which the steering can turn as fast as the line's curvature changes
        ("outside", "i8"),  # GRAZES where a corner of the body comes nearer to the road's edge than it should, LEAVES where it is beyond
        ("beyond", "f8"),  # m by which the body reaches over the edge of its direction's carriageway
        ("keep_clear", "i8"),  # 1 where the car must not come to rest (a junction's conflict zone)
        ("goals", "i8"),  # bits: goals whose region and heading hold with the body's centre here
    ]
)


class Lines(NamedTuple):
    """The candidate lines of one cycle; the first `used[0]` hold."""

    used: Ints  # (1,)
    line: Records  # (LINES,) LINE
    cell: Records  # (LINES, CELLS) CELL
    flanks: Ints  # (2·FLANK,) scratch of `_outside`


def no_lines() -> Lines:
    return Lines(np.zeros(1, np.int32), np.zeros(LINES, LINE), np.zeros((LINES, CELLS), CELL), np.full(2 * FLANK, -1, np.int32))


@lean
def draw_lines(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, goal_offsets: Floats, timed: bool, waits: bool,
    lines: Lines,
) -> None:  # fmt: skip
    """All candidate lines of this cycle. goal_offsets: (PATHS,) offset at which a goal's region lies on each path; nan for none.

    timed: whether there is a time to keep: then lines that swerve are drawn too, and those that change lanes later, since no later cycle
    may have the time to.
    waits: whether the car has been standing for a while: then lines that lead round what is close are drawn too.
    """
    lines.used[0] = 0
    for p in range(PATHS):
        if paths.path[p].kind < 0:
            continue
        if p == 0:
            way = _draw(m, p, 0.0, _ASIDE_MPS2, math.nan, 0.0, state, vehicle, paths, lines)
            for target in _OFFSETS:
                _draw(m, p, target, _ASIDE_MPS2, math.nan, 0.0, state, vehicle, paths, lines)
            if _length(state.speed_mps, way, _GENTLY_MPS2) > _length(state.speed_mps, way, _ASIDE_MPS2):  # else the two are one
                _draw(m, p, 0.0, _GENTLY_MPS2, math.nan, 0.0, state, vehicle, paths, lines)
            if abs(paths.path[p].rear_d) > _BESIDE_PATH_M:  # nearer, who stays where it is would drift out of a bend
                _draw(m, p, paths.path[p].rear_d, _ASIDE_MPS2, math.nan, 0.0, state, vehicle, paths, lines)
            if timed:
                for target in _SWERVES:
                    _draw(m, p, target, _SWERVING_MPS2, math.nan, 0.0, state, vehicle, paths, lines)
            if waits:
                for target in _ROUND:
                    _draw(m, p, target, _ASIDE_MPS2, 0.0, _BESIDE_M, state, vehicle, paths, lines)
        else:
            for comfort in (0.8, _ASIDE_MPS2, 5.0):
                _draw(m, p, 0.0, comfort, math.nan, 0.0, state, vehicle, paths, lines)
            if timed:
                for hold_m, share in _LATER:
                    _draw(m, p, paths.path[p].rear_d, _ASIDE_MPS2 / (share * share), 0.0, hold_m, state, vehicle, paths, lines)
        if not math.isnan(goal_offsets[p]):
            _draw(m, p, goal_offsets[p], _ASIDE_MPS2, math.nan, 0.0, state, vehicle, paths, lines)


@lean
def _draw(
    m: MapArrays, p: int, target: float, lateral_mps2: float, then: float, hold_m: float, state: VehicleState, vehicle: VehicleParameters,
    paths: Paths, lines: Lines,
) -> float:  # fmt: skip
    """One line: reaches `target` so soon that the quintic's peak lateral acceleration, 5.77·|way|·speed²/length², is lateral_mps2.

    then: the offset it goes on to after hold_m metres, as gently; nan where it stays. Returns the way, m; 0 where no line can be drawn.
    """
    if lines.used[0] >= LINES:
        return 0.0
    i = lines.used[0]
    speed = state.speed_mps
    curvature = math.tan(state.steering_rad) / vehicle.wheelbase_m
    d, turn = paths.path[p].rear_d, paths.path[p].rear_turn
    if abs(turn) > 1.2:
        return 0.0
    base = min(max(0, int(paths.path[p].rear_s)), STATIONS - 2)
    k_slope = paths.station[p, base + 1].curvature - paths.station[p, base].curvature
    k_ref = paths.station[p, base].curvature + (paths.path[p].rear_s - base) * k_slope
    stretch = 1.0 - k_ref * d
    if stretch < 0.15:
        return 0.0
    slope = math.tan(turn) * stretch
    bend = (curvature * stretch / math.cos(turn) - k_ref) * stretch / math.cos(turn) ** 2 - (k_slope * d + k_ref * slope) * math.tan(turn)
    way = abs(target - d) + 2.0 * abs(slope)
    length = _length(speed, way, lateral_mps2)
    second = _length(speed, abs(then - target), lateral_mps2)
    # A car that hardly moves turns its wheels on the spot: its line need not begin with the curvature they have now.
    rolling = min(1.0, state.speed_mps / _ROLLING_MPS)
    bend = rolling * bend + (1.0 - rolling) * (6.0 * (target - d) - 4.0 * slope * length) / (length * length)
    bend = min(0.5, max(-0.5, bend))
    a3, a4, a5 = _quintic(d, slope, bend, target, length)

    s, cells = paths.path[p].rear_s, 0
    lines.flanks[:] = -1
    for c in range(CELLS):
        base = int(s)
        if base >= STATIONS - 1:
            break
        f = s - base
        k_ref = paths.station[p, base].curvature + f * (paths.station[p, base + 1].curvature - paths.station[p, base].curvature)
        k_slope = paths.station[p, base + 1].curvature - paths.station[p, base].curvature
        u = min(length, s - paths.path[p].rear_s)
        off = d + u * (slope + u * (0.5 * bend + u * (a3 + u * (a4 + u * a5))))
        off1 = slope + u * (bend + u * (3.0 * a3 + u * (4.0 * a4 + u * 5.0 * a5)))
        off2 = bend + u * (6.0 * a3 + u * (12.0 * a4 + u * 20.0 * a5))
        if u >= length:
            off, off1, off2 = target, 0.0, 0.0
            if not math.isnan(then):
                off, off1, off2 = _go_over(target, then, (s - paths.path[p].rear_s - length - hold_m) / second, second)
        stretch = 1.0 - k_ref * off
        if stretch < 0.15:
            break
        turn, cos, sin, tan = 0.0, 1.0, 0.0, 0.0
        if off1 != 0.0:  # most of a line only follows its path: no angle is to be found there
            turn = math.atan2(off1, stretch)
            cos, sin, tan = math.cos(turn), math.sin(turn), math.tan(turn)
        heading = paths.station[p, base].heading + f * (paths.station[p, base + 1].heading - paths.station[p, base].heading)
        across, along = math.sin(heading), math.cos(heading)
        x = paths.station[p, base].x + f * (paths.station[p, base + 1].x - paths.station[p, base].x) - off * across
        y = paths.station[p, base].y + f * (paths.station[p, base + 1].y - paths.station[p, base].y) + off * along
        ux, uy = along * cos - across * sin, across * cos + along * sin
        lines.cell[i, c].x, lines.cell[i, c].y = x, y
        lines.cell[i, c].heading, lines.cell[i, c].ux, lines.cell[i, c].uy = heading + turn, ux, uy
        lines.cell[i, c].body_x, lines.cell[i, c].body_y = x + vehicle.rear_axle_m * ux, y + vehicle.rear_axle_m * uy
        lines.cell[i, c].curvature = ((off2 + (k_slope * off + k_ref * off1) * tan) * cos * cos / stretch + k_ref) * cos / stretch
        lines.cell[i, c].offset, lines.cell[i, c].station = off, s
        bendy = math.sqrt(COMFORT_LATERAL_MPS2 / max(1e-6, abs(lines.cell[i, c].curvature)))
        lines.cell[i, c].allowed = min(paths.station[p, base].allowed, max(bendy, 0.6 * paths.station[p, base].allowed))
        if c > 0:
            lines.cell[i, c - 1].steerable = steerable_speed(lines.cell[i, c - 1].curvature, lines.cell[i, c].curvature, vehicle)
            lines.cell[i, c - 1].allowed = min(lines.cell[i, c - 1].allowed, max(_CREEP_MPS, 0.9 * lines.cell[i, c - 1].steerable))
        lines.cell[i, c].limit = paths.station[p, base].limit
        half = 0.5 * vehicle.width_m - _REACH_TOLERANCE_M
        over = max(off + half - paths.station[p, base].left, half - off - paths.station[p, base].right)
        lines.cell[i, c].beyond = max(0.0, over)
        lines.cell[i, c].outside = lines.cell[i, c].keep_clear = lines.cell[i, c].goals = 0
        # What the map does not know is not a road's edge.
        known = c < EDGE_CELLS and s + vehicle.rear_axle_m + 0.5 * vehicle.length_m < paths.path[p].end_s
        if known and not has_room(paths.station[p], base, off, turn, _EDGE_MARGIN_M, vehicle, True):
            lines.cell[i, c].outside = _outside(m, lines.cell[i, c], vehicle, lines.flanks)
        s += cos / stretch
        cells = c + 1
    if cells < 3:
        return 0.0
    lines.cell[i, cells - 1].steerable = math.inf
    _wait_for_wheels(lines, i, state, vehicle)
    lines.line[i].path, lines.line[i].target, lines.line[i].cells = p, target if p == 0 or math.isnan(then) else then, cells
    lines.line[i].swerves = p == 0 and lateral_mps2 >= _SWERVING_MPS2
    lines.used[0] = i + 1
    return float(way)


@lean
def _wait_for_wheels(lines: Lines, i: int, state: VehicleState, vehicle: VehicleParameters) -> None:
    """Where a line begins with another curvature than the wheels have now, its first metres last as long as they take to turn."""
    turn = abs(math.atan(vehicle.wheelbase_m * lines.cell[i, 0].curvature) - state.steering_rad)
    for c in range(_TURNING_CELLS):
        speed = (c + 0.5) * vehicle.steering_rate_max_radps / max(1e-3, turn)
        lines.cell[i, c].steerable = min(lines.cell[i, c].steerable, speed)
        lines.cell[i, c].allowed = min(lines.cell[i, c].allowed, max(_CREEP_MPS, 0.9 * speed))


@kernel
def steerable_speed(curvature: float, following: float, vehicle: VehicleParameters) -> float:
    """Up to this speed, m/s, the steering δ = atan(L·κ) follows from one cell's curvature to the next one's: δ' = L·κ'/(1 + (L·κ)²)."""
    turn = vehicle.wheelbase_m * abs(following - curvature) / (1.0 + (vehicle.wheelbase_m * curvature) ** 2)
    return _STEERING_SHARE * vehicle.steering_rate_max_radps / max(1e-6, turn)


@kernel
def _quintic(d: float, slope: float, bend: float, target: float, length: float) -> tuple[float, float, float]:
    """Coefficients of u³, u⁴, u⁵ of the quintic that ends at `target`, level and straight, after `length` metres."""
    rest = target - d - slope * length - 0.5 * bend * length * length
    rest1 = -slope - bend * length
    rest2 = -bend
    n2, n3 = length * length, length * length * length
    return (
        10.0 * rest / n3 - 4.0 * rest1 / n2 + 0.5 * rest2 / length,
        -15.0 * rest / (n3 * length) + 7.0 * rest1 / n3 - rest2 / n2,
        6.0 * rest / (n3 * n2) - 3.0 * rest1 / (n3 * length) + 0.5 * rest2 / n3,
    )


@lean
def _length(speed: float, way: float, lateral_mps2: float) -> float:
    """Metres for `way` metres aside with that peak of lateral acceleration."""
    speed = max(_SLOWEST_MPS, speed)
    shortest = min(_SHORTEST_M, max(_NUDGE_M + _SHORTEST_M * way, _NUDGE_S * speed))
    return min(90.0, max(shortest, speed * math.sqrt(5.77 * way / lateral_mps2)))


@lean
def _go_over(start: float, end: float, part: float, length: float) -> tuple[float, float, float]:
    """Offset, slope and bend on the way from offset `start` to `end` over `length` metres, of which `part` is driven: 10u³ − 15u⁴ + 6u⁵."""
    u, way = min(1.0, max(0.0, part)), end - start
    return (
        start + way * u * u * u * (10.0 - u * (15.0 - 6.0 * u)),
        30.0 * way * u * u * (1.0 - u) * (1.0 - u) / length,
        60.0 * way * u * (1.0 - u) * (1.0 - 2.0 * u) / (length * length),
    )


@lean
def _outside(m: MapArrays, cell: Any, vehicle: VehicleParameters, hints: Ints) -> int:
    """Whether a side of the body in this cell is off the drivable surface: LEAVES; or would be with a little reserve: GRAZES; or 0.

    hints: (2·FLANK,) where each point of the sides was found to be on the road in the cell before, updated here.
    """
    grazes, point = 0, 0
    for k in range(FLANK):
        along = (0.5 - k / (FLANK - 1.0)) * vehicle.length_m
        for side in (0.5, -0.5):
            for width in (vehicle.width_m + 2.0 * _EDGE_MARGIN_M, vehicle.width_m):
                x = cell.body_x + along * cell.ux - side * width * cell.uy
                y = cell.body_y + along * cell.uy + side * width * cell.ux
                on, hints[point] = on_road_from(m, x, y, DRIVABLE, hints[point])
                if on:
                    break
                if width == vehicle.width_m:
                    return LEAVES
                grazes = GRAZES
            point += 1
    return grazes


@kernel
def mark_goals(lines: Lines, starts: Ints, corners: Floats, owners: Ints, headings: Floats) -> None:
    """Set `lines.goals`: bit g where the centre lies in a polygon of goal g and the heading suits it.

    starts: (polygons + 1,) into corners (n, 2); owners: (polygons,) goal of each; headings: (goals, 2) low and width, width ≥ 2π free.
    A goal without polygons may be reached anywhere: it owns a polygon slice of no corners.
    """
    boxes = np.empty((len(owners), 4))
    for q in range(len(owners)):
        boxes[q, 0], boxes[q, 1], boxes[q, 2], boxes[q, 3] = _box(corners, starts[q], starts[q + 1])
    for i in range(lines.used[0]):
        for c in range(lines.line[i].cells):
            x, y = lines.cell[i, c].body_x, lines.cell[i, c].body_y
            bits = 0
            for q in range(len(owners)):
                everywhere = starts[q] == starts[q + 1]
                if not everywhere and not (boxes[q, 0] <= x <= boxes[q, 1] and boxes[q, 2] <= y <= boxes[q, 3]):
                    continue
                goal = owners[q]
                turned = (lines.cell[i, c].heading - headings[goal, 0]) % (2.0 * math.pi)
                if headings[goal, 1] < 2.0 * math.pi and turned > headings[goal, 1]:
                    continue
                if everywhere or inside_polygon(corners, starts[q], starts[q + 1], x, y):
                    bits |= 1 << goal
            lines.cell[i, c].goals = bits


@lean
def _box(corners: Floats, first: int, last: int) -> tuple[float, float, float, float]:
    """(low x, high x, low y, high y) of corners[first:last], with a millimetre to spare for what rounding makes of a border."""
    low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
    for i in range(first, last):
        low_x, high_x = min(low_x, corners[i, 0]), max(high_x, corners[i, 0])
        low_y, high_y = min(low_y, corners[i, 1]), max(high_y, corners[i, 1])
    return low_x - 1e-3, high_x + 1e-3, low_y - 1e-3, high_y + 1e-3


@kernel
def cell_at(s: float, last: int) -> int:
    """The cell that stands for s metres along a line: 0 only for who stays where it is, so that nobody creeps ahead inside it."""
    return 0 if s < _STAYS_M else min(last, max(1, int(s + 0.5)))


@lean
def inside_polygon(corners: Floats, first: int, last: int, x: float, y: float) -> bool:
    """Even-odd rule on corners[first:last]."""
    inside = False
    j = last - 1
    for i in range(first, last):
        if (corners[i, 1] > y) != (corners[j, 1] > y):
            at = corners[i, 0] + (y - corners[i, 1]) / (corners[j, 1] - corners[i, 1]) * (corners[j, 0] - corners[i, 0])
            if x < at:
                inside = not inside
        j = i
    return inside


@lean
def offset_of(paths: Paths, p: int, x: float, y: float, vehicle: VehicleParameters) -> float:
    """Offset of a point from path p for a body's centre, m left; nan when it does not lie beside the path ahead."""
    best, offset = 36.0, math.nan
    for i in range(BEHIND, STATIONS):
        cos, sin = math.cos(paths.station[p, i].heading), math.sin(paths.station[p, i].heading)
        dx, dy = x - paths.station[p, i].x - vehicle.rear_axle_m * cos, y - paths.station[p, i].y - vehicle.rear_axle_m * sin
        if dx * dx + dy * dy < best:
            best = dx * dx + dy * dy
            offset = dy * cos - dx * sin
    return offset
