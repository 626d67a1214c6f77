"""The closed-loop score of nuPlan, for scenarios of any source.

Source: Caesar et al., "nuPlan: A closed-loop ML-based planning benchmark", 2021, and the metrics of nuplan-devkit 1.2: which multiply,
which are weighted, their weights and thresholds. Ours differ where CommonRoad has nothing to compare with: progress is along the way to
the goal, not along an expert's drive; a collision's fault is the judge's (`judge.blame`); others keep their heading as well as their speed
in the time to collision.
"""

from __future__ import annotations

import numpy as np

from marque.common import Bools, Floats
from marque.driving.map import Colour, MapArrays
from marque.driving.map.query import signal_colour
from marque.driving.observation import Kind
from marque.driving.route import FAR_M, cost_to_go, goal_entries
from marque.simulation.judge.blame import blame
from marque.simulation.judge.checks import Trajectory, first_collision
from marque.simulation.judge.surface import off_road
from marque.simulation.judge.verdict import GoalTest
from marque.simulation.metrics.comfort import uncomfortable
from marque.simulation.metrics.model import Case, Finding, Metric, spans
from marque.vehicle import kernel

TTC_BOUND_S = 0.95
PROGRESS_LEAST = 0.2
OVERSPEED_MPS = 2.23
"""A drive that is so much too fast all the time has lost all of the speed limit's score."""
WRONG_WAY_M = (2.0, 6.0)
"""Metres within a second against the traffic that cost half the score, and all of it."""
EDGE_M = 0.3
"""How far a corner may be beside the road."""
_PROGRESS_M = 2.0
"""Less than this counts as this, so that a goal close by does not divide by nothing."""
_WEIGHTS = {"progress": 5.0, "ttc": 5.0, "speed_limit": 4.0, "comfort": 2.0}


def metrics(case: Case) -> tuple[Metric, ...]:
    """The eight metrics of the score; `model.combined` of them is the score."""
    ahead = progress(case)
    return (
        no_at_fault_collision(case),
        drivable_area(case),
        driving_direction(case),
        making_progress(ahead),
        ahead,
        time_to_collision_within_bound(case),
        speed_limit(case),
        comfort(case),
    )


def no_at_fault_collision(case: Case) -> Metric:
    """0 for a collision with a road user by the ego's fault, 0.5 with an object."""
    driven, actors, start = case.driven, case.scenario.actors, case.problem.start_step
    hit, body = first_collision(
        driven, start, case.vehicle.length_m, case.vehicle.width_m, actors.x_m, actors.y_m, actors.heading_rad, actors.length_m,
        actors.width_m, actors.present, actors.stands,
    )  # fmt: skip
    fine = np.ones(driven.x_m.size)
    if hit < 0:
        return Metric("no_at_fault_collision", 1.0, fine)
    at_fault, why = blame(case.scenario, driven, start, hit, body, case.vehicle)
    if not at_fault:
        return Metric("no_at_fault_collision", 1.0, fine)
    value = 0.5 if actors.kinds[body] == Kind.STATIC else 0.0
    fine[hit] = value
    return Metric("no_at_fault_collision", value, fine, None, (Finding(hit, 1.0, why, case.obstacle(body)),))


def drivable_area(case: Case) -> Metric:
    """0 where a body smaller by 0.3 m all around is not wholly on the road."""
    away = np.empty(case.driven.x_m.size, np.bool_)
    _beside_road(
        case.driven, case.vehicle.length_m - 2.0 * EDGE_M, case.vehicle.width_m - 2.0 * EDGE_M, case.scenario.road_map.arrays, away
    )
    return _kept("drivable_area", away, f"more than {EDGE_M} m beside the road")


@kernel
def _beside_road(driven: Trajectory, length_m: float, width_m: float, m: MapArrays, out: Bools) -> None:
    for k in range(driven.x_m.size):
        out[k] = off_road(driven.x_m[k], driven.y_m[k], driven.heading_rad[k], length_m, width_m, m)


def driving_direction(case: Case) -> Metric:
    """By the metres driven on lanes for the other direction within a second."""
    moved = np.abs(np.diff(case.course.along_m, prepend=0.0)) * case.course.wrong_way
    total = np.concatenate([[0.0], np.cumsum(moved)])
    window = max(1, round(1.0 / case.scenario.step_s))
    within = total[1:] - total[np.maximum(0, np.arange(moved.size) + 1 - window)]
    per_step = np.where(within > WRONG_WAY_M[1], 0.0, np.where(within > WRONG_WAY_M[0], 0.5, 1.0))
    worst = int(np.argmax(within))
    found = (Finding(worst, 1.0, f"{within[worst]:.1f} m within a second on a lane for the other direction"),)
    return Metric("driving_direction", float(per_step.min()), per_step, None, found if per_step[worst] < 1.0 else ())


