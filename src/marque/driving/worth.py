"""What a candidate is worth: what a line with a speed profile risks, breaks, costs in comfort and gains; and the task it is measured by."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints
from marque.driving.lines import LEAVES, Lines, cell_at
from marque.driving.occupancy import FREE, Occupancy
from marque.driving.path import STATIONS, Paths
from marque.driving.predict import STEP_S, STEPS
from marque.driving.route import FAR_M
from marque.driving.speed import TICK_S, TICKS, Profiles
from marque.vehicle import kernel, lean

HORIZON_S = (TICKS - 1) * TICK_S

# Weights. The unit is a metre of progress; everything else is said in what it is worth of that.
_RISK = 220.0  # touching somebody for one instant of 0.2 s, far ahead
_RISK_NEAR = 900.0  # the same within the next 2 s, where no later cycle will mend it
_GAP = 4.0  # one instant bumper to bumper, falling to 0 at the time gap below
_GAP_S, _GAP_STAND_M = 0.9, 2.0
_EDGE = 120.0  # one instant with a corner off the road
_GRAZE = 3.0  # one instant with a corner nearly there
_SPEED, _OVER_MPS = 0.9, 0.2  # per (m/s)² above what limit and bends allow, per instant, unless it is hardly above
_LATERAL = 0.8  # per (m/s²)² above comfortable
_LATERAL_COMFORT, _LATERAL_LIMIT = 2.6, 8.0
_UNSTEERABLE = 400.0  # one instant faster than the steering can follow the line
# Close to that a little costs a little: from one cycle to the next a path's curvature is known a few hundredths better or worse.
_STEERS_HARD, _STEERS_EASILY, _STEERS_MOST = 18.0, 0.95, 1.05
_LONGITUDINAL = 0.12  # per (m/s²)², per instant
# Without a time to keep: per (m/s²)² of braking or accelerating beyond what passengers take for comfortable (nuPlan: 4.05, 2.40).
_HARD, _HARD_MPS2 = 1.0, 3.0
_HASTY, _HASTY_MPS2 = 4.0, 2.2
_IMPOSSIBLE = 4000.0
_PROGRESS = 1.0
_THEN = 0.5  # of that, where a timed goal is met anyhow: who dawdles is in the way of those behind
_ROUTE = 0.35  # per metre of detour, up to _ROUTE_MAX metres
_ROUTE_MAX = 400.0
_OFFSET = 2.2  # per metre beside the path's middle
_BEYOND = 0.7  # per metre over the edge of the own direction's carriageway, per instant, to pass what stands in the way
_BEYOND_IDLY = 14.0  # the same where nothing has to be passed
_EAGER, _EAGER_S = 3.0, 10.0  # a metre past what stands in the way is worth the more the longer one has stood there, up to so much more
_OVER_M = 1.5  # so near to the middle of the other lane one has changed to it
_BACK_M = 100.0  # metres of detour, as a change of lanes, that going round somebody and coming back is taken to cost anyhow
_CHANGE = 9.0  # to leave the lane
_PUT_OFF = 0.05  # per metre until it is left, with a time to keep: what is put off is put off again in the next cycle
_STICK = 4.0  # to stay with the line of the last cycle
_STICK_ASIDE = 0.5  # aside, no more than this share of what being there costs: or the car would never come back once nobody is in its way
_BLOCK = 25.0  # to come to rest where others must pass
_GOAL = 900.0  # to meet the goal in place, time, speed and heading
_LATER = 0.95  # of that, to be on the way to a goal whose time lasts longer than the plan
_AFTER = 0.12  # what everything counts once a timed goal's last moment has passed: the next drive has time to mend it
_ONWARD = 0.8  # per metre towards a timed goal that will be met anyhow: what comes in between costs time
_SHORT = 3.0  # per metre short of a timed goal when its time is over
_TOO_FAST, _STOPS_MPS2 = 15.0, 2.5  # per (m/s)² too fast at the end for what is then ahead
_HELD_M = 10.0  # who ends so near to what blocks the way is held up by it
_PACE = 6.0  # per (m/s)² outside the speeds that still arrive in time, beyond the horizon


class Task(NamedTuple):
    """The goals as kernels read them; g goals, q polygons.

    windows: (g, 4) earliest and latest second from now, lowest and highest speed. starts (q + 1,), corners (n, 2), owners (q,) polygons as
    in `lines.mark_goals`; headings (g, 2) low, width. timed: (1,) 1 when arriving early is as bad as late.
    """

    windows: Floats
    starts: Ints
    corners: Floats
    owners: Ints
    headings: Floats
    timed: Ints


class Terms(NamedTuple):
    """What is the same for all candidates of a cycle."""

    beyond: float  # per metre over the edge of the own direction's carriageway, per instant
    eager: float  # what a metre of progress is worth
    ends: float  # s until a timed goal's last moment; inf
    least: float  # m to the goal on the best path
    put_off: float  # per metre before a lane is left


class LineTerms(NamedTuple):
    """What is the same for all candidates of a line."""

    base: float
    over: int  # the cell from which on it is on the lane it leads to
    remains: float  # the cost of being where it was if that is not reached


@kernel
def terms(lines: Lines, paths: Paths, task: Task, passing: bool, waited_s: float) -> Terms:
    """passing: whether there is something to pass (`rules.to_pass`). waited_s: for so long the car has been standing."""
    timed = task.timed[0] == 1
    least = np.inf
    for i in range(lines.used[0]):
        least = min(least, paths.path[lines.line[i].path].cost)
    return Terms(
        _BEYOND if passing else _BEYOND_IDLY,
        1.0 + (min(_EAGER, max(0.0, waited_s / _EAGER_S - 1.0)) if passing and not timed else 0.0),
        task.windows[:, 1].max() if timed else np.inf,
        least,
        _PUT_OFF if timed else 0.0,
    )


@lean
def line_terms(lines: Lines, paths: Paths, i: int, cycle: Terms, last_kind: int, last_target: float) -> LineTerms:
    """last_kind, last_target: path and offset driven in the last cycle."""
    p = lines.line[i].path
    base, over = _detour(paths, p, cycle.least) + _OFFSET * abs(lines.line[i].target), _over_there(lines, i)
    if paths.path[p].kind != 0:
        base += _CHANGE + cycle.put_off * over
    else:
        base += _ends_beside(lines, paths, i, cycle)
    if paths.path[p].kind == last_kind and abs(lines.line[i].target - last_target) < 0.3:
        base -= _STICK if abs(lines.line[i].target) < 0.3 else min(_STICK, _STICK_ASIDE * _OFFSET * abs(lines.line[i].target))
    # Who has not come over by the end is where it was; to stand beside a queue is no progress.
    return LineTerms(base, over, _detour(paths, 0, cycle.least) - _detour(paths, p, cycle.least))


@lean
def worth(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, task: Task, effort: float, cycle: Terms, line: LineTerms, i: int,
    row: int, limit: float,
) -> float:  # fmt: skip
    """Cost of line i driven with profile row, in metres of progress; inf where it is no less than limit.

    effort: what the profile costs on any line: comfort (`comfort`) and what it does to the one behind (`followers.press`).
    """
    if puts_off(profiles, row, task):
        return np.inf
    cost = line.base + effort + (line.remains if profiles.s[row, TICKS - 1] < line.over else 0.0)
    cost -= cycle.eager * _gain(lines, paths, profiles, occupancy, i, row, task)
    return float(_weigh(lines, profiles, occupancy, i, row, cost, cycle.beyond, cycle.ends, limit))


@lean
def _detour(paths: Paths, p: int, least: float) -> float:
    return float(_ROUTE * min(_ROUTE_MAX, paths.path[p].cost - least))


@lean
def _ends_beside(lines: Lines, paths: Paths, i: int, cycle: Terms) -> float:
    """What it may cost that line i of the own path ends in the lane beside: from there the way to the goal may be a longer one.

    With a time to keep there is no time for that.
    """
    end = lines.cell[i, lines.line[i].cells - 1]
    station = paths.station[0, min(STATIONS - 1, max(0, int(end.station)))]
    beside = 1 if end.offset > station.lane_left else (2 if -end.offset > station.lane_right else 0)
    if beside == 0 or paths.path[beside].kind < 0 or cycle.ends < np.inf:
        return 0.0
    return max(0.0, _detour(paths, beside, cycle.least) - _detour(paths, 0, cycle.least) - _ROUTE * _BACK_M)


@lean
def _over_there(lines: Lines, i: int) -> int:
    """The cell from which on line i is on the lane it leads to."""
    c = 0
    while c < lines.line[i].cells - 1 and abs(lines.cell[i, c].offset - lines.line[i].target) > _OVER_M:
        c += 1
    return c


@lean
def goal_cells(lines: Lines, i: int, goal: int) -> tuple[int, int]:
    """First and last cell of line i's first stretch inside a goal; (−1, −1) when it does not lead there."""
    first = last = -1
    for c in range(lines.line[i].cells):
        if lines.cell[i, c].goals >> goal & 1:
            if first < 0:
                first = c
            last = c
        elif first >= 0:
            break
    return first, last


