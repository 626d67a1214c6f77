from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.proof.credibility.cross_check import Driver, deviations, equilibrium_speed, stream
from marque.simulation.traffic.following import idm_acceleration

DRIVERS = st.builds(
    Driver, st.floats(8.0, 40.0), st.floats(0.8, 2.0), st.floats(0.5, 2.5), st.floats(1.0, 3.0), st.floats(1.0, 4.0), st.floats(3.5, 12.0)
)


@given(DRIVERS, st.floats(6.0, 300.0))
def test_in_equilibrium_nobody_speeds_up_or_slows_down(driver, spacing_m):
    speed = equilibrium_speed(driver, spacing_m)
    assert 0.0 <= speed < driver.wanted_mps
    if speed > 0.1:
        gap = spacing_m - driver.length_m
        pull = idm_acceleration(
            speed, driver.wanted_mps, gap, speed, driver.headway_s, driver.acceleration_mps2, driver.braking_mps2, driver.jam_gap_m
        )
        assert abs(pull) < 1e-6


@given(DRIVERS, st.floats(6.0, 200.0), st.floats(0.1, 50.0))
def test_more_room_is_never_slower(driver, spacing_m, more_m):
    assert equilibrium_speed(driver, spacing_m + more_m) >= equilibrium_speed(driver, spacing_m)


def test_even_traffic_has_the_flow_of_its_density_and_speed():
    """40 vehicles at 15 m/s on two lanes of 1 km for 5 minutes."""
    found = stream(metres=40 * 15.0 * 300.0, seconds=40 * 300.0, road_m=1000.0, lanes=2, lasts_s=300.0)
    assert (found.density_per_km, found.flow_per_h, found.speed_mps) == (pytest.approx(20.0), pytest.approx(1080.0), pytest.approx(15.0))


def test_deviations_are_shares_of_the_capacity():
    assert deviations(np.array([90.0, 210.0]), np.array([100.0, 200.0])) == pytest.approx([-0.05, 0.05])