def progress(case: Case) -> Metric:
    """Metres of the way to the goal that were driven in its time, over all it had; 1 where a goal was reached or none says where."""
    goal, start = GoalTest(case.scenario, case.problem), case.problem.start_step
    end = min(case.driven.x_m.size, case.problem.last_step(case.scenario.step_s) - start + 1)
    left = _metres_left(case)[:end]
    states = zip(*(values[:end].tolist() for values in case.driven[:4]), strict=True)
    if left[0] >= FAR_M or any(goal.reached(start + k, *state) for k, state in enumerate(states)):
        return Metric("progress", 1.0, np.ones(case.driven.x_m.size), _WEIGHTS["progress"])
    nearest = np.minimum.accumulate(left)
    per_step = np.minimum(1.0, np.maximum(left[0] - nearest, _PROGRESS_M) / max(left[0], _PROGRESS_M))
    reason = f"{left[0] - nearest[-1]:.0f} m of {left[0]:.0f} m to the goal driven in its time"
    found = (Finding(end - 1, 1.0, reason),) if per_step[-1] < 1.0 else ()
    return Metric(
        "progress", float(per_step[-1]), np.pad(per_step, (0, case.driven.x_m.size - end), mode="edge"), _WEIGHTS["progress"], found
    )


def _metres_left(case: Case) -> Floats:
    """Metres along lanes to the nearest goal per step (n,); FAR_M where no way leads there."""
    road_map = case.scenario.road_map
    lanes = len(road_map.arrays.lanes)
    cost, way = np.empty(lanes), np.empty(lanes)
    cost_to_go(road_map.arrays, goal_entries(road_map, case.problem.goals), np.zeros(lanes, np.bool_), cost, way)
    left = np.where(case.course.lane >= 0, np.maximum(0.0, way[case.course.lane] - case.course.s_m), FAR_M)
    return np.where(way[case.course.lane] >= FAR_M, FAR_M, left)


def making_progress(ahead: Metric) -> Metric:
    """Whether a fifth of the way was driven."""
    fine = ahead.value >= PROGRESS_LEAST
    return Metric("making_progress", float(fine), (ahead.per_step >= PROGRESS_LEAST).astype(float), None, () if fine else ahead.findings)


def time_to_collision_within_bound(case: Case) -> Metric:
    """0 where a collision with somebody who concerns the ego is less than 0.95 s away."""
    ttc, bodies = case.criticality.bound_ttc_s, case.criticality.bound_body
    near = ttc < TTC_BOUND_S
    if not near.any():
        return Metric("ttc", 1.0, np.ones(ttc.size), _WEIGHTS["ttc"])
    worst = int(np.argmin(ttc))
    found = Finding(worst, 1.0, f"{ttc[worst]:.2f} s to a collision, {TTC_BOUND_S} s are asked", case.obstacle(int(bodies[worst])))
    return Metric("ttc", 0.0, (~near).astype(float), _WEIGHTS["ttc"], (found,))


def speed_limit(case: Case) -> Metric:
    """1 less the mean excess of speed over the limit, in units of 2.23 m/s."""
    over = np.maximum(0.0, case.driven.speed_mps - case.course.limit_mps)
    value = max(0.0, 1.0 - float(over.mean()) / OVERSPEED_MPS)
    found = []
    for first, last in spans(over > 0.0):
        worst = first + int(np.argmax(over[first : last + 1]))
        reason = f"{case.driven.speed_mps[worst]:.1f} m/s where {case.course.limit_mps[worst]:.1f} m/s are allowed"
        found.append(Finding(worst, float(over[first : last + 1].sum() / over.sum()), reason))
    return Metric("speed_limit", value, np.maximum(0.0, 1.0 - over / OVERSPEED_MPS), _WEIGHTS["speed_limit"], tuple(found))


def comfort(case: Case) -> Metric:
    """0 where a bound of comfort is passed."""
    beyond, found = uncomfortable(case)
    return Metric("comfort", float(not beyond.any()), (~beyond).astype(float), _WEIGHTS["comfort"], found)


def red_light(case: Case) -> Metric:
    """0 where the ego's front passes into a lane whose signal is red."""
    m, course, start = case.scenario.road_map.arrays, case.course, case.problem.start_step
    ran = np.zeros(course.lane.size, np.bool_)
    for k in np.flatnonzero(np.diff(course.lane)) + 1:
        before, lane = int(course.lane[k - 1]), int(course.lane[k])
        if before < 0 or lane < 0 or m.lanes["signal"][lane] < 0 or m.lanes["signal"][lane] == m.lanes["signal"][before]:
            continue
        at_line = course.s_m + 0.5 * case.vehicle.length_m >= m.lanes["length"][before]
        first = k  # the step at which its front passed the line
        while first > 0 and course.lane[first - 1] == before and at_line[first - 1]:
            first -= 1
        colour = signal_colour(m, int(m.lanes["signal"][lane]), (start + first) * case.scenario.step_s)
        ran[first] |= first > 0 and colour in {Colour.RED, Colour.RED_AMBER}
    return _kept("traffic_light", ran, "over the line at a red light")


def _kept(name: str, broken: Bools, reason: str) -> Metric:
    """A rule that holds or not: 0 if it is ever broken."""
    found = [Finding(first, 0.0, reason) for first, _ in spans(broken)]
    shared = tuple(Finding(finding.step, 1.0 / len(found), finding.reason) for finding in found)
    return Metric(name, float(not broken.any()), (~broken).astype(float), None, shared)
