"""Longitudinal laws: how hard to accelerate behind someone, towards a line, towards a slower stretch. Pure functions of numbers."""

from __future__ import annotations

import math

from marque.vehicle import lean

HARDEST_MPS2 = 8.0
"""What every vehicle can brake; the safe speed assumes it of leaders and followers alike."""


@lean
def idm_acceleration(
    speed: float, wanted: float, gap: float, leader_speed: float, headway: float, accelerate: float, brake: float, jam_gap: float
) -> float:
    """Intelligent Driver Model, m/s²: towards the wanted speed (m/s, > 0) behind a leader gap m ahead (np.inf: a free road).

    Between −HARDEST_MPS2 and accelerate; without a leader not below −brake. Source: Treiber, Hennecke, Helbing 2000, eq. (2)–(3).
    """
    ratio = speed / wanted
    ratio *= ratio
    free = max(-brake, accelerate * (1.0 - ratio * ratio))
    if gap > 1e6:
        return free
    desired = jam_gap + max(0.0, speed * headway + speed * (speed - leader_speed) / (2.0 * math.sqrt(accelerate * brake)))
    crowded = desired / max(gap, 0.1)
    return max(-HARDEST_MPS2, free - accelerate * crowded * crowded)


@lean
def safe_speed(speed: float, gap: float, leader_speed: float, step_s: float) -> float:
    """The highest speed after this step from which a vehicle can still stop behind a leader that brakes as hard as anyone can.

    Solves (v + u)·τ/2 + u²/(2b) = gap + v_l²/(2b) for u: Gipps 1981 with equal hardest braking b and no further reaction time.
    """
    bt = 0.5 * HARDEST_MPS2 * step_s
    return max(0.0, -bt + math.sqrt(max(0.0, bt * bt + leader_speed * leader_speed + 2.0 * (HARDEST_MPS2 * gap - bt * speed))))


@lean
def travel_time(distance: float, speed: float, wanted: float, accelerate: float) -> float:
    """Seconds for a distance when accelerating evenly up to the wanted speed, then holding it."""
    if distance <= 0.0:
        return 0.0
    if speed >= wanted:
        return distance / max(wanted, 0.1)
    run_up = (wanted * wanted - speed * speed) / (2.0 * accelerate)
    if distance <= run_up:
        return (math.sqrt(speed * speed + 2.0 * accelerate * distance) - speed) / accelerate
    return (wanted - speed) / accelerate + (distance - run_up) / wanted
