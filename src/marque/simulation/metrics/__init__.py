"""What a drive is worth: scores, costs and criticality, per step and explained."""

from __future__ import annotations

from marque.simulation.metrics.commonroad_costs import costs, on_lane, partial_costs
from marque.simulation.metrics.model import Finding, Loss, Metric
from marque.simulation.metrics.score import Score, score

__all__ = ["Finding", "Loss", "Metric", "Score", "costs", "on_lane", "partial_costs", "score"]
