from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import kmh_from_mps, mps_from_kmh


def test_a_car_at_36_kmh_covers_10_metres_a_second():
    assert mps_from_kmh(36.0) == 10.0


@given(st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same_speed(kmh):
    assert kmh_from_mps(mps_from_kmh(kmh)) == pytest.approx(kmh, rel=1e-15, abs=1e-300)