@lean
def pace(lines: Lines, paths: Paths, i: int, task: Task, end_s: float, at_s: float) -> tuple[float, float]:
    """Slowest and fastest average speed that still meets some goal in time from end_s metres on, at_s seconds from now."""
    slowest, fastest = math.inf, 0.0
    for goal in range(len(task.windows)):
        early, late = task.windows[goal, 0] - at_s, task.windows[goal, 1] - at_s
        if late <= 0.05:
            continue
        first, last = goal_cells(lines, i, goal)
        if first < 0:
            if paths.path[lines.line[i].path].cost >= FAR_M:
                continue
            near, far = max(0.0, paths.path[lines.line[i].path].way), math.inf
        else:
            near, far = first + 0.7, last - 0.7
            if last >= lines.line[i].cells - 1:
                far = math.inf
        slowest = min(slowest, max(0.0, (near - end_s) / late))
        fastest = max(fastest, math.inf if early <= 0.05 and far > end_s else max(0.0, (far - end_s) / max(0.1, early)))
    return slowest, fastest


@lean
def begins(task: Task) -> int:
    """The instant of predictions, 0 to STEPS, next to when some goal may first be met; STEPS where none asks for a time."""
    soonest = np.inf
    for goal in range(len(task.windows) if task.timed[0] else 0):
        soonest = min(soonest, task.windows[goal, 0])
    return STEPS if soonest > STEPS * STEP_S else max(0, int(soonest / STEP_S + 0.4))  # in the last tenth nothing is to be mended


