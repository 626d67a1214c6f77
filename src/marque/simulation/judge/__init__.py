"""The judge: what a driven trajectory is worth, told from the scenario alone. It knows neither the planner nor the simulation's inside."""

from __future__ import annotations

from marque.simulation.judge.checks import Limit, Trajectory
from marque.simulation.judge.metrics import Comfort, comfort, least_time_to_collision
from marque.simulation.judge.proof import prove_ill_posed
from marque.simulation.judge.verdict import GoalTest, Judgement, Verdict, judge

__all__ = [
    "Comfort",
    "GoalTest",
    "Judgement",
    "Limit",
    "Trajectory",
    "Verdict",
    "comfort",
    "judge",
    "least_time_to_collision",
    "prove_ill_posed",
]
