"""The extended PDM score (EPDMS) of NAVSIM v2, for a whole drive.

Source: Cao et al., "Pseudo-Simulation for Autonomous Driving", 2025, and NAVSIM v2's metrics: no at-fault collision, drivable area,
driving direction and traffic lights multiply; progress (5), time to collision (5), lane keeping (2), history comfort (2) and extended
comfort (2) are averaged. What a reference drive of the same scene also fails is not held against the ego. Extended comfort compares the
plans of two neighbouring moments; a drive is one course, so it and its weight are left out. Metrics of the same name are nuPlan's, its
bound of 0.95 s for the time to collision included (NAVSIM: 1 s), and progress is not measured against that of NAVSIM's own planner.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from marque.simulation.metrics import nuplan
from marque.simulation.metrics.model import Case, Finding, Metric, spans

LANE_OFFSET_M = 0.5
LANE_OFFSET_S = 2.0
"""Off the lane's middle by more than that for this long is not keeping the lane; junctions do not count."""
_WEIGHTS = {"progress": 5.0, "ttc": 5.0, "lane_keeping": 2.0, "comfort": 2.0}


def metrics(case: Case, known: tuple[Metric, ...], reference: tuple[Metric, ...] | None = None) -> tuple[Metric, ...]:
    """The metrics of the score. known: those of `nuplan.metrics`, of which most are the same; reference: these of another drive."""
    shared = {metric.name: metric for metric in known}
    names = ("no_at_fault_collision", "drivable_area", "driving_direction", "progress", "ttc", "comfort")
    found = [dataclasses.replace(shared[name], weight=_WEIGHTS.get(name)) for name in names]
    found += [nuplan.red_light(case), lane_keeping(case)]
    if reference is None:
        return tuple(found)
    failed = {metric.name for metric in reference if metric.value == 0.0}
    return tuple(dataclasses.replace(metric, value=1.0, findings=()) if metric.name in failed else metric for metric in found)


def lane_keeping(case: Case) -> Metric:
    """0 where the ego is off the middle of its lane for too long."""
    course = case.course
    in_junction = case.scenario.road_map.arrays.lanes["junction"][course.lane] >= 0
    off = (np.abs(course.d_m) > LANE_OFFSET_M) & ~in_junction
    long = [(first, last) for first, last in spans(off) if (last - first + 1) * case.scenario.step_s > LANE_OFFSET_S - 1e-6]
    per_step = np.ones(off.size)
    found = []
    for first, last in long:
        per_step[first : last + 1] = 0.0
        furthest, seconds = np.max(np.abs(course.d_m[first : last + 1])), (last - first + 1) * case.scenario.step_s
        reason = f"{furthest:.1f} m off the lane's middle, {seconds:.1f} s long"
        found.append(Finding(first, 1.0 / len(long), reason))
    return Metric("lane_keeping", float(not long), per_step, _WEIGHTS["lane_keeping"], tuple(found))