@lean
def puts_off(profiles: Profiles, row: int, task: Task) -> bool:
    """To stand for a second and only then go is no plan, a second later it would be made again; unless it is too early to arrive."""
    late = TICKS // 6
    waits = profiles.v[row, 0] < 0.05 and profiles.v[row, late] < 0.05 and profiles.v[row, TICKS - 1] > 0.05
    return waits and not _too_early(task)


@lean
def _too_early(task: Task) -> bool:
    """Whether every goal's time is still to begin, so that waiting may be what it takes."""
    soonest = np.inf
    for goal in range(len(task.windows)):
        soonest = min(soonest, task.windows[goal, 0])
    return bool(task.timed[0]) and soonest > 0.0


@lean
def comfort(profiles: Profiles, row: int, timed: bool) -> float:
    """What a profile costs in comfort: all accelerating and braking a little; harder than is comfortable much more, without a time to keep:
    that is worth it for what is sure, not for what may be.
    """
    cost = strain = 0.0
    for t in range(1, TICKS):
        a = (profiles.v[row, t] - profiles.v[row, t - 1]) / TICK_S
        cost += 0.5 * _LONGITUDINAL * a * a
        strain += 0.5 * (_HARD * max(0.0, -a - _HARD_MPS2) ** 2 + _HASTY * max(0.0, a - _HASTY_MPS2) ** 2)
    return cost if timed else cost + strain


