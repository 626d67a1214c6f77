"""Following: the published equilibrium, the published law, and a speed from which one can always still stop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import LIMIT_MPS, cut_ring, ring
from oracle import equilibrium_speed

from marque.simulation.traffic import Traffic
from marque.simulation.traffic.following import HARDEST_MPS2, idm_acceleration, safe_speed, travel_time

SPEED, GAP = st.floats(0.0, 40.0), st.floats(0.2, 200.0)


@pytest.mark.parametrize(("vehicles", "headway"), [(8, 1.1), (20, 1.1), (20, 1.6), (30, 0.9)])
def test_drivers_of_one_kind_on_a_ring_find_the_equilibrium_of_the_law(vehicles, headway):
    traffic = Traffic(ring(), vehicles=vehicles, seed=3)
    drivers, lanes = traffic.state.drivers[0], traffic.network.lanes
    for name, value in (("factor", 1.0), ("headway", headway), ("accelerate", 1.5), ("brake", 2.0), ("jam_gap", 2.0)):
        drivers[name] = value
    traffic.step(steps=6000)
    gap = (lanes["length"][lanes["used"] > 0].sum() - drivers["length"].sum()) / vehicles
    expected = equilibrium_speed(gap, LIMIT_MPS, headway, 2.0)
    assert traffic.state.bodies["speed"][0] == pytest.approx(expected, rel=0.005)


@given(speed=SPEED, gap=GAP, leader=SPEED, wanted=st.floats(2.0, 40.0))
def test_the_law_is_the_published_one_between_its_bounds(speed, gap, leader, wanted):
    headway, a, b, s0 = 1.2, 1.5, 2.0, 2.0
    star = s0 + max(0.0, speed * headway + speed * (speed - leader) / (2.0 * np.sqrt(a * b)))
    free = max(-b, a * (1.0 - (speed / wanted) ** 4))
    assert idm_acceleration(speed, wanted, gap, leader, headway, a, b, s0) == pytest.approx(
        max(-HARDEST_MPS2, free - a * (star / gap) ** 2)
    )


@given(speed=SPEED, gap=GAP, leader=SPEED, step_s=st.sampled_from([0.04, 0.1, 0.2]))
def test_at_the_safe_speed_one_stops_behind_a_leader_that_brakes_as_hard_as_it_can(speed, gap, leader, step_s):
    chosen = safe_speed(speed, gap, leader, step_s)
    if chosen < speed - HARDEST_MPS2 * step_s:  # too late already: nothing could do it
        return
    driven = 0.5 * (speed + chosen) * step_s + chosen**2 / (2.0 * HARDEST_MPS2)
    assert driven <= gap + leader**2 / (2.0 * HARDEST_MPS2) + 1e-9
    if chosen > 0.0:  # and no slower than need be
        assert driven == pytest.approx(gap + leader**2 / (2.0 * HARDEST_MPS2))


@given(distance=st.floats(0.0, 300.0), speed=st.floats(0.0, 20.0), wanted=st.floats(1.0, 20.0))
def test_the_travel_time_is_that_of_a_drive_in_small_steps(distance, speed, wanted):
    accelerate, dt, s, t, v = 1.5, 0.01, 0.0, 0.0, min(speed, wanted)
    while s < distance:
        after = min(wanted, v + accelerate * dt)
        s, t, v = s + 0.5 * (v + after) * dt, t + dt, after
    assert travel_time(distance, speed, wanted, accelerate) == pytest.approx(t, abs=0.03 + 0.01 * t)


def test_a_queue_stands_at_its_drivers_jam_gaps_behind_one_that_stands():
    """The light of the small town turns red: behind the first, all keep what they like to keep."""
    from small_town import small_town

    traffic = Traffic(small_town(), vehicles=16, seed=2)
    street = small_town().lane_ids.index("street0")
    seen = 0
    for _ in range(900):
        traffic.step(steps=5)
        state = traffic.state
        queue = np.flatnonzero((state.vehicles["lane"][0] == street) & (state.bodies["speed"][0] == 0.0))
        queue = queue[np.argsort(state.bodies["x"][0][queue])]
        body, driver = state.bodies[0], state.drivers[0]
        for behind, ahead in itertools.pairwise(queue):
            gap = body["x"][ahead] - body["x"][behind] - 0.5 * (body["length"][ahead] + body["length"][behind])
            if gap < 6.0:  # else it stands for another reason
                assert driver["jam_gap"][behind] - 0.75 <= gap <= driver["jam_gap"][behind] + 1.5
                seen += 1
    assert seen > 100


def test_lanes_shorter_than_a_car_are_no_hindrance():
    traffic = Traffic(cut_ring(), vehicles=8, seed=1)
    traffic.step(steps=3000)
    assert traffic.state.clock["longest_s"][0] < 5.0
    assert traffic.state.clock["metres"][0] / (8 * 300.0) > 0.5 * LIMIT_MPS
