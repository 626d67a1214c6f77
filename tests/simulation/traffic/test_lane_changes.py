"""Changing lanes: it pays, it forces nobody, and it gets everyone out of a lane that ends."""

from __future__ import annotations

import numpy as np
import pytest
from loops import LIMIT_MPS, merge, ring
from oracle import overlapping

from marque.simulation.traffic import Traffic
from marque.simulation.traffic.lane_change import SAFE_MPS2

RADII_M = {0: 80.0, 1: 76.5}


def two_lane_ring(seed, vehicles=16):
    """A third of the drivers want to drive at half of the limit only."""
    traffic = Traffic(ring(2), vehicles=vehicles, seed=seed)
    traffic.state.drivers["factor"][0][::3] = 0.5
    return traffic


def behind(state, i, lane_radius):
    """The next vehicle behind i on the same ring, by angle: (number, gap m), or None."""
    body = state.bodies[0]
    angle, radius = np.arctan2(body["y"], body["x"]), np.hypot(body["x"], body["y"])
    back = (angle[i] - angle) % (2.0 * np.pi)
    back[i] = np.inf
    back[np.abs(radius - lane_radius) > 1.0] = np.inf
    k = int(np.argmin(back))
    gap = back[k] * lane_radius - 0.5 * (body["length"][i] + body["length"][k])
    return (k, gap) if np.isfinite(back[k]) else None


@pytest.mark.parametrize("seed", range(4))
def test_a_change_makes_the_new_follower_brake_no_harder_than_what_is_safe(seed):
    traffic = two_lane_ring(seed)
    state, names = traffic.state, traffic.road_map.lane_ids
    hardest, changes = 0.0, 0
    for _ in range(2400):
        before = state.vehicles["change_span"][0].copy()
        traffic.step()
        for i in np.flatnonzero((before == 0.0) & (state.vehicles["change_span"][0] > 0.0)):
            changes += 1
            found = behind(state, i, RADII_M[int(names[state.vehicles["lane"][0][i]][-1])])
            if found and found[1] < 40.0:
                hardest = min(hardest, state.vehicles["acceleration"][0][found[0]])
    assert changes >= 5
    assert -SAFE_MPS2 - 0.05 <= hardest < -0.5


def test_changing_pays_who_wants_to_drive_faster():
    """One slow driver holds up all on a single lane, and none where there are two."""
    means = []
    for lanes in (1, 2):
        traffic = Traffic(ring(lanes), vehicles=6 * lanes, seed=1)
        traffic.state.drivers["factor"][0][0] = 0.5
        traffic.step(steps=600)
        speeds = []
        for _ in range(60):
            traffic.step(steps=20)
            speeds.append(traffic.state.bodies["speed"][0][1:].mean())
        means.append(np.mean(speeds))
    assert means[0] < 0.55 * LIMIT_MPS
    assert means[1] > 0.8 * LIMIT_MPS


def test_a_change_goes_over_to_the_neighbour_s_centre_line_without_a_jump():
    traffic = two_lane_ring(2)
    radius = np.hypot(traffic.state.bodies["x"][0], traffic.state.bodies["y"][0])
    crossings = 0
    for _ in range(2400):
        traffic.step()
        now = np.hypot(traffic.state.bodies["x"][0], traffic.state.bodies["y"][0])
        assert np.abs(now - radius).max() < 0.35  # 3.5 m in 3.5 s: at most 1.5 m/s sideways, and the bow of the body
        crossings += int(((now > 78.25) != (radius > 78.25)).sum())
        radius = now
        settled = traffic.state.vehicles["change_span"][0] == 0.0
        on_line = np.min(np.abs(now[settled, None] - np.array([80.0, 76.5])), axis=1)
        assert on_line.max(initial=0.0) < 0.15
    assert crossings >= 5


@pytest.mark.parametrize("seed", range(3))
def test_everyone_gets_out_of_a_lane_that_ends_and_nobody_is_stuck(seed):
    traffic = Traffic(merge(), vehicles=20, seed=seed)
    state, right = traffic.state, traffic.road_map.lane_ids.index("right")
    were_there: set[int] = set()
    for _ in range(300):
        traffic.step(steps=10)
        were_there |= set(np.flatnonzero(state.vehicles["lane"][0] == right).tolist())
        assert overlapping(traffic.frame()) == []
    assert len(were_there) >= 10
    assert state.clock["longest_s"][0] < 20.0
    assert state.clock["metres"][0] / (20 * 300.0) > 7.0