@lean
def speeding(profiles: Profiles, row: int, allowed: Floats) -> float:
    """What a profile costs at least for being too fast, on any line that allows no more than `allowed`, (CELLS,) m/s."""
    cost = 0.0
    for t in range(1, STEPS):
        over = profiles.v[row, 2 * t] - allowed[cell_at(profiles.s[row, 2 * t], len(allowed) - 1)]
        if over > _OVER_MPS:
            cost += _SPEED * over * over
    return cost


@lean
def _latest(task: Task) -> float:
    """The last moment of any goal, s from now."""
    latest = -np.inf
    for goal in range(len(task.windows)):
        latest = max(latest, task.windows[goal, 1])
    return float(latest)


@lean
def _gain(lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, i: int, row: int, task: Task) -> float:
    """What the pair achieves: progress, or for a timed goal meeting it, or keeping a pace that will."""
    end = profiles.s[row, TICKS - 1]
    if not task.timed[0]:
        return float(_PROGRESS * min(end, lines.line[i].cells))
    best = 0.0
    for goal in range(len(task.windows)):
        early, late, slow, fast = task.windows[goal]
        first, last = max(1, math.ceil(early / TICK_S - 1e-6)), min(TICKS - 1, math.floor(late / TICK_S + 1e-6))
        for t in range(first, last + 1):
            s, v = profiles.s[row, t], profiles.v[row, t]
            if not slow <= v <= fast:
                continue
            c = int(s)
            if c + 1 >= lines.line[i].cells:
                break
            inside = (lines.cell[i, c].goals >> goal & 1) + (lines.cell[i, c + 1].goals >> goal & 1)
            if inside > 0:
                # Deep inside and soon is surer than at the rim and late.
                depth = 1.0 if inside == 2 else 0.75
                best = max(best, _GOAL * depth - 2.0 * t * TICK_S)
    if best > 0.0:
        return float(best + (_PROGRESS if _anywhere(lines, i) else _THEN) * min(end, lines.line[i].cells))
    slowest, fastest = pace(lines, paths, i, task, end, HORIZON_S)
    last = lines.line[i].cells - 1
    speed = profiles.v[row, TICKS - 1]
    if occupancy.next[i, STEPS - 1, cell_at(end, last)] - end < _HELD_M:
        speed = max(speed, lines.cell[i, last].allowed)  # who is held up then is not slow of its own will
    if slowest == math.inf:
        return float(_PROGRESS * end - _SHORT * _short_of(lines, paths, profiles, i, row, task))
    lack = max(0.0, slowest - 0.5 * (speed + lines.cell[i, last].allowed)) + 0.3 * max(0.0, slowest - speed)
    excess = max(0.0, speed - fastest) + (5.0 if fastest == 0.0 else 0.0)
    later = _LATER * _GOAL if _latest(task) > HORIZON_S else 0.0
    return float(later + _ONWARD * end - _PACE * (_growing(lack) + _growing(excess)))


@lean
def _anywhere(lines: Lines, i: int) -> bool:
    """Whether a goal asks for no place, only for a time to be unharmed at: then one drives as ever."""
    last = lines.line[i].cells - 1
    return bool(lines.cell[i, 0].goals & lines.cell[i, last // 2].goals & lines.cell[i, last].goals)


@lean
def _short_of(lines: Lines, paths: Paths, profiles: Profiles, i: int, row: int, task: Task) -> float:
    """Metres by which the pair misses the goal it comes nearest to before that one's time is over."""
    least = math.inf
    for goal in range(len(task.windows)):
        late = task.windows[goal, 1]
        if late <= 0.05 or late > HORIZON_S:
            continue
        first, _ = goal_cells(lines, i, goal)
        if first < 0 and paths.path[lines.line[i].path].cost >= FAR_M:
            continue
        near = max(0.0, paths.path[lines.line[i].path].way) if first < 0 else float(first)
        least = min(least, max(0.0, near - profiles.s[row, int(late / TICK_S + 1e-6)]))
    return least if least < math.inf else 0.0


@kernel
def _growing(x: float) -> float:
    """Quadratic up to 4, linear beyond: what is far out of reach still pulls, but does not drown everything else."""
    return x * x if x < 4.0 else 8.0 * x - 16.0


@lean
def _weigh(
    lines: Lines, profiles: Profiles, occupancy: Occupancy, i: int, row: int, cost: float, beyond: float, ends: float, limit: float
) -> float:
    last = lines.line[i].cells - 1
    for t in range(1, STEPS):
        if cost >= limit:
            return np.inf
        tick = 2 * t
        s, v = profiles.s[row, tick], profiles.v[row, tick]
        c = cell_at(s, last)
        risk = occupancy.risk[i, t, c]
        near = t * STEP_S <= 2.0
        counts = 1.0 if t * STEP_S <= ends + STEP_S else _AFTER
        if risk > 0.0:
            cost += counts * risk * (_RISK_NEAR if near else _RISK)
        ahead = occupancy.next[i, t, c]
        if ahead < FREE and ahead > c:
            need = _GAP_S * v + _GAP_STAND_M
            gap = ahead - s
            if gap < need:
                cost += counts * _GAP * (1.0 - gap / need) ** 2
        over = v - lines.cell[i, c].allowed
        if over > _OVER_MPS:
            cost += counts * _SPEED * over * over
        lateral = abs(lines.cell[i, c].curvature) * v * v
        if lateral > _LATERAL_COMFORT:
            cost += _LATERAL * (lateral - _LATERAL_COMFORT) ** 2
            if lateral > _LATERAL_LIMIT and near:
                cost += _IMPOSSIBLE
        steers = v / lines.cell[i, c].steerable
        if steers > _STEERS_EASILY:
            hard = _STEERS_HARD * ((steers - _STEERS_EASILY) / (1.0 - _STEERS_EASILY)) ** 2
            cost += counts * (1.0 if near else 0.1) * (_UNSTEERABLE if steers > _STEERS_MOST else hard)
        cost += counts * beyond * min(2.0, lines.cell[i, c].beyond)
        if lines.cell[i, c].outside > lines.cell[i, 0].outside:
            edge = _EDGE if lines.cell[i, c].outside == LEAVES else _GRAZE
            cost += counts * edge * (3.0 if near else 1.0)
    cost += counts * _TOO_FAST * _too_fast(profiles, occupancy, i, row, last)
    end = min(last, int(profiles.s[row, TICKS - 1] + 0.5))
    if profiles.v[row, TICKS - 1] < 0.5 and lines.cell[i, end].keep_clear and not lines.cell[i, 0].keep_clear:
        cost += _BLOCK
    return cost


@lean
def _too_fast(profiles: Profiles, occupancy: Occupancy, i: int, row: int, last: int) -> float:
    """(m/s)² by which the plan ends too fast to stop comfortably for what is then ahead, or to take its speed."""
    s, v = profiles.s[row, TICKS - 1], profiles.v[row, TICKS - 1]
    c = cell_at(s, last)
    ahead, before = occupancy.next[i, STEPS - 1, c], occupancy.next[i, STEPS - 4, c]
    if ahead >= FREE:
        return 0.0
    leads = max(0.0, (ahead - before) / (3.0 * STEP_S)) if before < FREE else 0.0
    over = v - leads - math.sqrt(2.0 * _STOPS_MPS2 * max(0.0, ahead - s))
    return float(over * over) if over > 0.0 else 0.0
